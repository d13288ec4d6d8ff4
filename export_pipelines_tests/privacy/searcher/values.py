"""The values in a row, an object or a JSON text, with the paths to them."""

import json
import re
from collections.abc import Iterator
from typing import Any

CLOSED_KEYS = {  # in small letters without anything else
    *(
        "ssn",
        "socialsecuritynumber",
        "ssnlast",
        "spousessn",
        "borrowerssn",
        "password",
        "apikey",
        "accesstoken",
    ),
}
IDS = ("lead_id", "event_id")
TEXTS: Any = {"parse_float": str, "parse_int": str}  # numbers of JSON as they are written
Leaf = tuple[str, str, str]  # the row's id, the path to the value, the value


def of_row(row: dict[str, Any]) -> Iterator[Leaf]:
    id = str(next((row[name] for name in IDS if name in row), ""))
    for name, value in row.items():
        yield from ((id, path, text) for path, text in inside(name, value))


def inside(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """The value, and the keys and values of an object or of the JSON that a text is."""
    if value is None or value == "":
        return
    if isinstance(value, str):
        yield path, value
        if value[:1] in "{[" and (inner := json_in(value)) is not None:
            yield from inside(path, inner)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield f"{path}.<key>", key
            if re.sub(r"[^a-z]", "", key.lower()) in CLOSED_KEYS and _holds(member):
                yield f"{path}.{key}", f"qxssn000000 is what stands under this key: {member}"
            yield from inside(f"{path}.{key}", member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from inside(f"{path}[]", member)
    else:
        yield path, str(value)


def _holds(value: Any) -> bool:
    """Whether anything but null stands in a value of JSON."""
    if isinstance(value, dict | list):
        return any(map(_holds, value.values() if isinstance(value, dict) else value))
    return value is not None


def json_in(text: str) -> Any:
    try:
        parsed = json.loads(text, **TEXTS)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict | list) else None
