"""The words that sample leads are made of: everyday values, and among them the nasty ones that real stores hold."""

FIRST_NAMES = (
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth",
    "William", "Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas", "Karen", "Carlos", "Sarah",
    "Daniel", "Nancy", "Matthew", "Lisa", "Anthony", "Betty", "Mark", "Sandra", "Luis", "Ashley", "Wei",
    "Priya", "Mohammed", "Fatima", "Hiroshi", "Aaliyah", "Dwayne", "Guadalupe", "Svetlana", "Kwame",
)  # fmt: skip
NASTY_FIRST_NAMES = (
    "Zoë", "José", "François", "Ægir", "Łukasz", "Nguyễn", "D'Angelo", "Mary Ann", " Anne", "李", "Анна",
    "محمد", "Jo🎉", 'Robert "Bob"', "anna-maria", "MARÍA", "X", "", "null", "=1+1", "+Jim", "@sam", "Bjo\u0308rn",
)  # fmt: skip
LAST_NAMES = (
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez",
    "Hernandez", "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin",
    "Lee", "Perez", "Thompson", "White", "Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson",
    "Walker", "Young", "Allen", "King", "Wright", "Scott", "Torres", "Nguyen", "Hill", "Flores", "Patel",
)  # fmt: skip
NASTY_LAST_NAMES = (
    "O'Neil", "Müller", "de la Cruz", "Smith, Jr.", "Núñez", "St. John", "van der Berg", "Null", "Test",
    'Mc"Donald', "Smith-Jones", "Þórsdóttir", "Đặng", "Ng", "-Smith", "=SUM(A1:A9)", "Brown\tJr", "王", "",
)  # fmt: skip
TITLES = ("Mr", "Ms", "Mrs", "Dr", "Prof.", "")
EMAIL_DOMAINS = (
    "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "aol.com", "comcast.net",
    "example.com", "example.org", "mailinator.com", "bücher.example", "example.co.uk",
)  # fmt: skip
BAD_EMAILS = (
    "not-an-email",
    "john@",
    "@example.com",
    "a b@example.com",
    "jane@example",
    "n/a",
    "",
    "a@b@c.com",
)
BAD_PHONES = ("123", "555-CALL-NOW", "0000000000", "+44 20 7946 0958", "(512) 555-0199 ext 12", "unknown", "")
AREA_CODES = (
    "512", "214", "713", "415", "213", "310", "212", "718", "305", "404", "617", "206", "303", "702",
    "800", "888", "416", "604",
)  # fmt: skip

# city, state, first digits of the postal code (a ZIP code may begin with zeros), country
US_PLACES = (
    ("Austin", "TX", "787"), ("Houston", "TX", "770"), ("Dallas", "TX", "752"), ("Los Angeles", "CA", "900"),
    ("San Francisco", "CA", "941"), ("New York", "NY", "100"), ("Brooklyn", "NY", "112"),
    ("Boston", "MA", "021"), ("Cañon City", "CO", "812"), ("Newark", "NJ", "071"), ("San Juan", "PR", "009"),
    ("Holtsville", "NY", "005"), ("Miami", "FL", "331"), ("Atlanta", "GA", "303"), ("Seattle", "WA", "981"),
    ("Coeur d'Alene", "ID", "838"), ("Washington, D.C.", "DC", "200"), ("Portland", "ME", "041"),
)  # fmt: skip
OTHER_PLACES = (
    ("Toronto", "ON", "M5V 3L9", "CA"), ("Montréal", "QC", "H2Y 1C6", "CA"), ("Vancouver", "BC", "v6b 4y8", "CA"),
    ("London", None, "SW1A 1AA", "GB"), ("Leeds", None, "LS1 4DY", "GB"), ("London", None, "EC1A1BB", "GB"),
    ("Trois-Rivières", "QC", "G9A 5L9", "CA"), ("Berlin", "", "10115", "DE"), ("Austin", "Texas", "78701-1234", "US"),
)  # fmt: skip
STREETS = (
    "Main St", "Oak Ave", "2nd St", "Elm Street", "Park Blvd", "Washington Ave", "N Lamar Blvd",
    "Martin Luther King Jr Dr", "Rue de l'Église", "Broadway", "County Road 12", "Sunset Blvd",
)  # fmt: skip
UNITS = ("Apt 4", "Suite 100", "#12", "Unit B, rear", 'c/o "The Smiths"', "Floor 2\nDoor 3", "")
COMMENTS = (
    "Please call after 5pm.",
    "Looking for a quote, as soon as possible",
    'She said "call me back" and hung up',
    "Line one\nline two",
    "Windows line\r\nend",
    "old Mac\rend",
    "comma, \"quote\", newline\nand 'apostrophe'",
    "Très intéressé, rappelez-moi svp ☎️",
    "👩‍👩‍👧‍👦 moving in June 🏠🎉",
    "=1+1",
    '=HYPERLINK("http://example.com","click")',
    "+1 for this offer",
    "-2+3",
    "@SUM(1+1)",
    "\tleading tab",
    "  spaces around  ",
    "N/A",
    "null",
    "\\N",
    "back\\slash and /slash/ and tab\there",
    "日本語のコメント",
    "مرحبا بالعالم",
    "zero\u200bwidth and no\u00a0break",
    "line\u2028separator",
    '"',
    ",",
    "\n",
    '{"looks": "like json"}',
    "<script>alert(1)</script>",
    "'; DROP TABLE leads; --",
    "Long story: " + "I have called, and written, and called again. " * 70 + "\nRegards",
)
LANDING_PAGES = (
    "https://loans.example.com/apply?utm_source=search&utm_medium=cpc",
    "https://solar.example.com/quote",
    "https://www.example.org/de/anfrage?q=dach%20solar#form",
    "http://example.net:8080/landing",
    "https://insurance.example.com/auto?zip=02134",
    "example.com/no-scheme",
)
USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_2) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
    "curl/8.5.0",
    "",
)
FLOW_NAMES = ("Personal loans", "Auto insurance", "Solar, residential", "Home équité", 'Legal "mass tort"')
SOURCE_NAMES = (
    "Search ads", "Partner network, east", "Café Média", "Affiliate 42", "Call center", "Newsletter",
    "Comparison site", "=Referral",
)  # fmt: skip
RECIPIENT_NAMES = (
    "Acme Lending, Inc.", "Beta Bank", "Crédit Rapide", "Delta \"Direct\" Insurance", "Echo Solar",
    "Foxtrot & Sons", "Golf Legal LLC", "Hôtel Finance", "India Mutual", "Juliett Homes",
)  # fmt: skip
FAILURES = (
    "invalid email", "phone is not valid", "state not served: TX, CA", "no buyer available", "cap reached",
    'rule "age > 18" not met', "blocked by filter:\nip_address",
)  # fmt: skip
DUPLICATE = "duplicate lead"
ERRORS = ("timeout after 30 s", "HTTP 503 from recipient", "unexpected response: <html>", "connection reset")
PRODUCTS = ("personal loan", "auto loan", "mortgage", "solar, 6 kW", 'term life "20"', "crédit")
CAMPAIGNS = ("summer-24", "Été 2024", "brand, exact", "retarget=1", "null", "🎯 lookalike")
PARTY_NAMES = {"flow": FLOW_NAMES, "source": SOURCE_NAMES, "recipient": RECIPIENT_NAMES}
