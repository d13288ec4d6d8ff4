"""What boto3 raises, sorted by what follows from it; what a server says in words is not repeated, its code is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from export_pipelines.errors import ExportError, RequestError, RetryableError
from export_pipelines.network_errors import is_passing, network_errors, retry_after_s

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


@contextmanager
def s3_errors(where: str) -> Iterator[None]:
    """Raises RequestError for what the person must mend, RetryableError for what may pass."""
    from botocore.exceptions import ClientError

    try:
        with network_errors(where):
            yield
    except ClientError as error:
        raise _answered(error.response, where) from None
    except ValueError as error:  # boto3's, of an endpoint that is no URL
        raise RequestError(f"the settings make no request: {type(error).__name__}", where=where) from None


def code_of(error: "ClientError") -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _answered(response: Mapping[str, Any], where: str) -> ExportError:
    code = str(response.get("Error", {}).get("Code", ""))
    about: Mapping[str, Any] = response.get("ResponseMetadata", {})
    status = int(about.get("HTTPStatusCode", 0))
    if code in MENDED:
        what, remedy = MENDED[code]
        return RequestError(f"{what} ({code})" if not code.isdigit() else what, where=where, remedy=remedy)
    if code in PASSING or status == 0 or is_passing(status) or (code.isdigit() and is_passing(int(code))):
        after_s = retry_after_s(about.get("HTTPHeaders", {}).get("retry-after"))
        return RetryableError(
            f"the server could not do it now: {code or status}", where=where, after_s=after_s
        )
    return RequestError(f"the server refused it: {code or status}", where=where)
