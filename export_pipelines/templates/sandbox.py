"""Templates as Jinja reads them, in its sandbox: what is wrong with one is told of its tree."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from export_pipelines.errors import RequestError, unknown
from export_pipelines.templates.filters import FILTERS, MAX_FILTERS, MAX_PAD

_MARKS = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")


def words_and_faults(template: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The words that a template uses, and the faults that no caller's words change."""
    try:
        tree = _ENVIRONMENT.parse(template)
        comment = any(kind == "comment_begin" for _, kind, _ in _ENVIRONMENT.lex(template))
    except (TemplateError, RecursionError):
        return frozenset(), (_only(),)
    words: set[str] = set()
    faults = [*_faults(tree, words), *([_only("not a comment")] if comment else [])]
    return frozenset(words), tuple(dict.fromkeys(faults))


def filled(template: str, words: Mapping[str, str], where: str) -> str:
    """A template without faults with `words` put in. Raises RequestError."""
    try:
        return _compiled(template).render(words)
    except TemplateError as error:
        raise RequestError(str(error), where=where) from error


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    return _ENVIRONMENT.from_string(template)


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
        if node.name not in FILTERS:
            yield unknown("filter", node.name, FILTERS)
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
    text = f"a template holds words such as {{{{date}}}} and the filters {', '.join(FILTERS)} only"
    return f"{text}, {more}" if more else text


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update(FILTERS)
    return environment


_ENVIRONMENT = _environment()
