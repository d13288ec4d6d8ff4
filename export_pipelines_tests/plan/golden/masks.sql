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
  leads.ssn AS "ssn"
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ?
;
-- ? "2024-01-14T00:00:00"
-- ? "2024-01-21T00:00:00"
-- functions: none
-- private: none
