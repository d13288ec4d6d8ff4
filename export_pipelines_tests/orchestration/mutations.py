"""Definitions that went wrong: the examples of the project, changed by bytes, by words, or in their structure."""

import copy
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
WORD = re.compile(r"[A-Za-z_][\w.*]*|\d+(?:\.\d+)?|[^\s\w]|\n *")
ODD_WORDS = (
    "9999-12-31", "0001-01-01", "2024-02-30", "-1", "0", "1e400", "1e-400", ".5", "99999999999999999999", "0x10", "null", "~", "{}",
    "[]", "[[]]", "[[[[[[", "]", "}", "{", "*a", "&a", "!!python/name:os.system", "!x", "? ", "- ", ": ", "#", "|", ">", "%", "@", "`", '"',
    "'", "\t", "\r", "\x00", "\x85", "\u2028", "\ufeff", "\ud7ff", "💥", "{{date}}", '"{{"', '"{{ x }}"', '"{% for x in y %}"', "true", "NaN", "inf",
    "weekly of month", "daily at 25:00", "0 0 31 2 *", "* * * * *", "* * * * * *", "monthly on 31", "at launch", "1000000 days", "0 days",
    "22:00-22:00", "24:00-25:00", "all", "lead", "event", "report", "..", "../../x", "/", "C:\\x", "x" * 300, "custom.*", "*", "email.*",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, 1e308, 0.1, "", " ", "at launch", "all", "\x07", "9999-12-31", "0000-00-00", [], {}, [[]], [{}],
    {"": None}, {"a": {"b": {"c": []}}}, [None], ["x"] * 500, {str(n): n for n in range(200)}, "{{", "{{date", "{{export}}", "x" * 5000,
)  # fmt: skip


def examples() -> list[str]:
    """The shipped exports, those of the docs, and those that the tests know to be wrong."""
    files = [
        *(ROOT / "exports").glob("*.yaml"),
        *(ROOT / "export_pipelines_tests/definition/fixtures/bad").glob("*.yaml"),
    ]
    texts = [path.read_bytes().decode("utf-8", "replace") for path in sorted(files)]
    for page in ("README.md", "docs/destinations.md", "docs/privacy.md", "docs/reference.md"):
        blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
        texts += [block for block in blocks if re.search(r"^type:", block, re.MULTILINE)]
    return texts


def mutated(count: int, seed: int) -> Iterator[bytes]:
    """`count` files of definitions, the same for the same seed: a third of each kind of change, one to four changes each."""
    chance = random.Random(seed)
    texts = examples()
    words = sorted({word for text in texts for word in WORD.findall(text)}) + list(ODD_WORDS)
    values = [*ODD_VALUES, *(value for text in texts for value in _values(_data(text)))]
    for number in range(count):
        text = chance.choice(texts)
        for _ in range(chance.randint(1, 4)):
            if number % 3 == 0:
                text = _bytes(text.encode("utf-8", "surrogateescape"), chance).decode(
                    "utf-8", "surrogateescape"
                )
            elif number % 3 == 1:
                text = _words(text, words, chance)
            else:
                text = _structure(text, values, chance)
        yield text.encode("utf-8", "surrogateescape")


def _bytes(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 1, 1, 2, 8, 64)))
    new = chance.choice(
        (
            b"",
            bytes([chance.randrange(256)]),
            bytes([chance.choice(b"[]{}:,-#&*!|>'\"%@`\t\n ")]),
            data[at:end] * 2,
        )
    )
    return chance.choice((data[:at] + new + data[end:], data[:at] + new + data[at:], data[:at]))


def _words(text: str, words: list[str], chance: random.Random) -> str:
    matches = list(WORD.finditer(text))
    if not matches:
        return chance.choice(words)
    match = chance.choice(matches)
    match chance.randrange(4):
        case 0:
            return text[: match.start()] + text[match.end() :]
        case 1:
            return text[: match.end()] + " " + chance.choice(words) + text[match.end() :]
        case _:
            return text[: match.start()] + chance.choice(words) + text[match.end() :]


def _structure(text: str, values: list[Any], chance: random.Random) -> str:
    data = _data(text)
    places = list(_places(data))
    if not places:
        data = chance.choice(values)
    else:
        inside, key = chance.choice(places)
        match chance.randrange(6):
            case 0:
                del inside[key]
            case 1:
                inside[key] = [inside[key]] * chance.choice((1, 2, 60))
            case 2:
                inside[key] = _nested(inside[key], chance.choice((1, 5, 39, 45, 90)))
            case 3 if isinstance(inside, dict):
                inside[str(chance.choice(values))[:40]] = inside.pop(key)
            case _:
                inside[key] = copy.deepcopy(chance.choice(values))
    try:
        return yaml.dump(data, allow_unicode=True, sort_keys=False, Dumper=_Plain)
    except RecursionError:  # of several changes each deep
        return "[" * 1000


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _nested(value: Any, depth: int) -> Any:
    """`depth` sets of rules around the value, or as many lists."""
    for _ in range(depth):
        value = {"op": "and", "rules": [value]} if isinstance(value, dict) else [value]
    return value


def _data(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    members = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in members:
        yield data, key
        yield from _places(value)


def _values(data: Any) -> Iterator[Any]:
    return (inside[key] for inside, key in _places(data))
