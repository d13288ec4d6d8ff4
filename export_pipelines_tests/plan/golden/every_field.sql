-- submitted_at in [2024-01-15T00:00:00.000Z, 2024-01-16T00:00:00.000Z)
SELECT leads.lead_id AS "lead_id",
  leads.reference AS "reference",
  CASE WHEN (leads.submitted_at IS NOT NULL) THEN coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 'no time') END AS "submitted_at",
  leads.flow_id AS "flow.id",
  flow.name AS "flow.name",
  leads.source_id AS "source.id",
  source.name AS "source.name",
  leads.recipient_id AS "recipient.id",
  recipient.name AS "recipient.name",
  leads.campaign_id AS "campaign_id",
  leads.affiliate_id AS "affiliate_id",
  leads.landing_page AS "landing_page",
  leads.user_agent AS "user_agent",
  leads.ip_address AS "ip_address",
  leads.trustedform_cert_url AS "trustedform_cert_url",
  leads.tcpa_consent AS "tcpa_consent",
  leads.first_name AS "first_name",
  leads.last_name AS "last_name",
  leads.title AS "title",
  leads.email AS "email",
  leads.email_2 AS "email_2",
  leads.phone_1 AS "phone_1",
  leads.phone_2 AS "phone_2",
  leads.phone_3 AS "phone_3",
  leads.dob AS "dob",
  leads.gender AS "gender",
  leads.address_1 AS "address_1",
  leads.address_2 AS "address_2",
  leads.city AS "city",
  leads.state AS "state",
  leads.postal_code AS "postal_code",
  leads.country AS "country",
  leads.comments AS "comments",
  leads.outcome AS "outcome",
  leads.reason AS "reason",
  CASE WHEN (leads.delivered_at IS NOT NULL) THEN coalesce(CASE WHEN (leads.delivered_at GLOB '????-??-??T??:??:??.???Z') THEN leads.delivered_at WHEN (length(leads.delivered_at) >= 19 AND substr(leads.delivered_at, 11, 1) IN ('T', ' ') AND (substr(leads.delivered_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.delivered_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.delivered_at) END, 'no time') END AS "delivered_at",
  leads.price AS "price",
  leads.purchase_price AS "purchase_price",
  leads.price AS "revenue",
  leads.purchase_price AS "cost",
  CASE WHEN json_valid(leads.custom) THEN json(leads.custom) WHEN (leads.custom IS NOT NULL) THEN '<JSON that does not parse>' END AS "custom",
  CASE WHEN json_valid(leads.appended) THEN json(leads.appended) WHEN (leads.appended IS NOT NULL) THEN '<JSON that does not parse>' END AS "appended",
  leads.ssn AS "ssn"
FROM leads LEFT OUTER JOIN flows AS flow ON flow.id = leads.flow_id LEFT OUTER JOIN sources AS source ON source.id = leads.source_id LEFT OUTER JOIN recipients AS recipient ON recipient.id = leads.recipient_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ?
;
-- ? "2024-01-14"
-- ? "2024-01-18"
-- ? "2024-01-15T00:00:00"
-- ? "2024-01-15T00:00:00"
-- ? "2024-01-15T23:59:59.999~"
-- functions: none
-- private: none
