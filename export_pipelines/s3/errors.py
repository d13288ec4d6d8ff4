"""What boto3 raises, sorted by what follows from it; what a server says in words is not repeated, its code is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from export_pipelines.errors import ExportError, RequestError, RetryableError, SettingsError

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
    | {"OperationAborted", "ConditionalRequestConflict", "NoSuchUpload", "XAmzContentSHA256Mismatch", "429"}
    | {"IncompleteBody", "XAmzContentChecksumMismatch"}
)
CERTIFICATE = ("certificate", "hostname", "self-signed")
UNKNOWN_HOST = ("Name or service not known", "No address associated", "nodename nor servname")


@contextmanager
def s3_errors(where: str) -> Iterator[None]:
    """Raises RequestError for what the person must mend, RetryableError for what may pass."""
    try:
        yield
    except ClientError as error:
        raise _told(error.response, where) from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ProfileNotFound):
        raise SettingsError(
            "there are no keys for this bucket",
            where=where,
            remedy="name `access_key` and `secret_key`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ) from None
    except (
        exceptions.ParamValidationError,
        exceptions.InvalidEndpointConfigurationError,
        ValueError,
    ) as error:
        raise RequestError(f"the settings make no request: {type(error).__name__}", where=where) from None
    except exceptions.SSLError as error:
        if any(word in str(error).lower() for word in CERTIFICATE):
            raise RequestError(
                "the server's certificate is not one that we trust",
                where=where,
                remedy="name the authority that signed it with `ca`, or ask who runs the server",
            ) from None
        raise RetryableError("the connection broke in the handshake", where=where) from None
    except exceptions.EndpointConnectionError as error:
        if any(word in str(error.kwargs.get("error")) for word in UNKNOWN_HOST):
            raise RequestError("the host's name is not known", where=where) from None
        raise RetryableError("the server cannot be reached", where=where) from None
    except (BotoCoreError, OSError) as error:
        raise RetryableError(f"the connection broke: {type(error).__name__}", where=where) from None


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _told(response: Mapping[str, Any], where: str) -> ExportError:
    code = str(response.get("Error", {}).get("Code", ""))
    about: Mapping[str, Any] = response.get("ResponseMetadata", {})
    status = int(about.get("HTTPStatusCode", 0))
    if code in MENDED:
        what, remedy = MENDED[code]
        return RequestError(f"{what} ({code})" if not code.isdigit() else what, where=where, remedy=remedy)
    if code in PASSING or status >= 500 or status in (0, 408, 429):
        wait = str(about.get("HTTPHeaders", {}).get("retry-after", ""))
        after_s = float(wait) if wait.isdigit() else None
        return RetryableError(
            f"the server could not do it now: {code or status}", where=where, after_s=after_s
        )
    return RequestError(f"the server refused it: {code or status}", where=where)
