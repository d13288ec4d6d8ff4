"""From the settings of a stream to its sink."""

import logging
from dataclasses import replace
from importlib.util import find_spec

from export_pipelines.definition.stream import (
    FirehoseSettings,
    KinesisSettings,
    S3StreamSettings,
    SinkSettings,
)
from export_pipelines.delivery.resources import Resources
from export_pipelines.errors import not_installed
from export_pipelines.plan.plan import Plan
from export_pipelines.streaming.sink import Envelope, Sink

log = logging.getLogger(__name__)


def open_sink(plan: Plan, settings: SinkSettings, envelope: Envelope, resources: Resources) -> Sink:
    """The sink of a stream, which asks nothing yet.

    Raises RequestError for what the operator's allowed.yaml does not allow, or a partition key that is not exported;
    SettingsError for a secret or a library that is not there.
    """
    where = f"stream.{settings.kind}"
    for named in settings.named():
        resources.require(named.kind, named.name, ".".join(map(str, (where, *named.key))))
    if find_spec("boto3") is None:
        raise not_installed("boto3", "s3", where)
    log.debug("opening the sink", extra={"kind": settings.kind})
    return _opened(plan, settings, envelope, resources, where)


def _opened(plan: Plan, settings: SinkSettings, envelope: Envelope, resources: Resources, where: str) -> Sink:
    """Each module is imported when its kind is first opened."""
    from export_pipelines.delivery.s3.destination import access_of
    from export_pipelines.streaming.records import Records
    from export_pipelines.streaming.sinks.record_sink import RecordSink

    access = replace(access_of(settings, resources, where), timeout_s=settings.timeout_s)
    match settings:
        case KinesisSettings():
            from export_pipelines.streaming.sinks.kinesis import Kinesis

            records = Records(plan, envelope, settings.partition_key)
            return RecordSink(Kinesis(settings, access), records, line_end=b"", has_keys=True)
        case FirehoseSettings():
            from export_pipelines.streaming.sinks.firehose import Firehose

            return RecordSink(
                Firehose(settings, access), Records(plan, envelope), line_end=b"\n", has_keys=False
            )
        case S3StreamSettings():
            from export_pipelines.streaming.sinks.s3 import S3Sink

            return S3Sink(plan, settings, envelope, access)
    raise TypeError(f"nothing opens a sink of kind {settings.kind}")
