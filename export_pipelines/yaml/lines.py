"""YAML as every file of the project is read: with line numbers, YAML 1.2 words, no duplicate keys, no aliases.

In comes text, out goes plain data with the line of every key and item; YamlFault says where it is not YAML."""

import errno
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Key = tuple[str | int, ...]

LONGEST_NUMBER = 100  # digits
MOST_BYTES = 1_000_000  # of a file
MOST_VALUES = 100_000  # keys, values, lists and mappings; so many take some three seconds
DEEPEST = 40  # lists and mappings in one another
SHORT = 16_384  # characters: libyaml goes into itself as deep as a text is nested
LONGEST_TEXT = 300  # characters of a fault, which may quote the file

_CORE = "tag:yaml.org,2002:"
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_HALF = re.compile(r"[\ud800-\udfff]")
_UNQUOTED = re.compile(
    r"not allowed here|found '<scalar>'|'[^\\\\]' that cannot start|but got '|alphabetic or numeric"
)
_FIRST_OF_NUMBER = list("-+0123456789")


class YamlFault(Exception):
    """The text is not the YAML that is read here; `line` counts from 1."""

    def __init__(self, what: str, line: int) -> None:
        self.what = what if len(what) <= LONGEST_TEXT else what[: LONGEST_TEXT - 3] + "..."
        self.line = line
        super().__init__(self.what)


@dataclass(frozen=True)
class Document:
    """Plain data and, for each key (`("filter", "rules", 0, "op")`), the line it stands on."""

    data: Any
    lines: Mapping[Key, int]

    def line(self, key: Key) -> int:
        """The line of `key`, or of the nearest key around it."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.lines:
                return self.lines[key[:length]]
        return 1


class _Loader(yaml.SafeLoader):
    """PyYAML knows YAML 1.1, in which `no` is false, 12:30 is 750 and 2024-01-15 a date: its guesses are replaced."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values = self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuses aliases, more than MOST_VALUES, and what is nested deeper than DEEPEST, before it is composed."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._values += 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlFault(f"the alias *{event.anchor} is not read here; write the value out", _line(event))
        if self._values > MOST_VALUES:
            raise YamlFault(f"more than {MOST_VALUES:,} values, which is the most that is read", _line(event))
        if isinstance(event, yaml.ScalarEvent) and _HALF.search(event.value):
            raise YamlFault(
                "a text holds half a character (a lone surrogate), which nothing stores", _line(event)
            )
        opens = isinstance(event, yaml.CollectionStartEvent)
        self._depth += opens
        if self._depth > DEEPEST:
            raise YamlFault(
                f"nested too deep: at most {DEEPEST} lists and mappings in one another", _line(event)
            )
        node = super().compose_node(parent, index)
        self._depth -= opens
        return node


class _QuickLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same by libyaml, seven times as fast; its words for a fault are others, and it takes aliases."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _loader in (_Loader, _QuickLoader):
    _loader.add_implicit_resolver(
        _CORE + "bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
    )
    _loader.add_implicit_resolver(_CORE + "null", re.compile(r"^(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
    # A zero in front (a ZIP code, 007) stays text.
    _loader.add_implicit_resolver(_CORE + "float", re.compile(f"^{_NUMBER.pattern}$"), _FIRST_OF_NUMBER)


def read_yaml_file(path: Path) -> Document:
    """The file's one document. Raises YamlFault, also for more than MOST_BYTES; OSError where the file cannot be read."""
    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for, without an end
        raise OSError(errno.EINVAL, "it is not a plain file", os.fspath(path))
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise YamlFault(f"the file is larger than {MOST_BYTES:,} bytes, which is the most that is read", 1)
    try:
        return read_yaml(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise YamlFault("the file is not UTF-8 text", error.object[: error.start].count(b"\n") + 1) from error


def read_yaml(text: str, *, trusted: bool = False) -> Document:
    """The one document in `text`; `trusted` is what ships with the program, and so has no fault. Raises YamlFault."""
    lines: dict[Key, int] = {}
    try:
        node = _composed(text, trusted)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(filter(None, (error.context, error.problem)))
        if _UNQUOTED.search(what):
            what += '; put the text in quotes if it holds ": " or begins with a sign such as { [ * & % @'
        raise YamlFault(f"not YAML: {what}", mark.line + 1 if mark else 1) from error
    except yaml.YAMLError as error:
        raise YamlFault(
            "not YAML: the file holds a character that YAML does not allow", _bad_line(text)
        ) from error
    return Document(None if node is None else _plain(node, (), lines), lines)


def _composed(text: str, trusted: bool) -> yaml.Node | None:
    """By libyaml where that gives the same, else by the loader that refuses more and tells it in our words."""
    if trusted:
        return yaml.compose(text, _QuickLoader)
    if len(text) <= SHORT:
        try:
            node = yaml.compose(text, _QuickLoader)
        except yaml.YAMLError:
            pass
        else:
            if node is None or _is_allowed(node, DEEPEST, set()):
                return node
    return yaml.compose(text, _Loader)


def _is_allowed(node: yaml.Node, depth: int, seen: set[int]) -> bool:
    """Whether the tree has no alias, which is a node once more, and no more than `depth` lists and mappings in one another."""
    if id(node) in seen:
        return False
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        return True
    inner = (
        [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    )
    return depth > 0 and all(_is_allowed(part, depth - 1, seen) for part in inner)


def _bad_line(text: str) -> int:
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _line(marked: Any) -> int:
    return int(marked.start_mark.line) + 1


def _plain(node: yaml.Node, key: Key, lines: dict[Key, int]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {name: _plain(value, (*key, name), lines) for name, value in _pairs(node, key, lines)}
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            lines[(*key, place)] = _line(item)
        return [_plain(item, (*key, place), lines) for place, item in enumerate(node.value)]
    return _scalar(node)


def _pairs(node: yaml.MappingNode, key: Key, lines: dict[Key, int]) -> Iterator[tuple[str, yaml.Node]]:
    for name, value in node.value:
        if not isinstance(name, yaml.ScalarNode):
            raise YamlFault(
                'a key must be a word, not a list or mapping; a template such as "{{date}}" needs quotes',
                _line(name),
            )
        here = (*key, name.value)
        if here in lines:
            raise YamlFault(f'the key "{name.value}" stands twice, first on line {lines[here]}', _line(name))
        lines[here] = _line(name)
        yield name.value, value


def _scalar(node: yaml.Node) -> Any:
    tag, text = node.tag.removeprefix(_CORE), node.value
    if tag == "str":
        return text
    if tag == "null":
        return None
    if tag == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if tag == "float" and _NUMBER.fullmatch(text):
        if len(text) > LONGEST_NUMBER or math.isinf(float(text)):
            raise YamlFault("a number is too large to be read; in quotes it is text", _line(node))
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    raise YamlFault(f"the tag {node.tag} is not read here; write the plain value", _line(node))
