"""What every store of artifacts lists, and in which order; see `test_store_contract.py`."""

from datetime import UTC, datetime, timedelta

from export_pipelines.artifacts import Store
from export_pipelines.plan.plan import Window
from export_pipelines_tests.artifacts.build import AT, TOKEN, stored
from export_pipelines_tests.artifacts.places import Place

ARTIFACT = f"daily/2024-01-15/{TOKEN}"


def test_manifests_come_newest_first_whatever_their_windows(store: Store) -> None:
    ages = [5, 1, 3]
    for age in ages:
        at = AT - timedelta(days=age)
        stored(store, token=f"{at:%Y%m%dT%H%M%SZ}-0a1b2c", at=at)
    assert [manifest.created_at for manifest in store.manifests()] == [
        AT - timedelta(days=age) for age in (1, 3, 5)
    ]
    latest = store.latest("daily")
    assert latest is not None and latest.created_at == AT - timedelta(days=1)


def test_of_artifacts_of_one_second_that_of_the_last_window_is_the_newest(store: Store) -> None:
    second = TOKEN.partition("-")[0]
    for day, random in ((15, "3ccccc"), (16, "1aaaaa"), (14, "4ddddd"), (13, "2bbbbb")):
        start = datetime(2024, 1, day, tzinfo=UTC)
        window = Window(start=start, end=start + timedelta(days=1), key=f"2024-01-{day}")
        stored(store, token=f"{second}-{random}", window=window)
    keys = [f"2024-01-{day}" for day in (16, 15, 14, 13)]
    assert [manifest.window.key for manifest in store.manifests("daily")] == keys
    latest = store.latest("daily")
    assert latest is not None and latest.window.key == keys[0]


def test_manifests_of_one_export_leave_out_the_others(store: Store) -> None:
    stored(store)
    other = stored(store, export="weekly")
    assert store.manifests("weekly") == [other]
    assert store.manifests("monthly") == [] and store.latest("monthly") is None


def day(key: str) -> Window:
    start = datetime.fromisoformat(key).replace(tzinfo=UTC)
    return Window(start=start, end=start + timedelta(days=1), key=key)


def test_names_are_those_of_windows_from_one_key_to_another(store: Store, place: Place) -> None:
    days = [f"2024-01-{day}" for day in (13, 14, 15, 16)]
    daily = [stored(store, window=day(key)).artifact for key in days]
    weekly = stored(store, export="weekly", window=day(days[1])).artifact
    place.write(f"daily/{days[1]}/20240101T000000Z-ffffff/leads_part_1.csv", b"of a run that was killed")
    assert sorted(store.artifacts()) == [*daily, weekly] and sorted(store.artifacts("daily")) == daily
    assert sorted(store.artifacts("daily", days[1])) == daily[1:]
    assert sorted(store.artifacts("daily", days[1], days[2])) == daily[1:3]
    assert list(store.artifacts("daily", days[1], days[1])) == daily[1:2]
    assert sorted(store.artifacts(None, days[1], days[1])) == [daily[1], weekly]
    assert store.artifacts("daily", "2024-01-17") == store.artifacts("monthly") == []


def test_names_are_read_together_and_what_is_gone_is_left_out(store: Store) -> None:
    made = [stored(store, window=day(f"2024-01-{number}")) for number in (13, 14, 15)]
    store.remove(made[1].artifact)
    assert store.read(manifest.artifact for manifest in made) == store.listing()
    assert store.read([made[0].artifact]).manifests == (made[0],)


def test_a_store_that_was_never_used_is_empty_and_stays_unmade(store: Store, place: Place) -> None:
    assert store.manifests() == [] and store.sweep() == []
    assert place.names() == []
