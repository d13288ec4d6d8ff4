-- submitted_at in [2024-01-01T00:00:00.000Z, 2024-02-01T00:00:00.000Z)
-- source is one of "Web", "5f2b5f2b5f2b5f2b5f2b5f2b"
SELECT leads.lead_id AS "lead_id",
  leads.flow_id AS "flow.id",
  leads.email AS "email",
  leads.price AS "price"
FROM leads LEFT OUTER JOIN sources AS source ON source.id = leads.source_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND (leads.source_id IN (?) OR lower(source.name) IN (?)) ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads LEFT OUTER JOIN sources AS source ON source.id = leads.source_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND (leads.source_id IN (?) OR lower(source.name) IN (?))
;
-- ? "2024-01-01T00:00:00"
-- ? "2024-02-01T00:00:00"
-- ? "5f2b5f2b5f2b5f2b5f2b5f2b"
-- ? "web"
-- functions: none
-- private: none
