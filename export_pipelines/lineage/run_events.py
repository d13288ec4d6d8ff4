"""Who hears of runs for a lineage server: nobody, unless the settings name one."""

from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from urllib.parse import urlsplit

from export_pipelines.catalog import Catalog
from export_pipelines.errors import SettingsError, not_installed
from export_pipelines.key_versions import PREFIX
from export_pipelines.plan.plan import Plan
from export_pipelines.run.observer import Deaf, Observer
from export_pipelines.settings import Settings

URL = f"{PREFIX}OPENLINEAGE_URL"


def run_events(
    settings: Settings, catalog: Catalog, now: Callable[[], datetime]
) -> Callable[[Plan], Observer]:
    """Gives the run of each plan its observer. Raises SettingsError for a URL that is none, or without the extra."""
    url, key = settings.openlineage_url, settings.openlineage_key
    if url is None:
        return lambda _: Deaf()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise SettingsError(
            "the URL of the lineage server is not http:// or https:// with a host and without a password",
            where=URL,
            remedy=f"for example http://marquez:5000; a token belongs into {PREFIX}OPENLINEAGE_KEY",
        )
    if find_spec("openlineage") is None:
        raise not_installed("openlineage-python", "openlineage", URL)
    from export_pipelines.lineage.openlineage import RunEvents, sender_to
    from export_pipelines.lineage.places import Places

    places = Places(settings.source_url.get_secret_value(), settings.store_url)
    sender = sender_to(url, key.get_secret_value() if key else None)
    return lambda plan: RunEvents(plan, catalog, places, sender, now)
