"""Of two grants the stricter side, on every axis; and what a role's words mean for a field."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.access import EVERYTHING, TREATMENTS, Grant, narrower
from export_pipelines.access.policy import EXPORT_TYPES, PERMISSIONS, Destinations
from export_pipelines.catalog import Component, Field
from export_pipelines.plan.plan import Mask
from export_pipelines.plan.privacy_words import STRICTNESS
from export_pipelines_tests.access.policies import CATALOG

LEADS, EVENTS, REPORTS = (CATALOG.dataset(name) for name in ("leads", "events", "reports"))
WORDS = st.sampled_from(TREATMENTS)
ITEMS = st.dictionaries(
    st.sampled_from(["default", "direct", "indirect", "email", "phone", "phone_*", "first_name", "custom"]),
    WORDS,
).map(lambda found: tuple(sorted(found.items())))
FLOWS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True).map(
    lambda one: tuple(sorted(one))
)
GRANTS = st.builds(
    Grant,
    principals=st.just(()),
    roles=st.just(()),
    permissions=st.frozensets(st.sampled_from(PERMISSIONS)),
    types=st.frozensets(st.sampled_from(EXPORT_TYPES)),
    flows=st.lists(FLOWS, max_size=2, unique=True).map(lambda one: tuple(sorted(one))),
    pii=st.lists(ITEMS, max_size=2, unique=True).map(lambda one: tuple(sorted(one))),
    since=st.sampled_from([None, *(datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3))]),
    max_rows=st.none() | st.integers(1, 9),
    min_group=st.none() | st.integers(2, 9),
    destinations=st.just(()) | st.just((Destinations(folder=("a/*",)),)),
)


@given(GRANTS, GRANTS, GRANTS)
def test_narrower_is_a_meeting(one: Grant, two: Grant, three: Grant) -> None:
    assert narrower(one, two) == narrower(two, one)
    assert narrower(one, narrower(two, three)) == narrower(narrower(one, two), three)
    assert narrower(one, one) == one == narrower(one, EVERYTHING)


@given(GRANTS, GRANTS)
def test_what_both_may_is_no_more_than_what_each_may(one: Grant, two: Grant) -> None:
    both = narrower(one, two)
    assert both.permissions <= one.permissions and both.types <= one.types
    assert (both.max_rows or 10**9) <= (one.max_rows or 10**9)
    assert (both.min_group or 0) >= (one.min_group or 0)
    for id in ("email", "phone_1", "first_name", "city", "custom", "custom.product_type"):
        field = LEADS.find(id)
        assert isinstance(field, Field)
        words = [grant.treatment(field, LEADS) for grant in (one, two, both)]
        assert words[2] == max(words[:2], key=TREATMENTS.index)


def test_the_order_of_treatments_is_that_of_the_masks() -> None:
    assert tuple(map(Mask, TREATMENTS)) == STRICTNESS and set(STRICTNESS) == set(Mask)


def treated(pii: dict[str, str], id: str, dataset: str = "leads") -> str:
    found = CATALOG.dataset(dataset)
    field = found.find(id)
    assert isinstance(field, Field)
    return Grant(pii=(tuple(sorted(pii.items())),)).treatment(field, found)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pii", "id", "word"),
    [
        ({}, "email", "remove"),  # what has no word is removed
        ({}, "state", "keep"),  # unless it is not personal
        ({"default": "hash"}, "email", "hash"),
        ({"default": "keep", "direct": "mask"}, "email", "mask"),
        ({"direct": "keep", "email": "hash"}, "email_2", "hash"),  # the type before the class
        ({"phone": "hash", "phone_*": "mask"}, "phone_1", "mask"),  # a glob before the type
        ({"phone_*": "remove", "phone_2": "keep"}, "phone_2", "keep"),  # the id before a glob
        ({"phone_*": "mask", "*_1": "hash"}, "phone_1", "hash"),  # of two as close the stricter
        ({"default": "redact"}, "ip_address", "remove"),  # a closed type has no text to redact
        ({"default": "redact"}, "comments", "redact"),
        ({"default": "keep", "price": "remove"}, "revenue", "remove"),  # the same column under another id
        ({"default": "keep", "state": "remove"}, "state", "remove"),
        ({"default": "keep", "appended": "remove"}, "appended.geo.lat", "remove"),  # inside of an object
        ({"default": "keep", "appended": "remove"}, "appended.anura.result", "keep"),
    ],
)
def test_the_closest_word_holds(pii: dict[str, str], id: str, word: str) -> None:
    assert treated(pii, id) == word


@pytest.mark.parametrize(
    ("dataset", "id"), [("events", "lead.email"), ("events", "lead.phone_1"), ("reports", "email")]
)
def test_a_word_holds_in_every_dataset(dataset: str, id: str) -> None:
    name = id.removeprefix("lead.")
    assert treated({"default": "keep", name: "hash"}, id, dataset) == "hash"


def test_a_part_can_be_removed_whatever_becomes_of_the_value() -> None:
    part = LEADS.find("email.domain")
    assert isinstance(part, Component)
    assert Grant(pii=((("email.domain", "remove"),),)).removes(part, LEADS)
    assert Grant(pii=((("email.*", "remove"),),)).removes(part, LEADS)
    assert not Grant(pii=((("email", "remove"),),)).removes(part, LEADS)


@pytest.mark.parametrize(
    ("kind", "place", "allowed"),
    [
        ("email", "Ana@Acme.example", True),
        ("email", "ana@acme.example.evil.example", False),
        ("s3", "acme-exports/daily/x", True),
        ("s3", "acme-exports-2/x", False),
        ("sftp", "SFTP.acme.example", True),
        ("webhook", "https://hooks.acme.example/in", True),
        ("webhook", "https://hooks.acme.example.evil.example/in", False),
        ("webhook", "", False),
        ("folder", "analytics/x/y", True),
        ("folder", "other/analytics/x", False),
        ("download", "", True),
        ("carrier pigeon", "", False),
    ],
)
def test_files_go_only_where_the_role_says(kind: str, place: str, allowed: bool) -> None:
    some = Destinations(
        email=("*@acme.example",),
        s3=("acme-exports/*",),
        sftp=("sftp.acme.example",),
        webhook=("https://hooks.acme.example/*",),
        folder=("analytics/*",),
        download=True,
    )
    assert Grant(destinations=(some,)).delivers_to(kind, place) is allowed
    assert Grant(destinations=(some, Destinations())).delivers_to(kind, place) is False
    assert EVERYTHING.delivers_to(kind, place)
