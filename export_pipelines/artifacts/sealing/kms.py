"""A master key of AWS KMS: it never leaves KMS, which wraps and opens data keys on request.

Each artifact's data key is wrapped by KMS itself, with no key between: whoever disables the KMS key, or takes away a right to
it, closes all artifacts at once, and the log of KMS names the artifact of every request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import Any

from export_pipelines.aws.errors import CREDENTIALS, aws_errors, code_of, status_of
from export_pipelines.errors import ExportError, KeyRefused, RetryableError, not_installed
from export_pipelines.key_versions import PREFIX
from export_pipelines.network_errors import is_passing

WHERE = f"{PREFIX}MASTER_KEY"
TIMEOUT_S = 10
CONNECTIONS = 16
OPENED = 256  # data keys that stay in memory; which of them may be used, the ledger says each time
_STATE = ("the key is disabled, or about to be deleted", "enable it, or cancel its deletion")
_CHANGED = (
    "the data key of this artifact does not open: the ledger's entry was changed, or another key wrapped it",
    "restore the ledger from a backup, or run the export again",
)
MENDED: Mapping[str, tuple[str, str]] = {
    "AccessDeniedException": (
        "we have no right to use the key",
        "grant kms:Encrypt and kms:Decrypt on it to who runs this",
    ),
    "NotFoundException": ("there is no such key", "see its account, region and id"),
    "DisabledException": _STATE,
    "KMSInvalidStateException": _STATE,
    "InvalidKeyUsageException": (
        "the key is not one that encrypts",
        "name a symmetric key for encryption and decryption",
    ),
    "InvalidCiphertextException": _CHANGED,
    "IncorrectKeyException": _CHANGED,
    **CREDENTIALS,
}

PASSING = frozenset({"ThrottlingException", "LimitExceededException", "KeyUnavailableException"})


@dataclass(frozen=True)
class KmsMasterKey:
    """The MasterKey `arn`. Region and account are those of the ARN; boto3 finds credentials, and an endpoint other than
    Amazon's in AWS_ENDPOINT_URL_KMS or AWS_ENDPOINT_URL."""

    arn: str

    @property
    def id(self) -> str:
        return f"aws-kms://{self.arn}"

    def wrap(self, artifact: str, key: bytes) -> bytes:
        answer = self._ask(
            artifact,
            lambda: self._client.encrypt(KeyId=self.arn, Plaintext=key, EncryptionContext=_context(artifact)),
        )
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, artifact: str, wrapped: bytes) -> bytes:
        return self._opened(artifact, wrapped)

    @cached_property
    def _opened(self) -> Callable[[str, bytes], bytes]:
        """A part that is read by ranges, and the parts of one artifact, are one request."""
        return lru_cache(OPENED)(self._decrypted)

    def _decrypted(self, artifact: str, wrapped: bytes) -> bytes:
        answer = self._ask(
            artifact,
            lambda: self._client.decrypt(
                KeyId=self.arn, CiphertextBlob=wrapped, EncryptionContext=_context(artifact)
            ),
        )
        return bytes(answer["Plaintext"])

    def _ask(self, artifact: str, request: Callable[[], Any]) -> Any:
        if find_spec("boto3") is None:
            raise not_installed("boto3", "kms", WHERE)
        with aws_errors(f"{self.id} for {artifact}", _answered):
            return request()

    @cached_property
    def _client(self) -> Any:
        from export_pipelines.aws.connect import Access, open_client

        access = Access(region=self.arn.split(":")[3], timeout_s=TIMEOUT_S)
        return open_client("kms", access, self.id, max_pool_connections=CONNECTIONS)


def _answered(response: Mapping[str, Any], where: str) -> ExportError:
    code = code_of(response)
    if code in MENDED:
        what, remedy = MENDED[code]
        return KeyRefused(f"{what} ({code})", where=where, remedy=remedy)
    if code in PASSING or is_passing(status_of(response)):
        return RetryableError(f"KMS could not do it now ({code})", where=where)
    return KeyRefused(
        f"KMS refuses the key ({code})", where=where, remedy="see the rights to it, and its state"
    )


def _context(artifact: str) -> Mapping[str, str]:
    """What a wrapped key is bound to; the log of KMS shows it."""
    return {"purpose": "export_pipelines data key", "artifact": artifact}
