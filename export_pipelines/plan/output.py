"""How rows become bytes and files: format, codec, names of parts, limits, destinations."""

from export_pipelines.definition.default_naming import default_naming
from export_pipelines.definition.destinations import StoredEntry
from export_pipelines.definition.output import CODECS, FORMATS
from export_pipelines.errors import RequestError, unknown
from export_pipelines.plan.plan import Compression, Encoding, Output, PlanDraft, added
from export_pipelines.plan.query.predicate import located
from export_pipelines.plan.query.scope import most_rows
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.run_marks import narrowed_for, run_marks
from export_pipelines.plan.window import is_explicit
from export_pipelines.plan.window_words import window_words
from export_pipelines.templates import check_template, part_template, words_in


def serialize(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """Adds the format with all of its options. Raises RequestError."""
    wanted = request.definition.format
    if wanted.name not in FORMATS:
        raise RequestError(unknown("format", wanted.name, FORMATS), where=request.definition.at("format"))
    form = FORMATS[wanted.name]
    section = Encoding(
        format=wanted.name,
        options=dict(wanted.options),
        media_type=form.media_type,
        max_rows=form.max_rows,
        reader=wanted.reader,
    )
    return draft.model_copy(update={"encoding": section})


def compress(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """Adds the codec; a format that compresses by itself takes it as its own option. Raises RequestError."""
    encoding = added(draft.encoding, "serialize")
    wanted = request.definition.compression
    if wanted.codec not in CODECS:
        raise RequestError(
            unknown("compression", wanted.codec, CODECS), where=request.definition.at("compression")
        )
    own = FORMATS[encoding.format].own_codecs
    if not own:
        return draft.model_copy(update={"compression": Compression(codec=wanted.codec, level=wanted.level)})
    if wanted.codec not in own:
        raise RequestError(
            f"{encoding.format} is not put into {wanted.codec}, it compresses by itself",
            where=request.definition.at("compression"),
            remedy=f"allowed: {', '.join(own)}",
        )
    if own == ("none",):
        return draft.model_copy(update={"compression": Compression(codec="none")})
    options = encoding.options | {"compression": wanted.codec, "level": wanted.level}
    encoding = encoding.model_copy(update={"options": options})
    return draft.model_copy(update={"encoding": encoding, "compression": Compression(codec="none")})


def write(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """Adds parts, their names, limits and destinations. Raises RequestError for a template that cannot be."""
    wanted, window = request.definition, request.window
    words = window_words(window) | {
        "export": wanted.name,
        "type": wanted.type,
        "version": str(wanted.version),
        "ext": _extension(draft),
    }
    with located(request, "naming"):
        part_name = part_template(wanted.naming or default_naming(wanted), words)
    section = Output(
        part_rows=wanted.split.rows,
        part_bytes=wanted.split.bytes,
        part_name=part_name,
        max_rows=most_rows(request),
        max_bytes=wanted.limits.bytes,
        skip_empty=wanted.skip_empty,
        deliver=destinations(request, narrowed_for(draft)),
        recipes=wanted.recipes,
    )
    return draft.model_copy(update={"output": section})


def _extension(draft: PlanDraft) -> str:
    encoding, compression = added(draft.encoding, "serialize"), added(draft.compression, "compress")
    return FORMATS[encoding.format].extension + CODECS[compression.codec].suffix


def destinations(request: PlanRequest, narrowed: object = None) -> tuple[StoredEntry, ...]:
    """The entries of `deliver:` for one window, in their order; with a place of their own for what was `narrowed` and for
    whom. Raises RequestError."""
    return tuple(_destination(request, index, narrowed) for index in range(len(request.definition.deliver)))


def _destination(request: PlanRequest, index: int, narrowed: object) -> StoredEntry:
    wanted = request.definition.deliver[index]
    template = wanted.template()
    if template is not None:
        with located(request, "deliver", index):
            check_template(template, wanted.words)
        wanted = wanted.placed_at(_own_place(template, wanted.words, request, narrowed))
    return wanted.stored()


def _own_place(place: str, words: frozenset[str], request: PlanRequest, narrowed: object) -> str:
    """Other rows than those of the partition must not replace its files. Two weeks given by hand begin on its day: the
    key tells them apart. A filter given at launch has a mark of its own, which is the same for the same filter; so has what
    was narrowed for whoever asked."""
    by_hand = request.definition.partition is not None and is_explicit(request.window)
    marks = ["{{key}}"] if by_hand and "key" not in words_in(place) else []
    marks += run_marks(request.definition.overrides, narrowed)
    if not marks:
        return place
    mark = "_".join(marks)
    if "part" not in words:
        return f"{place.rstrip('/')}_{mark}"
    folder, slash, name = place.rpartition("/")  # the place is that of one file, so its folder is told apart
    return f"{folder}_{mark}/{name}" if slash else f"{mark}/{name}"
