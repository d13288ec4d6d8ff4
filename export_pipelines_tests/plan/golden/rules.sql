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
  leads.submitted_at AS "submitted_at"
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) = 10) THEN CASE WHEN (strftime('%Y-%m-%d', leads.submitted_at, '+0 days') = leads.submitted_at) THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') IS NOT (replace(substr(leads.submitted_at, 1, 16), ' ', 'T') || ':00')) THEN NULL WHEN (substr(leads.submitted_at, 17) GLOB '[-+]??:??') THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (substr(leads.submitted_at, 17) IN ('', 'Z')) THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19), '+0 days') IS NOT replace(substr(leads.submitted_at, 1, 19), ' ', 'T')) THEN NULL WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END IN ('', 'Z')) THEN CASE WHEN ((replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z')) >= '0001') THEN replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z') END WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END GLOB '[-+]??:??') THEN CASE WHEN ((strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6)) >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6) END END, ?) BETWEEN ? AND ? AND lower(leads.state) = ? AND CASE WHEN (lower(leads.state) = ?) THEN 0 ELSE 1 END = 1 AND (leads.price < CAST(? AS NUMERIC) OR leads.price <= CAST(? AS NUMERIC) OR leads.price > CAST(? AS NUMERIC) AND leads.price <= CAST(9e999 AS NUMERIC) OR CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) = 10) THEN CASE WHEN (strftime('%Y-%m-%d', leads.submitted_at, '+0 days') = leads.submitted_at) THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') IS NOT (replace(substr(leads.submitted_at, 1, 16), ' ', 'T') || ':00')) THEN NULL WHEN (substr(leads.submitted_at, 17) GLOB '[-+]??:??') THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (substr(leads.submitted_at, 17) IN ('', 'Z')) THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19), '+0 days') IS NOT replace(substr(leads.submitted_at, 1, 19), ' ', 'T')) THEN NULL WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END IN ('', 'Z')) THEN CASE WHEN ((replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z')) >= '0001') THEN replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z') END WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END GLOB '[-+]??:??') THEN CASE WHEN ((strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6)) >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6) END END >= ? OR lower(leads.outcome) IN (?, ?) AND CASE WHEN (fold(leads.city) IN (?, ?)) THEN 0 ELSE 1 END = 1 AND instr(lower(leads.comments), ?) > 0 AND CASE WHEN (instr(lower(leads.comments), ?) > 0) THEN 0 ELSE 1 END = 1 AND leads.dob >= ? AND leads.dob <= ? AND CASE WHEN (CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."loan_amount"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."loan_amount"' ELSE leads.custom ->> '$."loan_amount"' END END >= CAST(? AS NUMERIC) AND CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."loan_amount"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."loan_amount"' ELSE leads.custom ->> '$."loan_amount"' END END <= CAST(9e999 AS NUMERIC) AND CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."loan_amount"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."loan_amount"' ELSE leads.custom ->> '$."loan_amount"' END END <= CAST(? AS NUMERIC)) THEN 0 ELSE 1 END = 1) AND regexp(?, leads.landing_page) = 1 AND CASE WHEN (regexp(?, leads.user_agent) = 1) THEN 0 ELSE 1 END = 1 AND (leads.reason IS NULL OR trim(leads.reason, ?) = '') AND CASE WHEN (CASE WHEN (leads.custom IS NULL OR trim(leads.custom, ?) = '') THEN 1 ELSE json(leads.custom) IN ('{}', '[]', '""', 'null') END = 1) THEN 0 ELSE 1 END = 1 AND CASE WHEN (lower(leads.tcpa_consent) IN ('1', 't', 'true', 'yes', 'y')) THEN 1 WHEN (lower(leads.tcpa_consent) IN ('0', 'f', 'false', 'no', 'n')) THEN 0 END = ? AND CASE WHEN (CASE WHEN (lower(CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."homeowner"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."homeowner"' ELSE leads.custom ->> '$."homeowner"' END END) IN ('1', 't', 'true', 'yes', 'y')) THEN 1 WHEN (lower(CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."homeowner"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."homeowner"' ELSE leads.custom ->> '$."homeowner"' END END) IN ('0', 'f', 'false', 'no', 'n')) THEN 0 END = ?) THEN 0 ELSE 1 END = 1 AND lower(leads.affiliate_id) IN (?, ?, ?, ?) AND CASE WHEN (CASE WHEN (lower(leads.tcpa_consent) IN ('1', 't', 'true', 'yes', 'y')) THEN 1 WHEN (lower(leads.tcpa_consent) IN ('0', 'f', 'false', 'no', 'n')) THEN 0 END = ?) THEN 0 ELSE 1 END = 1 AND is_valid('phone', leads.phone_1) = 1 AND CASE WHEN (is_valid('email', leads.email) = 1) THEN 0 ELSE 1 END = 1 AND lower(component('email', 'domain', leads.email)) = ? AND CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type'), '$') = 'array') THEN EXISTS (SELECT 1
FROM json_each(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type'), '$') AS member
WHERE lower(CASE WHEN (member.type IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) -> member.fullkey WHEN (member.type = 'text') THEN member.value END) = ?) ELSE instr(lower(CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."product_type"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."product_type"' ELSE leads.custom ->> '$."product_type"' END END), ?) > 0 END ELSE CASE WHEN (json_type(leads.custom, '$."product_type"') = 'array') THEN EXISTS (SELECT 1
FROM json_each(leads.custom, '$."product_type"') AS member
WHERE lower(CASE WHEN (member.type IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> member.fullkey WHEN (member.type = 'text') THEN member.value END) = ?) ELSE instr(lower(CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."product_type"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."product_type"' ELSE leads.custom ->> '$."product_type"' END END), ?) > 0 END END = 1 AND CASE WHEN (leads.appended IS NULL OR trim(leads.appended, ?) = '') THEN 1 ELSE json(leads.appended) IN ('{}', '[]', '""', 'null') END = 1 ORDER BY leads.submitted_at, leads.lead_id
;
SELECT count(*) AS count_1
FROM leads
WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) = 10) THEN CASE WHEN (strftime('%Y-%m-%d', leads.submitted_at, '+0 days') = leads.submitted_at) THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') IS NOT (replace(substr(leads.submitted_at, 1, 16), ' ', 'T') || ':00')) THEN NULL WHEN (substr(leads.submitted_at, 17) GLOB '[-+]??:??') THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (substr(leads.submitted_at, 17) IN ('', 'Z')) THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19), '+0 days') IS NOT replace(substr(leads.submitted_at, 1, 19), ' ', 'T')) THEN NULL WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END IN ('', 'Z')) THEN CASE WHEN ((replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z')) >= '0001') THEN replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z') END WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END GLOB '[-+]??:??') THEN CASE WHEN ((strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6)) >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6) END END, ?) BETWEEN ? AND ? AND lower(leads.state) = ? AND CASE WHEN (lower(leads.state) = ?) THEN 0 ELSE 1 END = 1 AND (leads.price < CAST(? AS NUMERIC) OR leads.price <= CAST(? AS NUMERIC) OR leads.price > CAST(? AS NUMERIC) AND leads.price <= CAST(9e999 AS NUMERIC) OR CASE WHEN (leads.submitted_at GLOB '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) = 10) THEN CASE WHEN (strftime('%Y-%m-%d', leads.submitted_at, '+0 days') = leads.submitted_at) THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') IS NOT (replace(substr(leads.submitted_at, 1, 16), ' ', 'T') || ':00')) THEN NULL WHEN (substr(leads.submitted_at, 17) GLOB '[-+]??:??') THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (substr(leads.submitted_at, 17) IN ('', 'Z')) THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19), '+0 days') IS NOT replace(substr(leads.submitted_at, 1, 19), ' ', 'T')) THEN NULL WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END IN ('', 'Z')) THEN CASE WHEN ((replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z')) >= '0001') THEN replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z') END WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END GLOB '[-+]??:??') THEN CASE WHEN ((strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6)) >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6) END END >= ? OR lower(leads.outcome) IN (?, ?) AND CASE WHEN (fold(leads.city) IN (?, ?)) THEN 0 ELSE 1 END = 1 AND instr(lower(leads.comments), ?) > 0 AND CASE WHEN (instr(lower(leads.comments), ?) > 0) THEN 0 ELSE 1 END = 1 AND leads.dob >= ? AND leads.dob <= ? AND CASE WHEN (CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."loan_amount"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."loan_amount"' ELSE leads.custom ->> '$."loan_amount"' END END >= CAST(? AS NUMERIC) AND CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."loan_amount"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."loan_amount"' ELSE leads.custom ->> '$."loan_amount"' END END <= CAST(9e999 AS NUMERIC) AND CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'loan_amount')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."loan_amount"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."loan_amount"' ELSE leads.custom ->> '$."loan_amount"' END END <= CAST(? AS NUMERIC)) THEN 0 ELSE 1 END = 1) AND regexp(?, leads.landing_page) = 1 AND CASE WHEN (regexp(?, leads.user_agent) = 1) THEN 0 ELSE 1 END = 1 AND (leads.reason IS NULL OR trim(leads.reason, ?) = '') AND CASE WHEN (CASE WHEN (leads.custom IS NULL OR trim(leads.custom, ?) = '') THEN 1 ELSE json(leads.custom) IN ('{}', '[]', '""', 'null') END = 1) THEN 0 ELSE 1 END = 1 AND CASE WHEN (lower(leads.tcpa_consent) IN ('1', 't', 'true', 'yes', 'y')) THEN 1 WHEN (lower(leads.tcpa_consent) IN ('0', 'f', 'false', 'no', 'n')) THEN 0 END = ? AND CASE WHEN (CASE WHEN (lower(CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."homeowner"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."homeowner"' ELSE leads.custom ->> '$."homeowner"' END END) IN ('1', 't', 'true', 'yes', 'y')) THEN 1 WHEN (lower(CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'homeowner')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."homeowner"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."homeowner"' ELSE leads.custom ->> '$."homeowner"' END END) IN ('0', 'f', 'false', 'no', 'n')) THEN 0 END = ?) THEN 0 ELSE 1 END = 1 AND lower(leads.affiliate_id) IN (?, ?, ?, ?) AND CASE WHEN (CASE WHEN (lower(leads.tcpa_consent) IN ('1', 't', 'true', 'yes', 'y')) THEN 1 WHEN (lower(leads.tcpa_consent) IN ('0', 'f', 'false', 'no', 'n')) THEN 0 END = ?) THEN 0 ELSE 1 END = 1 AND is_valid('phone', leads.phone_1) = 1 AND CASE WHEN (is_valid('email', leads.email) = 1) THEN 0 ELSE 1 END = 1 AND lower(component('email', 'domain', leads.email)) = ? AND CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type'), '$') = 'array') THEN EXISTS (SELECT 1
FROM json_each(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type'), '$') AS member
WHERE lower(CASE WHEN (member.type IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) -> member.fullkey WHEN (member.type = 'text') THEN member.value END) = ?) ELSE instr(lower(CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."product_type"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."product_type"' ELSE leads.custom ->> '$."product_type"' END END), ?) > 0 END ELSE CASE WHEN (json_type(leads.custom, '$."product_type"') = 'array') THEN EXISTS (SELECT 1
FROM json_each(leads.custom, '$."product_type"') AS member
WHERE lower(CASE WHEN (member.type IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> member.fullkey WHEN (member.type = 'text') THEN member.value END) = ?) ELSE instr(lower(CASE WHEN (leads.custom LIKE '%\u%') THEN CASE WHEN (json_type(leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type'), '$') IN ('integer', 'real', 'true', 'false')) THEN (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) -> '$' ELSE (leads.custom -> (SELECT member.fullkey
FROM json_each(leads.custom) AS member
WHERE member."key" = 'product_type')) ->> '$' END ELSE CASE WHEN (json_type(leads.custom, '$."product_type"') IN ('integer', 'real', 'true', 'false')) THEN leads.custom -> '$."product_type"' ELSE leads.custom ->> '$."product_type"' END END), ?) > 0 END END = 1 AND CASE WHEN (leads.appended IS NULL OR trim(leads.appended, ?) = '') THEN 1 ELSE json(leads.appended) IN ('{}', '[]', '""', 'null') END = 1
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
-- ? "loan"
-- ? "loan"
-- ? " \t\n\r"
-- functions: component, fold, is_valid, regexp
-- private: 13, 14, 15, 16, 17, 18, 21, 22
