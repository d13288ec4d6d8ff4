"""Names from templates: sandboxed, strict Jinja of words and three filters; no operator, loop, attribute or path trick."""

import re
from collections.abc import Iterable, Iterator, Mapping

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from export_pipelines.definition.templates import PART_WORDS, WORDS, demand_header
from export_pipelines.errors import RequestError, unknown
from export_pipelines.plan.plan import Plan, Window

MAX_TEMPLATE = 500  # characters
MAX_RESULT = 1000  # characters
MAX_TEXT = 50_000  # characters
MAX_FILE_NAME = 200  # bytes, room for a temporary suffix below the 255 of file systems
MAX_PAD = 12  # digits

_ALLOWED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter)
_PART = "\x000\x00"  # where the number goes, with its width; no filter changes a digit


def window_words(window: Window) -> dict[str, str]:
    """The words that the window gives: date, start, end, key, year, month, day."""
    start = window.start
    return {
        "date": start.strftime("%Y-%m-%d"),
        "start": start.strftime("%Y-%m-%d"),
        "end": window.end.strftime("%Y-%m-%d"),
        "key": window.key,
        "year": f"{start.year:04d}",
        "month": f"{start.month:02d}",
        "day": f"{start.day:02d}",
    }


def render(template: str, words: Mapping[str, str]) -> str:
    """`template` with `words` put in, each cleaned of slashes and dots that climb. Raises RequestError."""
    return _render(template, {name: _clean(value) for name, value in words.items()})


def render_header(template: str, words: Mapping[str, str], where: str) -> str:
    """`template` with `words` put in, as it can stand in a header. Raises RequestError; `where` names the setting."""
    return demand_header(render(template, words), where)


def render_text(template: str, words: Mapping[str, str]) -> str:
    """`template` with `words` put in as they are, for people to read; no name of a file. Raises RequestError."""
    return _render(template, words, MAX_TEXT)


def check_template(template: str, allowed: Iterable[str] = WORDS) -> None:
    """Raises RequestError unless `template` uses only `allowed` words and the filters lower, upper and pad."""
    words = set(allowed)
    for node in _walk(_parse(template)):
        if isinstance(node, nodes.Name) and node.name not in words:
            raise RequestError(unknown("word", node.name, words), where=f'template "{template}"')


def part_template(template: str, words: Mapping[str, str]) -> str:
    """The part's name with only its number open: `leads_part_{part}.csv.gz`, for `str.format`. Raises RequestError."""
    check_template(template, PART_WORDS)
    cleaned = {name: _clean(value) for name, value in words.items()}
    name = _render(template, cleaned | {"part": _PART})
    _check_file_name(template, name)
    escaped = name.replace("{", "{{").replace("}", "}}")
    return re.sub(
        r"\x00(\d+)\x00", lambda hole: f"{{part:0{hole[1]}d}}" if hole[1] != "0" else "{part}", escaped
    )


def part_file_name(plan: Plan, n: int) -> str:
    """The name of part `n`, counted from 1."""
    if plan.output is None:
        raise ValueError("the plan has no output yet")
    return plan.output.part_name.format(part=n)


def _render(template: str, words: Mapping[str, str], most: int = MAX_RESULT) -> str:
    _parse(template)
    try:
        text = _ENVIRONMENT.from_string(template).render(words)
    except TemplateError as error:
        raise RequestError(str(error), where=f'template "{template}"') from error
    if len(text) > most:
        raise RequestError(
            f"the result has {len(text)} characters, more than {most}", where=f'template "{template}"'
        )
    return text


def _parse(template: str) -> nodes.Template:
    if len(template) > MAX_TEMPLATE:
        raise RequestError(
            f"a template of {len(template)} characters is longer than the {MAX_TEMPLATE} allowed"
        )
    if "\x00" in template:
        raise RequestError("a template holds no NUL character")
    try:
        tree = _ENVIRONMENT.parse(template)
    except TemplateError as error:
        raise RequestError(str(error), where=f'template "{template}"') from error
    for node in _walk(tree):
        if not isinstance(node, _ALLOWED):
            raise RequestError(
                f"a template holds words and filters only, not {type(node).__name__.lower()}",
                where=f'template "{template}"',
                remedy="for example leads_{{date}}_{{part | pad(3)}}.{{ext}}",
            )
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise RequestError(unknown("filter", node.name, _FILTERS), where=f'template "{template}"')
    return tree


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _pad(value: str, width: object = 2) -> str:
    if not isinstance(width, int) or not 1 <= width <= MAX_PAD:
        raise TemplateError(f"pad takes a number of digits from 1 to {MAX_PAD}")
    if value == _PART:
        return f"\x00{width}\x00"
    return str(value).rjust(width, "0")


def _clean(value: str) -> str:
    """A value cannot make or climb a path: no slash, no control character, no leading or trailing dot, no `..`."""
    flat = re.sub(r"[/\\\x00-\x1f\x7f]", "-", value)
    return re.sub(r"\.{2,}", "-", flat).strip(". ")


def _check_file_name(template: str, name: str) -> None:
    where = f'template "{template}"'
    if re.search(r"[/\\]", name) or name.startswith(".") or not name.strip():
        raise RequestError(
            "a part's name is a plain file name, without slashes and not beginning with a dot",
            where=where,
            remedy="folders belong to the destination's path",
        )
    demand_header(name.replace("\x00", ""), where)  # a mail names it in a header
    if len(name.encode()) > MAX_FILE_NAME:
        raise RequestError(f"a part's name has at most {MAX_FILE_NAME} bytes", where=where)


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
