"""Programs of the command line; the way to ask is a line of bash, with the file as `$FILE`."""

from collections.abc import Callable, Mapping
from importlib.metadata import version

from readers.compare import Table
from readers.program import Program, debian_version, from_csv, from_json, shell
from readers.source import PACKED


def _debian(
    name: str,
    package: str,
    parse: Callable[[bytes], Table],
    readings: Mapping[str, tuple[str, ...]],
    *more: str,
) -> Program:
    return Program(name, lambda: debian_version(package), shell(parse), readings, debian=(package, *more))


def _unpacks(name: str, package: str, **unpackings: str) -> Program:
    return Program(name, lambda: debian_version(package), shell(from_csv), {}, unpackings, (package,))


def _library(
    name: str, package: str, parse: Callable[[bytes], Table], readings: Mapping[str, tuple[str, ...]]
) -> Program:
    return Program(name, lambda: version(package), shell(parse), readings)


PERL = (
    "perl -MText::CSV=csv -MJSON::PP -e 'print JSON::PP->new->utf8->encode("
    "csv(in => $ENV{{FILE}}, encoding => q(UTF-8), headers => q(auto), sep_char => qq({sep}), binary => 1{more}))'"
)
SQLITE_UTILS = 'rm -f t.db; sqlite-utils insert t.db t "$FILE" {options} >&2 && sqlite-utils rows t.db t --nl'

PROGRAMS = (
    _debian(
        "Miller",
        "miller",
        from_json,
        {
            "csv": ('mlr --icsv --ojsonl -S cat "$FILE"',),
            "tsv": ('mlr --icsv --ifs tab --ojsonl -S cat "$FILE"',),
            "tsv, escape backslash": ('mlr --itsv --ojsonl -S cat "$FILE"',),
            "json": ('mlr --ijson --ojsonl cat "$FILE"',),
            "ndjson": ('mlr --ijsonl --ojsonl cat "$FILE"',),
        },
    ),
    _debian("jq", "jq", from_json, {"json": ("jq -c '.[]' \"$FILE\"",), "ndjson": ('jq -c . "$FILE"',)}),
    _debian(
        "csvtool",
        "csvtool",
        from_csv,
        {"csv": ('csvtool cat "$FILE"',), "tsv": ('csvtool -t TAB -u COMMA cat "$FILE"',)},
    ),
    _debian(
        "SQLite's shell",
        "sqlite3",
        from_json,
        {
            "csv": ("sqlite3 -json :memory: \".import --csv '$FILE' t\" 'SELECT * FROM t'",),
            "json": (
                "sqlite3 -json :memory: \"SELECT value->>'id' id, value->>'word' word, value->>'zip' zip, nullif(value->'amount', 'null') amount, value->>'big' big, value->>'at' at, value->>'day' day, value->>'flag' flag, nullif(value->'extra', 'null') extra FROM json_each(readfile('$FILE'))\"",
            ),
        },
    ),
    _debian("GNU recutils", "recutils", from_csv, {"csv": ('csv2rec "$FILE" | rec2csv',)}),
    _debian(
        "Perl's Text::CSV",
        "libtext-csv-perl",
        from_json,
        {
            "csv": (PERL.format(sep=",", more=""), PERL.format(sep=",", more=", blank_is_undef => 1")),
            "tsv": (PERL.format(sep="\\t", more=", blank_is_undef => 1"),),
        },
    ),
    _debian(
        "GNU awk",
        "gawk",
        from_csv,
        {
            "tsv, escape backslash": (
                'gawk -F\'\\t\' -v OFS=, \'{for (i = 1; i <= NF; i++) {v = $i; if (v == "\\\\N") v = ""; gsub(/"/, "\\"\\"", v); $i = "\\"" v "\\""} print}\' "$FILE"',
            ),
        },
    ),
    _library(
        "csvkit",
        "csvkit",
        from_json,
        {
            "csv": ('csvjson --stream "$FILE"', 'csvjson --stream -I --blanks "$FILE"'),
            "tsv": ('csvjson --stream -t -I --blanks "$FILE"',),
            "xlsx": (
                'in2csv "$FILE" | csvjson --stream -I --blanks',
                'in2csv -I "$FILE" | csvjson --stream -I --blanks',
            ),
        },
    ),
    _library(
        "sqlite-utils",
        "sqlite-utils",
        from_json,
        {
            "csv": (
                SQLITE_UTILS.format(options="--csv"),
                SQLITE_UTILS.format(options="--csv --no-detect-types"),
            ),
            "tsv": (SQLITE_UTILS.format(options="--tsv --no-detect-types"),),
            "json": (SQLITE_UTILS.format(options=""),),
            "ndjson": (SQLITE_UTILS.format(options="--nl"),),
        },
    ),
    _unpacks("gzip", "gzip", gzip='gunzip -c "$FILE"', zip='gunzip -S .zip -c "$FILE"'),
    _unpacks("unzip", "unzip", zip='unzip -p "$FILE"'),
    _unpacks(
        "busybox",
        "busybox",
        gzip='busybox gunzip -c "$FILE"',
        zip='busybox unzip -p "$FILE"',
    ),
    _unpacks("7-Zip", "7zip", **dict.fromkeys(PACKED, '7zz x -so "$FILE"')),
    _unpacks(
        "bsdtar",
        "libarchive-tools",
        gzip='bsdcat "$FILE"',
        zip='bsdtar -xOf - < "$FILE"',
        zstd='bsdcat "$FILE"',
    ),
    _unpacks("zstd", "zstd", gzip='zstd -dc "$FILE"', zstd='zstd -dc "$FILE"'),
)
