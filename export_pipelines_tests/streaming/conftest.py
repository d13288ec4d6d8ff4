from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.streaming.horizons.slots import Slots
from export_pipelines_servers import aws, s3
from export_pipelines_servers.aws import own_aws
from export_pipelines_servers.databases import new_database
from export_pipelines_servers.postgresql import postgresql
from export_pipelines_tests.cells import some
from export_pipelines_tests.streaming.horizons.databases import Postgresql
from export_pipelines_tests.streaming.live import BY_SLOT, PUBLICATION, TRANSACTION, Live

NUMBERS = count(1)


@pytest.fixture
def database(postgresql_url: str) -> Postgresql:
    """With the tables of a lead store, whose events hold their transactions."""
    database = Postgresql(new_database(postgresql_url, f"stream_{next(NUMBERS)}"))
    database.make(*TRANSACTION)
    return database


@pytest.fixture(scope="session")
def logical_url() -> Iterator[str]:
    """A database of a PostgreSQL server that tells its changes."""
    with postgresql("wal_level=logical", "max_replication_slots=60", "max_wal_senders=60") as url:
        yield url


@pytest.fixture
def published(logical_url: str) -> Iterator[Postgresql]:
    """With the tables of a lead store, whose events are in a publication."""
    database = Postgresql(new_database(logical_url, f"stream_{next(NUMBERS)}"))
    database.make(*PUBLICATION)
    yield database
    with closing(Slots(database.url)) as slots:
        for slot in slots.all():
            slots.drop(slot.name)


def live_to_s3(folder: Path, database: Postgresql, **more: Any) -> Live:
    server, bucket = s3.own_bucket()
    sink = (
        f"s3: {{bucket: {bucket.name}, endpoint_url: 'http://127.0.0.1:{server.port}', access_key: {{env: S3_KEY}}, "
        "secret_key: {env: S3_SECRET}, every: 200 ms, bytes: 20 KB}"
    )
    return Live(folder, database, sink, bucket=bucket, **more).make()


def live_to_kinesis(folder: Path, database: Postgresql, **more: Any) -> Live:
    moto = own_aws()
    name = moto.new_stream(f"live-{next(NUMBERS)}")
    sink = (
        f"kinesis: {{stream: {name}, partition_key: lead_id, endpoint_url: '{moto.url}', region: {aws.REGION}, "
        "access_key: {env: AWS_KEY}, secret_key: {env: AWS_SECRET}}"
    )
    return Live(folder, database, sink, aws=moto, stream=name, **more).make()


@pytest.fixture
def to_s3(tmp_path: Path, database: Postgresql) -> Live:
    return live_to_s3(tmp_path / "project", database)


@pytest.fixture
def to_kinesis(tmp_path: Path, database: Postgresql) -> Live:
    return live_to_kinesis(tmp_path / "project", database)


@pytest.fixture
def slot_to_s3(tmp_path: Path, published: Postgresql) -> Live:
    """New rows are told by a replication slot."""
    return live_to_s3(tmp_path / "project", published, catalog=BY_SLOT)


@pytest.fixture
def slot_to_kinesis(tmp_path: Path, published: Postgresql) -> Live:
    return live_to_kinesis(tmp_path / "project", published, catalog=BY_SLOT)


@pytest.fixture(
    params=some(["to_s3", "to_kinesis", "slot_to_s3", "slot_to_kinesis"], ["to_s3", "slot_to_kinesis"])
)
def any_live(request: pytest.FixtureRequest) -> Live:
    """Each of both ways in which PostgreSQL tells new rows exactly, and each kind of sink; all pairs with CELLS=all."""
    made_live: Live = request.getfixturevalue(request.param)
    return made_live


@pytest.fixture(params=["to_s3", "to_kinesis"])
def live(request: pytest.FixtureRequest) -> Live:
    """A stream to each kind of sink that tells records apart by itself, and that does not."""
    made_live: Live = request.getfixturevalue(request.param)
    return made_live
