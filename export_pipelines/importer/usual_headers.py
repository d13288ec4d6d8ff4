"""What CRM systems, form builders and spreadsheets call the columns of a lead: HubSpot, Salesforce, Outlook, Google Contacts,
Mailchimp and Facebook's Lead Ads among them.

Of times there is none: which of several moments counts a lead into a window is said by a person."""

from collections.abc import Container

EMAILS = ("email", "email_2")
PHONES = ("phone_1", "phone_2", "phone_3")
# By the fields that a column may fill, of which the first free one counts: headers as `headers.compared` leaves them.
USUAL_HEADERS: dict[tuple[str, ...], frozenset[str]] = {
    ("first_name",): frozenset({"fname", "forename", "givenname", "contactfirstname"}),
    ("last_name",): frozenset({"lname", "surname", "familyname", "contactlastname"}),
    EMAILS: frozenset(
        {"emailaddress", "emailid", "mailaddress", "primaryemail", "workemail", "businessemail", "contactemail"}
        | {"personalemail", "homeemail", "email1", "email1address", "email1value", "emailaddress1"}
    ),
    ("email_2",): frozenset(
        {"secondaryemail", "alternateemail", "otheremail", "email2address", "email2value", "emailaddress2"}
    ),
    PHONES: frozenset(
        {"phone", "phonenumber", "phoneno", "phoneno.", "phone#", "telephone", "telephonenumber", "tel", "tel."}
        | {"mobile", "mobilephone", "mobilephonenumber", "mobilenumber", "mobileno", "mobileno.", "cell", "cellphone"}
        | {"cellphonenumber", "cellnumber", "homephone", "homephonenumber", "workphone", "workphonenumber"}
        | {"businessphone", "businessphonenumber", "dayphone", "daytimephone", "eveningphone", "contactnumber"}
        | {"contactphone", "primaryphone", "primaryphonenumber", "phone1value", "phonenumber1"}
    ),
    ("phone_2",): frozenset(
        {"secondaryphone", "alternatephone", "otherphone", "phone2value", "phonenumber2", "businessphone2", "homephone2"}
    ),
    ("phone_3",): frozenset({"phone3value", "phonenumber3"}),
    ("dob",): frozenset({"dateofbirth", "birthdate"}),
    ("gender",): frozenset({"sex"}),
    ("address_1",): frozenset(
        {"address", "street", "streetaddress", "streetaddress1", "street1", "addressline1", "mailingaddress"}
        | {"mailingstreet", "homeaddress", "homestreet"}
    ),
    ("address_2",): frozenset({"streetaddress2", "street2", "addressline2", "mailingstreet2", "homestreet2"}),
    ("city",): frozenset({"town", "city/town", "town/city", "mailingcity", "homecity"}),
    ("state",): frozenset({"state/province", "state/region", "stateprovince", "province", "mailingstate", "mailingstate/province", "homestate"}),
    ("postal_code",): frozenset(
        {"zip", "zipcode", "postcode", "postal", "zip/postalcode", "postal/zipcode", "zip/postcode", "postalcode/zip"}
        | {"mailingzip", "mailingzipcode", "mailingpostalcode", "mailingzip/postalcode", "homepostalcode"}
    ),
    ("country",): frozenset({"country/region", "countryregion", "mailingcountry", "homecountry", "homecountry/region"}),
    ("ip_address",): frozenset({"ip", "clientip", "userip"}),
    ("trustedform_cert_url",): frozenset({"trustedform", "trustedformcert", "trustedformurl", "xxtrustedformcerturl"}),
    ("comments",): frozenset({"comment", "notes", "note"}),
}  # fmt: skip
_FIELDS = {header: fields for fields, headers in USUAL_HEADERS.items() for header in headers}


def usual_field(header: str, claimed: Container[str | None]) -> str | None:
    """The first field that a column of this header, as it is compared, usually fills and that nothing else claims."""
    return next((field for field in _FIELDS.get(header, ()) if field not in claimed), None)
