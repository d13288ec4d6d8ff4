-- submitted_at in [2024-01-14T00:00:00.000Z, 2024-01-21T00:00:00.000Z)
SELECT leads.lead_id AS "lead_id",
  leads.email AS "email",
  CASE WHEN json_valid(leads.custom) THEN json(leads.custom) WHEN (leads.custom IS NOT NULL) THEN '<JSON that does not parse>' END AS "custom",
  leads.first_name AS "first_name",
  leads.last_name AS "last_name",
  leads.title AS "title",
  leads.dob AS "dob",
  leads.address_1 AS "address_1",
  leads.address_2 AS "address_2",
  leads.ssn AS "ssn",
  CASE WHEN (leads.submitted_at IS NOT NULL) THEN coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 'no time') END AS "submitted_at"
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ?
;
-- ? "2024-01-13"
-- ? "2024-01-23"
-- ? "2024-01-14T00:00:00"
-- ? "2024-01-14T00:00:00"
-- ? "2024-01-20T23:59:59.999~"
-- functions: none
-- private: none
