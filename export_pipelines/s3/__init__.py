"""Buckets: how they are reached, objects read and written piece by piece, and what their server says as our errors."""

from export_pipelines.s3.bucket import ARCHIVES, Bucket, Options, StoredObject
from export_pipelines.s3.connect import Access, ClientOf, object_options, open_bucket, require_openable
from export_pipelines.s3.upload import PIECE_BYTES, Proof, Upload, abort_quietly

__all__ = [
    "ARCHIVES",
    "PIECE_BYTES",
    "Access",
    "Bucket",
    "ClientOf",
    "Options",
    "Proof",
    "StoredObject",
    "Upload",
    "abort_quietly",
    "object_options",
    "open_bucket",
    "require_openable",
]
