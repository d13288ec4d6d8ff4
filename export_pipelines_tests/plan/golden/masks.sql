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
  leads.submitted_at AS "submitted_at"
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) = 10) THEN CASE WHEN (strftime('%Y-%m-%d', leads.submitted_at, '+0 days') = leads.submitted_at) THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') IS NOT (replace(substr(leads.submitted_at, 1, 16), ' ', 'T') || ':00')) THEN NULL WHEN (substr(leads.submitted_at, 17) GLOB '[-+]??:??') THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (substr(leads.submitted_at, 17) IN ('', 'Z')) THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19), '+0 days') IS NOT replace(substr(leads.submitted_at, 1, 19), ' ', 'T')) THEN NULL WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END IN ('', 'Z')) THEN CASE WHEN ((replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z')) >= '0001') THEN replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z') END WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END GLOB '[-+]??:??') THEN CASE WHEN ((strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6)) >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6) END END, ?) BETWEEN ? AND ? ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) = 10) THEN CASE WHEN (strftime('%Y-%m-%d', leads.submitted_at, '+0 days') = leads.submitted_at) THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') IS NOT (replace(substr(leads.submitted_at, 1, 16), ' ', 'T') || ':00')) THEN NULL WHEN (substr(leads.submitted_at, 17) GLOB '[-+]??:??') THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (substr(leads.submitted_at, 17) IN ('', 'Z')) THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19), '+0 days') IS NOT replace(substr(leads.submitted_at, 1, 19), ' ', 'T')) THEN NULL WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END IN ('', 'Z')) THEN CASE WHEN ((replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z')) >= '0001') THEN replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z') END WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END GLOB '[-+]??:??') THEN CASE WHEN ((strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6)) >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6) END END, ?) BETWEEN ? AND ?
;
-- ? "2024-01-13"
-- ? "2024-01-23"
-- ? "2024-01-14T00:00:00"
-- ? "2024-01-14T00:00:00"
-- ? "2024-01-20T23:59:59.999~"
-- functions: none
-- private: none
