"""A stream that sends all that is there, to a bucket or to Kinesis."""

from export_pipelines_faults import invariants
from export_pipelines_faults.scene import Act, Scene
from export_pipelines_faults.world import LIVE, World

AT_ONCE = (
    invariants.the_stream_is_right,
    invariants.the_audit_is_whole,
    invariants.errors_are_clear,
    invariants.no_plaintext_is_left,
)


def _stream(_: World) -> Act:
    return "stream", (LIVE,)


STREAM = Scene(
    "stream",
    _stream,
    _stream,
    AT_ONCE,
    (*AT_ONCE, invariants.the_stream_is_complete, invariants.no_debris_is_left_by_the_sweep),
    {"to": ("",), "source": ("postgresql",), "sink": ("s3", "s3", "kinesis")},
)
