"""AWS KMS as moto serves it: keys that wrap, and rights that refuse."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import requests

from export_pipelines_servers.aws import aws_server

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "exports", "AWS_SECRET_ACCESS_KEY": "s3cret/kms"}


@dataclass
class Kms:
    url: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What boto3 has to find."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL_KMS": self.url}

    def new_key(self, **settings: Any) -> str:
        """The ARN of a new key."""
        arn: str = self.client.create_key(**settings)["KeyMetadata"]["Arn"]
        return arn

    @property
    def client(self) -> Any:
        return boto3.session.Session().client(
            "kms",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody who asks has a right to anything, as long as the block runs."""
        self._ask_for_rights_after(0)
        try:
            yield
        finally:
            self._ask_for_rights_after("Infinity")

    def _ask_for_rights_after(self, requests_without: object) -> None:
        answer = requests.post(f"{self.url}/moto-api/reset-auth", data=str(requests_without), timeout=10)
        answer.raise_for_status()


@contextmanager
def kms_server() -> Iterator[Kms]:
    with aws_server() as aws:
        yield Kms(aws.url)
