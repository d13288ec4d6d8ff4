from itertools import count
from pathlib import Path

import pytest

from export_pipelines_servers import aws, s3
from export_pipelines_servers.aws import own_aws
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.streaming.horizons.databases import Postgresql
from export_pipelines_tests.streaming.live import TRANSACTION, Live

NUMBERS = count(1)


@pytest.fixture
def database(postgresql_url: str) -> Postgresql:
    """With the tables of a lead store, whose events hold their transactions."""
    database = Postgresql(new_database(postgresql_url, f"stream_{next(NUMBERS)}"))
    database.make(*TRANSACTION)
    return database


@pytest.fixture
def to_s3(tmp_path: Path, database: Postgresql) -> Live:
    server, bucket = s3.own_bucket()
    sink = (
        f"s3: {{bucket: {bucket.name}, endpoint_url: 'http://127.0.0.1:{server.port}', access_key: {{env: S3_KEY}}, "
        "secret_key: {env: S3_SECRET}, every: 200 ms, bytes: 20 KB}"
    )
    return Live(tmp_path / "project", database, sink, bucket=bucket).make()


@pytest.fixture
def to_kinesis(tmp_path: Path, database: Postgresql) -> Live:
    moto = own_aws()
    name = moto.new_stream(f"live-{next(NUMBERS)}")
    sink = (
        f"kinesis: {{stream: {name}, partition_key: lead_id, endpoint_url: '{moto.url}', region: {aws.REGION}, "
        "access_key: {env: AWS_KEY}, secret_key: {env: AWS_SECRET}}"
    )
    return Live(tmp_path / "project", database, sink, aws=moto, stream=name).make()


@pytest.fixture(params=["to_s3", "to_kinesis"])
def live(request: pytest.FixtureRequest) -> Live:
    """A stream to each kind of sink that tells records apart by itself, and that does not."""
    made_live: Live = request.getfixturevalue(request.param)
    return made_live
