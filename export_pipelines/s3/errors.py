"""What boto3 raises, sorted by what follows from it; what a server says in words is not repeated, its code is."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from export_pipelines.aws import errors
from export_pipelines.aws.errors import aws_errors, status_of
from export_pipelines.errors import ExportError, RequestError, RetryableError
from export_pipelines.network_errors import is_passing, retry_after_s

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_KEYS = ("the server does not know the access key, or the secret is wrong", "mend the keys")
_RIGHT = ("we have no right to do that there", "ask for the right to put, read, list and delete objects")
_REGION = ("the bucket is in another region", "name its region with `region`")
MENDED: Mapping[str, tuple[str, str]] = {
    "NoSuchBucket": ("the bucket is not there", "make it, or name another one"),
    "AccessDenied": _RIGHT,
    "AllAccessDisabled": _RIGHT,
    "403": _RIGHT,
    "InvalidAccessKeyId": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "InvalidToken": _KEYS,
    "ExpiredToken": ("the session token is no longer good", "fetch a new one"),
    "RequestTimeTooSkewed": ("this machine's clock is wrong", "set it, then send again"),
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "InvalidStorageClass": ("the server does not have this storage class", "name another `storage_class`"),
    "NotImplemented": (
        "the server cannot do one of the settings",
        "leave out encryption, tags or storage class",
    ),
    "EntityTooLarge": (
        "the file is larger than the server takes",
        "split the export: `split: {bytes: 1 GB}`",
    ),
}
PASSING = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestTimeout", "BadDigest"}
    | {"OperationAborted", "ConditionalRequestConflict", "NoSuchUpload", "XAmzContentSHA256Mismatch"}
    | {"IncompleteBody", "XAmzContentChecksumMismatch"}
)


def s3_errors(where: str) -> AbstractContextManager[None]:
    """Raises RequestError for what the person must mend, RetryableError for what may pass."""
    return aws_errors(where, _answered)


def code_of(error: "ClientError") -> str:
    return errors.code_of(error.response)


def _answered(response: Mapping[str, Any], where: str) -> ExportError:
    code, status = errors.code_of(response), status_of(response)
    about: Mapping[str, Any] = response.get("ResponseMetadata", {})
    if code in MENDED:
        what, remedy = MENDED[code]
        return RequestError(f"{what} ({code})" if not code.isdigit() else what, where=where, remedy=remedy)
    if code in PASSING or status == 0 or is_passing(status) or (code.isdigit() and is_passing(int(code))):
        after_s = retry_after_s(about.get("HTTPHeaders", {}).get("retry-after"))
        return RetryableError(
            f"the server could not do it now: {code or status}", where=where, after_s=after_s
        )
    return RequestError(f"the server refused it: {code or status}", where=where)
