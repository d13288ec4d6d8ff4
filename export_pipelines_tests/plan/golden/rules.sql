-- submitted_at in [2024-01-01T00:00:00.500Z, 2024-02-01T00:00:00.000Z)
-- state is equal to "tx"
-- state is not equal to "CA"
-- (price is less than 10 or price is less than or equal to "10.50" or price is greater than 99.95 or submitted_at is greater than or equal to "2024-01-15T10:30:00.250Z" or (outcome is included in "success", "failure" and city is not included in ***, *** and comments includes *** and comments does not include *** and dob is between ***, *** and custom.loan_amount is not between 1000, 2000))
-- landing_page matches pattern ***
-- user_agent does not match pattern ***
-- reason is blank
-- custom is not blank
-- tcpa_consent is true
-- custom.homeowner is not true
-- affiliate_id is false
-- tcpa_consent is not false
-- phone_1 format is valid
-- email format is invalid
-- email.domain is equal to "example.com"
-- custom.product_type includes "loan"
-- appended is blank
SELECT leads.lead_id AS "lead_id",
  CASE WHEN (leads.submitted_at IS NOT NULL) THEN coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, 'no time') END AS "submitted_at"
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? AND lower(leads.state) = ? AND CASE WHEN (lower(leads.state) = ?) THEN 0 ELSE 1 END = 1 AND (leads.price < CAST(? AS NUMERIC) OR leads.price <= CAST(? AS NUMERIC) OR leads.price > CAST(? AS NUMERIC) AND leads.price <= CAST(9e999 AS NUMERIC) OR CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END >= ? OR lower(leads.outcome) IN (?, ?) AND CASE WHEN (fold(leads.city) IN (?, ?)) THEN 0 ELSE 1 END = 1 AND instr(lower(leads.comments), ?) > 0 AND CASE WHEN (instr(lower(leads.comments), ?) > 0) THEN 0 ELSE 1 END = 1 AND leads.dob >= ? AND leads.dob <= ? AND CASE WHEN (nullif(trim(leads.custom -> '$."loan_amount"', '"'), 'null') >= CAST(? AS NUMERIC) AND nullif(trim(leads.custom -> '$."loan_amount"', '"'), 'null') <= CAST(9e999 AS NUMERIC) AND nullif(trim(leads.custom -> '$."loan_amount"', '"'), 'null') <= CAST(? AS NUMERIC)) THEN 0 ELSE 1 END = 1) AND regexp(?, leads.landing_page) = 1 AND CASE WHEN (regexp(?, leads.user_agent) = 1) THEN 0 ELSE 1 END = 1 AND (leads.reason IS NULL OR trim(leads.reason, ?) = '') AND CASE WHEN (CASE WHEN (leads.custom IS NULL OR trim(leads.custom, ?) = '') THEN 1 ELSE json(leads.custom) IN ('{}', '[]', '""', 'null') END = 1) THEN 0 ELSE 1 END = 1 AND leads.tcpa_consent = ? AND CASE WHEN ((leads.custom ->> '$."homeowner"') = ?) THEN 0 ELSE 1 END = 1 AND lower(leads.affiliate_id) IN (?, ?, ?, ?) AND CASE WHEN (leads.tcpa_consent = ?) THEN 0 ELSE 1 END = 1 AND is_valid('phone', leads.phone_1) = 1 AND CASE WHEN (is_valid('email', leads.email) = 1) THEN 0 ELSE 1 END = 1 AND lower(component('email', 'domain', leads.email)) = ? AND CASE WHEN (json_type(leads.custom, '$."product_type"') = 'array') THEN EXISTS (SELECT 1
FROM json_each(leads.custom, '$."product_type"') AS member
WHERE lower(member.value) = ?) ELSE instr(lower(CASE WHEN (json_type(leads.custom, '$."product_type"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."product_type"' ELSE leads.custom ->> '$."product_type"' END), ?) > 0 END = 1 AND CASE WHEN (leads.appended IS NULL OR trim(leads.appended, ?) = '') THEN 1 ELSE json(leads.appended) IN ('{}', '[]', '""', 'null') END = 1 ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END, ?) BETWEEN ? AND ? AND lower(leads.state) = ? AND CASE WHEN (lower(leads.state) = ?) THEN 0 ELSE 1 END = 1 AND (leads.price < CAST(? AS NUMERIC) OR leads.price <= CAST(? AS NUMERIC) OR leads.price > CAST(? AS NUMERIC) AND leads.price <= CAST(9e999 AS NUMERIC) OR CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) >= 19 AND substr(leads.submitted_at, 11, 1) IN ('T', ' ') AND (substr(leads.submitted_at, -6, 1) NOT IN ('+', '-'))) THEN rtrim(replace(leads.submitted_at, ' ', 'T'), 'Z') ELSE strftime('%Y-%m-%dT%H:%M:%f', leads.submitted_at) END >= ? OR lower(leads.outcome) IN (?, ?) AND CASE WHEN (fold(leads.city) IN (?, ?)) THEN 0 ELSE 1 END = 1 AND instr(lower(leads.comments), ?) > 0 AND CASE WHEN (instr(lower(leads.comments), ?) > 0) THEN 0 ELSE 1 END = 1 AND leads.dob >= ? AND leads.dob <= ? AND CASE WHEN (nullif(trim(leads.custom -> '$."loan_amount"', '"'), 'null') >= CAST(? AS NUMERIC) AND nullif(trim(leads.custom -> '$."loan_amount"', '"'), 'null') <= CAST(9e999 AS NUMERIC) AND nullif(trim(leads.custom -> '$."loan_amount"', '"'), 'null') <= CAST(? AS NUMERIC)) THEN 0 ELSE 1 END = 1) AND regexp(?, leads.landing_page) = 1 AND CASE WHEN (regexp(?, leads.user_agent) = 1) THEN 0 ELSE 1 END = 1 AND (leads.reason IS NULL OR trim(leads.reason, ?) = '') AND CASE WHEN (CASE WHEN (leads.custom IS NULL OR trim(leads.custom, ?) = '') THEN 1 ELSE json(leads.custom) IN ('{}', '[]', '""', 'null') END = 1) THEN 0 ELSE 1 END = 1 AND leads.tcpa_consent = ? AND CASE WHEN ((leads.custom ->> '$."homeowner"') = ?) THEN 0 ELSE 1 END = 1 AND lower(leads.affiliate_id) IN (?, ?, ?, ?) AND CASE WHEN (leads.tcpa_consent = ?) THEN 0 ELSE 1 END = 1 AND is_valid('phone', leads.phone_1) = 1 AND CASE WHEN (is_valid('email', leads.email) = 1) THEN 0 ELSE 1 END = 1 AND lower(component('email', 'domain', leads.email)) = ? AND CASE WHEN (json_type(leads.custom, '$."product_type"') = 'array') THEN EXISTS (SELECT 1
FROM json_each(leads.custom, '$."product_type"') AS member
WHERE lower(member.value) = ?) ELSE instr(lower(CASE WHEN (json_type(leads.custom, '$."product_type"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."product_type"' ELSE leads.custom ->> '$."product_type"' END), ?) > 0 END = 1 AND CASE WHEN (leads.appended IS NULL OR trim(leads.appended, ?) = '') THEN 1 ELSE json(leads.appended) IN ('{}', '[]', '""', 'null') END = 1
;
-- ? "2023-12-31"
-- ? "2024-02-03"
-- ? "2024-01-01T00:00:00.500"
-- ? "2024-01-01T00:00:00.500"
-- ? "2024-01-31T23:59:59.999~"
-- ? "tx"
-- ? "ca"
-- ? 10
-- ? "10.50"
-- ? "99.95"
-- ? "2024-01-15T10:30:00.250"
-- ? "success"
-- ? "failure"
-- ? "zürich"
-- ? "genève"
-- ? "100%"
-- ? "_"
-- ? "1970-01-01"
-- ? "1999-12-31"
-- ? 1000
-- ? 2000
-- ? "^https://[^/]+/auto"
-- ? "(?i)bot"
-- ? " \t\n\r"
-- ? " \t\n\r"
-- ? 1
-- ? 1
-- ? "0"
-- ? "f"
-- ? "false"
-- ? "no"
-- ? 0
-- ? "example.com"
-- ? "loan"
-- ? "loan"
-- ? " \t\n\r"
-- functions: component, fold, is_valid, regexp
-- private: 13, 14, 15, 16, 17, 18, 21, 22
