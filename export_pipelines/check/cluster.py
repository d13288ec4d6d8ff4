"""What runs on several machines need: a ledger and a store that all of them see, and a broker that not everybody may write to."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from export_pipelines.check.fault import CLUSTER, CheckFault
from export_pipelines.definition.destinations.hosts import is_loopback
from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines.settings import Settings

BROKERS = ("redis", "rediss", "amqp", "amqps")


def cluster_faults(settings: Settings) -> Iterator[CheckFault]:
    """Of a project whose runs go to workers through a broker; nothing for one without."""
    if settings.broker_url is not None:
        for error in cluster_errors(settings, settings.broker_url.get_secret_value()):
            yield CheckFault(CLUSTER, "error", str(error))


def cluster_errors(settings: Settings, broker_url: str) -> Iterator[SettingsError]:
    """The faults, none of which repeats a URL."""
    if not settings.ledger_url.get_secret_value().startswith("postgresql"):
        yield SettingsError(
            "the ledger is a file of this machine, and runs go to workers elsewhere",
            where=f"{PREFIX}LEDGER_URL",
            remedy="postgresql://user:password@host/database",
        )
    if "://" not in settings.store_url:
        yield SettingsError(
            "the artifact store is a folder of this machine, and runs go to workers elsewhere",
            where=f"{PREFIX}STORE_URL",
            remedy="s3://bucket/prefix",
        )
    if (
        not settings.source_url.get_secret_value()
        .partition("://")[0]
        .startswith(("postgresql", "mysql", "mariadb"))
    ):
        yield SettingsError(
            "the source is a file of this machine, and runs go to workers elsewhere",
            where=f"{PREFIX}SOURCE_URL",
            remedy="the URL of a database server",
        )
    yield from _broker_errors(broker_url)


def _broker_errors(url: str) -> Iterator[SettingsError]:
    where, remedy = f"{PREFIX}BROKER_URL", "redis://:password@host:6379/0"
    try:
        parts = urlsplit(url)
        host, password, _ = parts.hostname, parts.password, parts.port
    except ValueError:
        yield SettingsError("that is no URL of a broker", where=where, remedy=remedy)
        return
    if parts.scheme not in BROKERS or not host:
        kinds = ", ".join(BROKERS)
        yield SettingsError(f"that is no URL of a broker; allowed: {kinds}", where=where, remedy=remedy)
    elif not password and not is_loopback(host):
        yield SettingsError(
            "the broker has no password, and is not on this machine: whoever reaches it could start and read runs",
            where=where,
            remedy=remedy,
        )
