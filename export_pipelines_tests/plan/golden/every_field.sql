-- submitted_at in [2024-01-15T00:00:00.000Z, 2024-01-16T00:00:00.000Z)
SELECT leads.lead_id AS "lead_id",
  leads.reference AS "reference",
  leads.submitted_at AS "submitted_at",
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
  leads.delivered_at AS "delivered_at",
  leads.price AS "price",
  leads.purchase_price AS "purchase_price",
  leads.price AS "revenue",
  leads.purchase_price AS "cost",
  CASE WHEN json_valid(leads.custom) THEN json(leads.custom) WHEN (leads.custom IS NOT NULL) THEN '<JSON that does not parse>' END AS "custom",
  CASE WHEN json_valid(leads.appended) THEN json(leads.appended) WHEN (leads.appended IS NOT NULL) THEN '<JSON that does not parse>' END AS "appended",
  leads.ssn AS "ssn"
FROM leads LEFT OUTER JOIN flows AS flow ON flow.id = leads.flow_id LEFT OUTER JOIN sources AS source ON source.id = leads.source_id LEFT OUTER JOIN recipients AS recipient ON recipient.id = leads.recipient_id
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) = 10) THEN CASE WHEN (strftime('%Y-%m-%d', leads.submitted_at, '+0 days') = leads.submitted_at) THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') IS NOT (replace(substr(leads.submitted_at, 1, 16), ' ', 'T') || ':00')) THEN NULL WHEN (substr(leads.submitted_at, 17) GLOB '[-+]??:??') THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (substr(leads.submitted_at, 17) IN ('', 'Z')) THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19), '+0 days') IS NOT replace(substr(leads.submitted_at, 1, 19), ' ', 'T')) THEN NULL WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END IN ('', 'Z')) THEN CASE WHEN ((replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z')) >= '0001') THEN replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z') END WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END GLOB '[-+]??:??') THEN CASE WHEN ((strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6)) >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6) END END, ?) BETWEEN ? AND ? ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) = 10) THEN CASE WHEN (strftime('%Y-%m-%d', leads.submitted_at, '+0 days') = leads.submitted_at) THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') IS NOT (replace(substr(leads.submitted_at, 1, 16), ' ', 'T') || ':00')) THEN NULL WHEN (substr(leads.submitted_at, 17) GLOB '[-+]??:??') THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (substr(leads.submitted_at, 17) IN ('', 'Z')) THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19), '+0 days') IS NOT replace(substr(leads.submitted_at, 1, 19), ' ', 'T')) THEN NULL WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END IN ('', 'Z')) THEN CASE WHEN ((replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z')) >= '0001') THEN replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z') END WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END GLOB '[-+]??:??') THEN CASE WHEN ((strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6)) >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6) END END, ?) BETWEEN ? AND ?
;
-- ? "2024-01-14"
-- ? "2024-01-18"
-- ? "2024-01-15T00:00:00"
-- ? "2024-01-15T00:00:00"
-- ? "2024-01-15T23:59:59.999~"
-- functions: none
-- private: none
