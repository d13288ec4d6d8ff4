"""S/MIME: a mail that only the holders of some certificates can open."""

from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.message import EmailMessage

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options

from export_pipelines.errors import RequestError

REMEDY = "name a PEM file with the recipient's S/MIME certificate, of an RSA key"


def certificates(pem: bytes, where: str) -> list[x509.Certificate]:
    """Those in a PEM file. Raises RequestError for one that mail cannot be encrypted for."""
    try:
        loaded = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise RequestError("there is no certificate in the file", where=where, remedy=REMEDY) from None
    for certificate in loaded:
        if not isinstance(certificate.public_key(), RSAPublicKey):
            raise RequestError("the certificate's key is not RSA", where=where, remedy=REMEDY)
    return loaded


def require_valid(certificates: Sequence[x509.Certificate], at: datetime, where: str) -> None:
    for certificate in certificates:
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise RequestError(
                f"the certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d} only",
                where=where,
                remedy="ask the recipient for the one that followed",
            )


def sealed(message: EmailMessage, recipients: Sequence[x509.Certificate]) -> EmailMessage:
    """The same mail with its content encrypted (AES-256-CBC, RSA); its subject and addresses stay readable, as S/MIME has it."""
    inner, outer = EmailMessage(policy=policy.SMTP), EmailMessage(policy=policy.SMTP)
    inner.set_content("")
    for name in ("Content-Type", "Content-Transfer-Encoding", "MIME-Version"):
        del inner[name]
        if message[name] is not None:
            inner[name] = message[name]
    inner.set_payload(message.get_payload())
    builder = PKCS7EnvelopeBuilder().set_data(inner.as_bytes()).set_content_encryption_algorithm(AES256)
    for recipient in recipients:
        builder = builder.add_recipient(recipient)
    for name, value in message.items():
        if not name.lower().startswith(("content-", "mime-")):
            outer[name] = value
    outer.set_content(
        builder.encrypt(Encoding.DER, [PKCS7Options.Binary]),
        maintype="application",
        subtype="pkcs7-mime",
        filename="smime.p7m",
        params={"smime-type": "enveloped-data", "name": "smime.p7m"},
    )
    return outer
