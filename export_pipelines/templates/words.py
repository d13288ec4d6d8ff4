"""The words that a template may use, by where it stands."""

WORDS = frozenset(
    {
        *("export", "type", "version", "part", "ext", "run"),
        *("date", "start", "end", "key", "year", "month", "day"),
    }
)
PART_WORDS = WORDS - {"run"}  # a part's name is fixed before the run exists
FOLDER_WORDS = WORDS - {"part", "ext"}  # a folder holds all parts
MAIL_WORDS = FOLDER_WORDS | {"rows", "parts", "bytes", "files"}
BODY_WORDS = MAIL_WORDS | {"link"}  # of a mail
OBJECT_WORDS = frozenset({"export", "date", "hour", "year", "month", "day"})  # of an object of a stream
