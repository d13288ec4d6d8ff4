"""What a call of records came to, by position, whatever boto3 returned or raised."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from export_pipelines.aws.errors import CREDENTIALS, Remedies, Response, aws_errors, code_of, status_of
from export_pipelines.errors import ExportError, RequestError, RetryableError
from export_pipelines.network_errors import is_passing, meaning_of

TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500
THROTTLED = frozenset(
    {"ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "LimitExceededException"}
    | {"KMSThrottlingException", "ServiceUnavailableException", "RequestLimitExceeded", "SlowDown"}
)
NOT_SENT = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError")
_KMS_KEY = (
    "the KMS key that encrypts the stream cannot be used",
    "enable it, and grant kms:GenerateDataKey to who runs this",
)
_REFUSED = (
    "the service refuses the records",
    "see whether the stream takes records as large as the settings say",
)
REFUSALS: Remedies = {
    "ResourceNotFoundException": ("the stream is not there", "create it, or mend `stream` and `region`"),
    "KMSAccessDeniedException": _KMS_KEY,
    "KMSDisabledException": _KMS_KEY,
    "KMSInvalidStateException": _KMS_KEY,
    "KMSNotFoundException": _KMS_KEY,
    "KMSOptInRequired": _KMS_KEY,
    "InvalidKMSResourceException": _KMS_KEY,
    "InvalidArgumentException": _REFUSED,
    "ValidationException": _REFUSED,
    **CREDENTIALS,
}


@dataclass(frozen=True)
class Answer:
    """`codes` says by position why a record was not stored; it is empty for one that was. `is_unknown`: the service may
    have stored each of them, and its answer was lost."""

    codes: Sequence[str]
    is_unknown: bool = False

    @property
    def is_throttled(self) -> bool:
        return not THROTTLED.isdisjoint(self.codes)


def answer_of(put: Callable[[], Sequence[str]], records: int, where: str, rights: str) -> Answer:
    """Of one call. Raises RequestError for what no later call can mend; `rights` are those that a sender needs."""
    from botocore.exceptions import ClientError

    try:
        return Answer(put())
    except ClientError as error:
        code, status = code_of(error.response), status_of(error.response)
        if code not in THROTTLED and not is_passing(status):
            raise _refused(rights, error.response, where) from None
        is_throttled = code in THROTTLED or status < SERVER_ERROR
        return Answer([code or str(status)] * records, is_unknown=not is_throttled)
    except Exception as error:
        meaning = meaning_of(error)
        if meaning is None:
            raise
        if meaning.kind is not RetryableError:
            raise meaning.error(where) from None
        return Answer([type(error).__name__] * records, is_unknown=type(error).__name__ not in NOT_SENT)


def service_errors(where: str, rights: str) -> AbstractContextManager[None]:
    """Around questions to a service. Raises RequestError for what the person must mend, RetryableError for what may pass."""
    return aws_errors(where, partial(_refused, rights))


def _refused(rights: str, response: Response, where: str) -> ExportError:
    code, status = code_of(response), status_of(response)
    if code in REFUSALS:
        what, remedy = REFUSALS[code]
        return RequestError(f"{what} ({code})", where=where, remedy=remedy)
    if code.startswith("AccessDenied"):
        return RequestError("we have no right to the stream", where=where, remedy=f"grant {rights}")
    if code in THROTTLED or is_passing(status):
        return RetryableError(f"the service could not do it now: {code or status}", where=where)
    return RequestError(f"the service refused it: {code or status}", where=where)
