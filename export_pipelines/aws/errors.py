"""What boto3 raises as our errors; what a server says in words is not repeated, its code is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from export_pipelines.errors import ExportError, RequestError
from export_pipelines.network_errors import network_errors

Response = Mapping[str, Any]  # an error's, as botocore's ClientError holds it
Answered = Callable[[Response, str], ExportError]
Remedies = Mapping[str, tuple[str, str]]  # by code: what is wrong, and what to do

_KEYS = (
    "AWS does not accept the credentials",
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the role of the machine",
)
CREDENTIALS: Remedies = {
    "UnrecognizedClientException": _KEYS,
    "InvalidClientTokenId": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "InvalidSignatureException": _KEYS,
    "IncompleteSignature": _KEYS,
    "MissingAuthenticationTokenException": _KEYS,
    "ExpiredTokenException": _KEYS,
}


@contextmanager
def aws_errors(where: str, answered: Answered) -> Iterator[None]:
    """Raises what the block's exceptions mean: `answered` says what an error of the service does."""
    from botocore.exceptions import ClientError

    try:
        with network_errors(where):
            yield
    except ClientError as error:
        raise answered(error.response, where) from None
    except ValueError as error:  # boto3's, of an endpoint that is no URL
        raise RequestError(f"the settings make no request: {type(error).__name__}", where=where) from None


def code_of(response: Response) -> str:
    return str(response.get("Error", {}).get("Code", ""))


def status_of(response: Response) -> int:
    """Of HTTP; 0 where there is none."""
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
