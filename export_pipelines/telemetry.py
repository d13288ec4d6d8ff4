"""Traces by OpenTelemetry, if OTEL_EXPORTER_OTLP_ENDPOINT is set: a span for each run, its stages and each delivery.

Without the variable nothing of OpenTelemetry is imported. All spans of a run are of one trace, whose id is made from the run's.
An attribute is a name from a definition, a key of a window, a count or an error's code: never a value of a row, an address or
a place. Spans are sent by a thread; a collector that hangs loses them, and delays the end of a process by at most FLUSH_S."""

import atexit
import hashlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from export_pipelines import logs
from export_pipelines.errors import ExportError, not_installed

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SERVICE = "export_pipelines"
EXPORT_S, FLUSH_S = 5.0, 1.0
Attribute = str | int | float | bool


class Span(Protocol):
    def set(self, **attributes: Attribute) -> None:
        """Adds attributes, as `export_pipelines.<name>`."""

    def child(self, name: str, began_ns: int, ended_ns: int, **attributes: Attribute) -> None:
        """A span within, that is over."""


class _NoSpan:
    def set(self, **attributes: Attribute) -> None:
        pass

    def child(self, name: str, began_ns: int, ended_ns: int, **attributes: Attribute) -> None:
        pass


class _Tracing:
    """Where spans of this process go, once `trace_as_asked` has set it up."""

    provider: "TracerProvider | None" = None


def trace_as_asked(environment: Mapping[str, str]) -> None:
    """Traces from now on, if an endpoint is named. Raises SettingsError without the libraries."""
    variable = next((name for name in VARIABLES if environment.get(name)), None)
    if variable is None or environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or _Tracing.provider:
        return
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError as error:
        raise not_installed("opentelemetry-sdk", "telemetry", variable) from error
    _log_as_we_do()
    _Tracing.provider = _provider(environment)


@contextmanager
def span(name: str, **attributes: Attribute) -> Iterator[Span]:
    """A span for the block, in the trace of the run that `logs.run` names. An error ends it with its code, without its text."""
    if _Tracing.provider is None:
        yield _NoSpan()
        return
    from opentelemetry.trace import Status, StatusCode

    tracer = _Tracing.provider.get_tracer(SERVICE)
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as opened:
        current = _OpenSpan(opened)
        current.set(run_id=logs.current_run(), **attributes)
        try:
            yield current
        except BaseException as error:
            code = error.code if isinstance(error, ExportError) else type(error).__name__
            opened.set_attribute("error.type", code)
            opened.set_status(Status(StatusCode.ERROR, code))
            raise


class _OpenSpan:
    def __init__(self, opened: "object") -> None:
        self.opened = opened

    def set(self, **attributes: Attribute) -> None:
        for name, value in attributes.items():
            self.opened.set_attribute(f"{SERVICE}.{name}", value)  # type: ignore[attr-defined]

    def child(self, name: str, began_ns: int, ended_ns: int, **attributes: Attribute) -> None:
        assert _Tracing.provider is not None
        named = {f"{SERVICE}.{key}": value for key, value in attributes.items()}
        tracer = _Tracing.provider.get_tracer(SERVICE)
        tracer.start_span(name, start_time=began_ns, attributes=named).end(ended_ns)


def _log_as_we_do() -> None:
    """Where stderr is for machines, the libraries' warnings are records too."""
    if logs.are_json():
        logger = logging.getLogger("opentelemetry")
        logger.handlers, logger.propagate = logging.getLogger(logs.PROGRAM).handlers, False


def _provider(environment: Mapping[str, str]) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class RunIds(RandomIdGenerator):
        """The trace of a run has the same id in all processes that have a part in it."""

        def generate_trace_id(self) -> int:
            return int.from_bytes(hashlib.sha256(logs.current_run().encode()).digest()[:16])

    named = {} if environment.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: SERVICE}
    provider = TracerProvider(resource=Resource.create(named), id_generator=RunIds(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_S)))
    _flush_at_exit(provider)
    return provider


def _flush_at_exit(provider: "TracerProvider") -> None:
    """In a thread that is there already: at its exit Python starts none, and the SDK's own flush knows no limit."""
    asked, done = threading.Event(), threading.Event()

    def flush() -> None:
        asked.wait()
        provider.force_flush()
        done.set()

    threading.Thread(target=flush, name="telemetry-flush", daemon=True).start()

    def wait() -> None:
        asked.set()
        done.wait(FLUSH_S)

    atexit.register(wait)


def now_ns() -> int:
    return time.time_ns()
