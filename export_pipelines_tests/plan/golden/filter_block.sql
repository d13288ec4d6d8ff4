-- submitted_at in [2023-11-01T00:00:00.000Z, 2024-02-01T00:00:00.000Z)
-- submitted_at from 2024-01-02T00:00:00.000Z (last: 30 days)
-- submitted_at on 2024-01-01, 2024-01-02, 2024-01-03, 2024-01-15
-- submitted_at from 22:00 to before 06:00 UTC
-- submitted_at on monday, saturday
-- flow is one of "Auto Insurance", "Crédit"
-- source is one of "Web"
-- recipient is one of "5f2b5f2b5f2b5f2b5f2b5f2b"
-- lead_id is one of 2 ids
-- outcome is one of "failure", null
-- state is one of "TX"
-- tcpa_consent is one of true
SELECT leads.lead_id AS "lead_id"
FROM leads LEFT OUTER JOIN flows AS flow ON flow.id = leads.flow_id LEFT OUTER JOIN sources AS source ON source.id = leads.source_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND leads.submitted_at >= ? AND (leads.submitted_at >= ? AND leads.submitted_at < ? OR leads.submitted_at >= ? AND leads.submitted_at < ?) AND (substr(leads.submitted_at, 12) >= ? OR substr(leads.submitted_at, 12) < ?) AND strftime('%w', substr(leads.submitted_at, 1, 10)) IN (?, ?) AND fold(flow.name) IN (?, ?) AND lower(source.name) IN (?) AND leads.recipient_id IN (?) AND leads.lead_id IN (?, ?) AND (lower(leads.outcome) IN (?) OR leads.outcome IS NULL) AND lower(leads.state) IN (?) AND leads.tcpa_consent = ? ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads LEFT OUTER JOIN flows AS flow ON flow.id = leads.flow_id LEFT OUTER JOIN sources AS source ON source.id = leads.source_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND leads.submitted_at >= ? AND (leads.submitted_at >= ? AND leads.submitted_at < ? OR leads.submitted_at >= ? AND leads.submitted_at < ?) AND (substr(leads.submitted_at, 12) >= ? OR substr(leads.submitted_at, 12) < ?) AND strftime('%w', substr(leads.submitted_at, 1, 10)) IN (?, ?) AND fold(flow.name) IN (?, ?) AND lower(source.name) IN (?) AND leads.recipient_id IN (?) AND leads.lead_id IN (?, ?) AND (lower(leads.outcome) IN (?) OR leads.outcome IS NULL) AND lower(leads.state) IN (?) AND leads.tcpa_consent = ?
;
-- ? "2023-11-01T00:00:00"
-- ? "2024-02-01T00:00:00"
-- ? "2024-01-02T00:00:00"
-- ? "2024-01-01T00:00:00"
-- ? "2024-01-04T00:00:00"
-- ? "2024-01-15T00:00:00"
-- ? "2024-01-16T00:00:00"
-- ? "22:00"
-- ? "06:00"
-- ? "1"
-- ? "6"
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
