"""`stream`: exports without an end, here in the foreground; their state, and what people do with them."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

from export_pipelines.cli.asking import As, asking
from export_pipelines.cli.audit import moment
from export_pipelines.cli.context import on_terminal, say, show
from export_pipelines.cli.tables import Columns, Json, show_listing
from export_pipelines.quantities import counted, duration, size
from export_pipelines.run.memory import choose_memory_of_a_stream

if TYPE_CHECKING:
    from export_pipelines.kept_slots import KeptSlot
    from export_pipelines.ledger.streams import DeadRecord, StreamState
    from export_pipelines.project import Project
    from export_pipelines.streaming.horizon import Start
    from export_pipelines.streaming.observer import StreamProgress

Name = Annotated[str, typer.Argument(help="A stream, as `list` names it.", show_default=False)]
SILENT = timedelta(minutes=2)
LINE_S = 1.0  # between two lines on a terminal


class _NameOrCommand(TyperGroup):
    """`stream NAME` is `stream run NAME`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        first = next((word for word in args if not word.startswith("-")), None)
        if first is not None and first not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


stream = typer.Typer(
    cls=_NameOrCommand,
    no_args_is_help=True,
    help="Run a stream in the foreground: stream NAME; and what becomes of streams.",
)


@stream.command("run")
def run(
    context: typer.Context,
    name: Name,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="End after so many.", show_default=False)
    ] = None,
    until_caught_up: Annotated[
        bool, typer.Option("--until-caught-up", help="End when nothing is new.")
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Ask the process that runs it to hand over.")
    ] = False,
    asker: As = None,
) -> None:
    """Send what is new, until Ctrl-C: within seconds, each record once, or with its id where the sink cannot tell."""
    choose_memory_of_a_stream()
    project = asking(context, asker)
    line = LiveLine(project)
    from export_pipelines.project_streams import run_stream

    end = run_stream(project, name, line, seconds, until_caught_up, take_over)
    line.last()
    say(f"{name}: {end}")


@stream.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Every stream: who runs it, how far it is, what it sent."""
    from export_pipelines.ledger import Streams

    project = context.obj
    known = {state.export: state for state in Streams(project.ledger.engine, project.ledger.locks).all()}
    names = dict.fromkeys([*(definition.name for definition in project.loaded.streams), *known])
    states = [(name, known.get(name)) for name in names]
    columns: Columns[tuple[str, StreamState | None]] = {
        "stream": lambda item: item[0],
        "state": lambda item: _word(item[1]),
        "by": lambda item: item[1].holder if item[1] else "",
        "sent": lambda item: item[1].sent if item[1] else 0,
        "newest (UTC)": lambda item: _time(item[1].newest if item[1] else None),
        "last seen (UTC)": lambda item: _time(item[1].seen_at if item[1] else None),
        "late": lambda item: item[1].late if item[1] else 0,
        "may be double": lambda item: item[1].doubtful if item[1] else 0,
        "schema": lambda item: item[1].schema_version if item[1] else 0,
        "error": lambda item: (item[1].error or "") if item[1] else "",
    }
    show_listing(states, columns, _as_dict, json=json, empty="no export has `stream:`")


@stream.command()
def pause(context: typer.Context, name: Name, asker: As = None) -> None:
    """End the stream at its batch's end, and keep it from beginning until it is resumed."""
    project = asking(context, asker)
    from export_pipelines.project_streams import pause_stream

    pause_stream(project, name)
    show(f"{name}: paused; export-pipelines stream resume {name}")


@stream.command()
def resume(context: typer.Context, name: Name, asker: As = None) -> None:
    """Let a stream that was paused go on where it was."""
    project = asking(context, asker)
    from export_pipelines.project_streams import resume_stream

    resume_stream(project, name)
    show(f"{name}: may run again")


@stream.command()
def replay(
    context: typer.Context,
    name: Name,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="2024-01-15 or 2024-01-15T09:30:00Z.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="PLACE", help="Another stream, or another folder of the bucket."),
    ] = None,
    same_place: Annotated[
        bool, typer.Option("--same-place", help="Into the stream's own sink, beside what is there.")
    ] = False,
    asker: As = None,
) -> None:
    """Send the rows from a time on once more, to another place or, if you say so, to the same; the stream itself goes on."""
    since = moment(start)
    assert since is not None
    choose_memory_of_a_stream()
    project = asking(context, asker)
    line = LiveLine(project)
    from export_pipelines.project_streams import replay_stream

    replay_stream(project, name, since, to, same_place, line)
    line.last()


@stream.command()
def restart(
    context: typer.Context,
    name: Name,
    start: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="now, beginning, 2024-01-15 or 2024-01-15T09:30:00Z."),
    ],
    asker: As = None,
) -> None:
    """Begin anew at a time, where a stream cannot go on at its cursor: rows before it are missing, or come twice."""
    since = moment(start) if start not in ("now", "beginning") else start
    assert since is not None
    project = asking(context, asker)
    from export_pipelines.project_streams import restart_stream

    restart_stream(project, name, cast("Start", since))
    show(f"{name}: begins at {start}; export-pipelines stream {name}")


@stream.command()
def slots(context: typer.Context, json: Json = False) -> None:
    """The replication slots that streams have at a PostgreSQL: whose they are, and how much WAL the server keeps for them."""
    from export_pipelines.kept_slots import KeptSlot, kept_slots

    columns: Columns[KeptSlot] = {
        "slot": lambda slot: slot.state.name,
        "stream": lambda slot: slot.stream or "",
        "WAL": lambda slot: size(slot.state.kept_bytes),
        "limit": lambda slot: size(slot.wal.limit) if slot.wal else "",
        "state": lambda slot: slot.state.reason or slot.state.wal or "",
        "to do": lambda slot: slot.remedy if slot.fault else "",
    }
    show_listing(kept_slots(context.obj), columns, _slot_as_dict, json=json, empty="none")


@stream.command("drop-slot")
def drop_slot(context: typer.Context, name: Name, asker: As = None) -> None:
    """Give up the replication slot of a stream, also of one that is defined no longer: what it has not sent is missing."""
    project = asking(context, asker)
    from export_pipelines.kept_slots import drop_slot

    drop_slot(project, name)
    show(
        f"{name}: its replication slot is dropped; export-pipelines stream restart {name} --from TIME begins anew"
    )


@stream.command("dead-letters")
def dead_letters(context: typer.Context, name: Name, json: Json = False, asker: As = None) -> None:
    """Records that the sink could not take: their ids and why, none of their values."""
    from export_pipelines.ledger import Streams
    from export_pipelines.project_streams import stream_named

    project = asking(context, asker)
    project.require("view", name)
    if "_replay_" not in name:
        stream_named(project, name)
    records = Streams(project.ledger.engine, project.ledger.locks).dead_letters(name)
    columns: Columns[DeadRecord] = {
        "no": lambda record: record.sequence,
        "id": lambda record: record.id,
        "when (UTC)": lambda record: _time(record.at),
        "why": lambda record: record.reason,
    }
    show_listing(records, columns, _dead_as_dict, json=json, empty="none")


class LiveLine:
    """The live line: on a terminal one that changes, elsewhere a line a minute."""

    def __init__(self, project: "Project") -> None:
        self.project = project
        self.progressed: StreamProgress | None = None
        self._next = 0.0

    def progress(self, progress: "StreamProgress") -> None:
        self.progressed = progress
        if progress.seconds >= self._next:
            self._next = progress.seconds + (LINE_S if on_terminal() else 60 * LINE_S)
            self._show(progress, "\r" if on_terminal() else "")

    def waiting(self, error: Exception, seconds: float) -> None:
        say(f"waiting {seconds:.1f} s: {error}")

    def last(self) -> None:
        if self.progressed is not None:
            self._show(self.progressed, "\r" if on_terminal() else "", ended=True)

    def _show(self, progress: "StreamProgress", begin: str, ended: bool = False) -> None:
        parts = [counted(progress.rows, "record"), f"{progress.rate:,.0f}/s", f"next {progress.sequence}"]
        if progress.newest:
            lag = (self.project.now() - progress.newest).total_seconds()
            parts.append(f"newest {duration(lag)} old")
        parts += [
            f"{number} {word}"
            for number, word in (
                (progress.late, "late"),
                (progress.doubtful, "maybe double"),
                (progress.dead, "dead"),
            )
            if number
        ]
        typer.echo(begin + ", ".join(parts) + ("\033[K" if begin else ""), err=True, nl=not begin or ended)


def _word(state: "StreamState | None") -> str:
    if state is not None and state.paused_at is not None:
        return "paused"
    if state is None or (state.cursor is None and not state.holder):
        return "never ran"
    if not state.holder:
        return "stopped"
    is_alive = state.seen_at is not None and datetime.now(UTC) - state.seen_at < SILENT
    return "running" if is_alive else "silent"  # killed, or kept waiting


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""


def _as_dict(item: "tuple[str, StreamState | None]") -> dict[str, object]:
    name, state = item
    shown = ("holder", "sequence", "sent", "bytes", "batches", "doubtful", "late", "schema_version", "error")
    times = ("held_since", "seen_at", "paused_at", "newest", "error_at")
    return {"stream": name, "state": _word(state)} | {
        **{key: getattr(state, key) for key in shown if state},
        **{key: at.isoformat() if (at := getattr(state, key)) else None for key in times if state},
    }


def _slot_as_dict(slot: "KeptSlot") -> dict[str, object]:
    return {
        "slot": slot.state.name,
        "stream": slot.stream,
        "kept_bytes": slot.state.kept_bytes,
        "limit_bytes": slot.wal.limit if slot.wal else None,
        "state": slot.state.wal,
        "reason": slot.state.reason or None,
        "is_defined": slot.wal is not None,
    }


def _dead_as_dict(record: "DeadRecord") -> dict[str, object]:
    return {
        "sequence": record.sequence,
        "id": record.id,
        "reason": record.reason,
        "at": record.at.isoformat(),
    }
