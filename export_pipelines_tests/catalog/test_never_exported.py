"""Names that say "social security number" or "credential", and names that only look like it."""

import pytest

from export_pipelines.catalog.never_exported import never_exported_type

SSN = """ssn SSN Ssn SSNs ssns s.s.n. S_S_N Social_Security socialSecurityNumber socialsecuritynumber SOCIALSECURITY
ssn_last4 SSNLast4 ssnLast4 SSNlast4 ssn4 ssn-last-four lastFourSSN last4ssn spouse_ssn customerssn CUSTOMERSSN borrowerSSN
borrowerssnlast4 ssn_hash ssnEncrypted fullssn employeessn peoplessn ss_number SS# ss_no soc_sec socSecNo
ＳＳＮ s\u200bsn mySSN ssnumber"""
SSN_WITH_BLANKS = [
    "Social Security No.",
    " social  security ",
    "Spouse SSN",
    "Last 4 of Social",
    "SSN (last 4)",
    "SS No.",
]
CREDENTIAL = """password Password PASSWORD passwd pwd userPwd user_password passwordHash credential credentials api_key
apiKey APIKey apikey API-KEY secret secrets client_secret clientSecret access_token accessToken private_key privateKey
passphrase pass-word"""
NEITHER = """classname className classNumber class_name CLASSNAME classnr addressnr addressNbr businessname businessNbr
session sessions session_id assn missn issn ISSN e_issn commissn token_count token leadid_token keyword keywords key
secretary passport pass compass tax_id social_media socialNetwork social social_security_income lesson mission
passenger loan_number email first_name id number last four"""


@pytest.mark.parametrize("key", [*SSN.split(), *SSN_WITH_BLANKS])
def test_a_name_of_a_social_security_number_is_known(key: str) -> None:
    assert never_exported_type(key) == "ssn"


@pytest.mark.parametrize("key", [*CREDENTIAL.split(), "API Key", "Access Token"])
def test_a_name_of_a_credential_is_known(key: str) -> None:
    assert never_exported_type(key) == "credential"


@pytest.mark.parametrize("key", [*NEITHER.split(), "", " ", "__", "Ω", "tax id"])
def test_other_names_are_left_alone(key: str) -> None:
    assert never_exported_type(key) is None
