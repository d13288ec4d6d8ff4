-- submitted_at in [2024-01-01T00:00:00.000Z, 2024-02-01T00:00:00.000Z)
-- source is one of "Web", "5f2b5f2b5f2b5f2b5f2b5f2b"
SELECT leads.lead_id AS "lead_id",
  leads.flow_id AS "flow.id",
  leads.email AS "email",
  leads.price AS "price",
  CASE WHEN (leads.submitted_at IS NOT NULL) THEN coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 'no time') END AS "submitted_at"
FROM leads LEFT OUTER JOIN sources AS source ON source.id = leads.source_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? AND (leads.source_id IN (?) OR lower(source.name) IN (?)) ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads LEFT OUTER JOIN sources AS source ON source.id = leads.source_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? AND (leads.source_id IN (?) OR lower(source.name) IN (?))
;
-- ? "2023-12-31"
-- ? "2024-02-03"
-- ? "2024-01-01T00:00:00"
-- ? "2024-01-01T00:00:00"
-- ? "2024-01-31T23:59:59.999~"
-- ? "5f2b5f2b5f2b5f2b5f2b5f2b"
-- ? "web"
-- functions: none
-- private: none
