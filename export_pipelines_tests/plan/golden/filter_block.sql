-- submitted_at in [2023-11-01T00:00:00.000Z, 2024-02-01T00:00:00.000Z)
-- submitted_at from 2024-01-02T00:00:00.000Z (last: 30 days)
-- submitted_at on 2024-01-01, 2024-01-02, 2024-01-03, 2024-01-15
-- submitted_at from 22:00 to before 06:00 UTC, of the nights that begin on monday, saturday
-- flow is one of "Auto Insurance", "Crédit"
-- source is one of "Web"
-- recipient is one of "5f2b5f2b5f2b5f2b5f2b5f2b"
-- lead_id is one of 2 ids
-- outcome is one of "failure", null
-- state is one of "TX"
-- tcpa_consent is one of true
SELECT leads.lead_id AS "lead_id",
  CASE WHEN (leads.submitted_at IS NOT NULL) THEN coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 'no time') END AS "submitted_at"
FROM leads LEFT OUTER JOIN flows AS flow ON flow.id = leads.flow_id LEFT OUTER JOIN sources AS source ON source.id = leads.source_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? AND leads.submitted_at >= ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) >= ? AND (leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? OR leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ?) AND (substr(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 12) >= ? AND strftime('%w', substr(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 1, 10)) IN (?, ?) OR substr(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 12) < ? AND strftime('%w', substr(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 1, 10)) IN (?, ?)) AND fold(flow.name) IN (?, ?) AND lower(source.name) IN (?) AND leads.recipient_id IN (?) AND leads.lead_id IN (?, ?) AND (lower(leads.outcome) IN (?) OR leads.outcome IS NULL) AND lower(leads.state) IN (?) AND leads.tcpa_consent = ? ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads LEFT OUTER JOIN flows AS flow ON flow.id = leads.flow_id LEFT OUTER JOIN sources AS source ON source.id = leads.source_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? AND leads.submitted_at >= ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) >= ? AND (leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? OR leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ?) AND (substr(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 12) >= ? AND strftime('%w', substr(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 1, 10)) IN (?, ?) OR substr(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 12) < ? AND strftime('%w', substr(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 1, 10)) IN (?, ?)) AND fold(flow.name) IN (?, ?) AND lower(source.name) IN (?) AND leads.recipient_id IN (?) AND leads.lead_id IN (?, ?) AND (lower(leads.outcome) IN (?) OR leads.outcome IS NULL) AND lower(leads.state) IN (?) AND leads.tcpa_consent = ?
;
-- ? "2023-10-31"
-- ? "2024-02-03"
-- ? "2023-11-01T00:00:00"
-- ? "2023-11-01T00:00:00"
-- ? "2024-01-31T23:59:59.999~"
-- ? "2024-01-01"
-- ? "2024-01-02T00:00:00"
-- ? "2024-01-02T00:00:00"
-- ? "2023-12-31"
-- ? "2024-01-06"
-- ? "2024-01-01T00:00:00"
-- ? "2024-01-01T00:00:00"
-- ? "2024-01-03T23:59:59.999~"
-- ? "2024-01-14"
-- ? "2024-01-18"
-- ? "2024-01-15T00:00:00"
-- ? "2024-01-15T00:00:00"
-- ? "2024-01-15T23:59:59.999~"
-- ? "22:00"
-- ? "1"
-- ? "6"
-- ? "06:00"
-- ? "2"
-- ? "0"
-- ? "auto insurance"
-- ? "crédit"
-- ? "web"
-- ? "5f2b5f2b5f2b5f2b5f2b5f2b"
-- ? "65a46c800000000000000001"
-- ? "65a46c800000000000000002"
-- ? "failure"
-- ? "tx"
-- ? 1
-- functions: fold
-- private: none
