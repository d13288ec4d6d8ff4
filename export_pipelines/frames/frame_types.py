"""The kinds of frame that an asset may ask for by an annotation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.errors import RequestError
from export_pipelines.frames.read_artifact import scan_artifacts, to_pandas

FRAMES: Mapping[str, Callable[[pl.LazyFrame], Any]] = {  # by name: pandas need not be installed
    "pandas.DataFrame": lambda rows: to_pandas(rows.collect()),
    "polars.DataFrame": lambda rows: rows.collect(),
    "polars.LazyFrame": lambda rows: rows,
    "pyarrow.Table": lambda rows: rows.collect().to_arrow(),
}


def frame_of(kind: Any, manifests: Sequence[Manifest], store: Store, where: str) -> Any:
    """The rows of all artifacts, in their order, as a `kind`. Raises RequestError for any other kind, DamagedArtifact."""
    name = f"{getattr(kind, '__module__', '').partition('.')[0]}.{getattr(kind, '__name__', kind)}"
    if name not in FRAMES:
        raise RequestError(
            f"an artifact cannot be read as {kind}",
            where=where,
            remedy=f"annotate the parameter with one of {', '.join(FRAMES)}",
        )
    return FRAMES[name](scan_artifacts(manifests, store))
