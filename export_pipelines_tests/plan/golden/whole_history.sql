SELECT leads.lead_id AS "lead_id",
  recipient.name AS "recipient.name"
FROM leads LEFT OUTER JOIN recipients AS recipient ON recipient.id = leads.recipient_id ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads
;
-- functions: none
-- private: none
