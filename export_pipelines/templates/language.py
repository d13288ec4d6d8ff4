"""The language: sandboxed, strict Jinja of words and three filters; no operator, loop, attribute, comment or call.

A text comes in; what is wrong with it comes out, the words that it uses, or the template that Jinja renders."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from export_pipelines.errors import LONGEST_WORD, RequestError, unknown
from export_pipelines.templates.words import WORDS

MAX_TEMPLATE = 500  # characters
MAX_TEXT = 10_000  # characters of a text that people read
MAX_FILTERS = 10  # behind a word
MAX_PAD = 12  # digits

NUMBER = "\x000\x00"  # where a part's number goes, with its width; no filter changes a digit
_MARKS = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")


@dataclass(frozen=True)
class _Parsed:
    """`faults` are those that no caller's words change."""

    words: frozenset[str]
    faults: tuple[str, ...]


def template_faults(template: str, allowed: Iterable[str], most: int = MAX_TEMPLATE) -> Iterator[str]:
    """One text for each fault of `template`, which has at most `most` characters and uses `allowed` words only."""
    if len(template) > most:
        yield f"a template of {len(template)} characters is longer than the {most} allowed"
        return
    parsed, words = _parsed(template), set(allowed)
    yield from (unknown("word", word, words) for word in sorted(parsed.words - words))
    yield from parsed.faults


def check_template(template: str, allowed: Iterable[str] = WORDS, most: int = MAX_TEMPLATE) -> None:
    """Raises RequestError for the first of `template_faults`."""
    for text in template_faults(template, allowed, most):
        raise RequestError(text, where=place_of(template))


def words_in(template: str) -> frozenset[str]:
    """The words that `template` uses; none where it is no template."""
    return _parsed(template).words


@lru_cache(maxsize=256)
def compiled(template: str) -> Template:
    """What renders a checked template."""
    return _ENVIRONMENT.from_string(template)


def place_of(template: str) -> str:
    """A template as an error names it, short."""
    shown = template if len(template) <= LONGEST_WORD else template[: LONGEST_WORD - 3] + "..."
    return f'template "{shown}"'


@lru_cache(maxsize=256)
def _parsed(template: str) -> _Parsed:
    if "\x00" in template:
        return _Parsed(frozenset(), ("a template holds no NUL character",))
    try:
        tree = _ENVIRONMENT.parse(template)
        comment = any(kind == "comment_begin" for _, kind, _ in _ENVIRONMENT.lex(template))
    except (TemplateError, RecursionError):
        return _Parsed(frozenset(), (_only(),))
    words: set[str] = set()
    faults = [*_faults(tree, words), *([_only("not a comment")] if comment else [])]
    return _Parsed(frozenset(words), tuple(dict.fromkeys(faults)))


def _faults(tree: nodes.Template, words: set[str]) -> Iterator[str]:
    """Adds to `words` what the template uses."""
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            yield _only(_not(statement))
            continue
        for piece in statement.nodes:
            if not isinstance(piece, nodes.TemplateData):
                yield from _hole_faults(piece, words)
            elif _MARKS.search(piece.data):
                yield _only()


def _hole_faults(node: nodes.Node, words: set[str], depth: int = 0) -> Iterator[str]:
    """Of what stands between two pairs of braces: a word, and filters behind it."""
    if isinstance(node, nodes.Name):
        words.add(node.name)
    elif depth >= MAX_FILTERS:
        yield f"at most {MAX_FILTERS} filters stand behind a word"
    elif isinstance(node, nodes.Filter) and node.node is not None:
        yield from _hole_faults(node.node, words, depth + 1)
        if node.name not in _FILTERS:
            yield unknown("filter", node.name, _FILTERS)
        elif node.kwargs or node.dyn_args or node.dyn_kwargs or (node.args and node.name != "pad"):
            yield _only(f"{node.name} takes no setting")
        elif node.args and not (len(node.args) == 1 and _is_width(node.args[0])):
            yield f"pad takes a number of digits from 1 to {MAX_PAD}"
    else:
        yield _only(_not(node))


def _is_width(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and type(node.value) is int and 1 <= node.value <= MAX_PAD


def _not(node: nodes.Node) -> str:
    return f"not {type(node).__name__.lower()}"


def _only(more: str = "") -> str:
    text = f"a template holds words such as {{{{date}}}} and the filters {', '.join(_FILTERS)} only"
    return f"{text}, {more}" if more else text


def _pad(value: str, width: int = 2) -> str:
    return f"\x00{width}\x00" if value == NUMBER else str(value).rjust(width, "0")


_FILTERS = {"lower": str.lower, "upper": str.upper, "pad": _pad}


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update(_FILTERS)
    return environment


_ENVIRONMENT = _environment()
