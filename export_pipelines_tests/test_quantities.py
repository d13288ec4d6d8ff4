"""Sizes, counts and durations as people read them."""

import pytest

from export_pipelines.quantities import counted, duration, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.44, "0.4 s"),
        (99.9, "99.9 s"),
        (100, "2 min"),
        (5_999, "100 min"),
        (6_000, "2 h"),
        (172_799, "48 h"),
        (172_800, "2 days"),
        (91_488_559.9, "1,059 days"),
        (-3.0, "-3.0 s"),
    ],
)
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_sizes_and_counts() -> None:
    assert [size(number) for number in (812, 4_200_000, 5e12)] == ["812 B", "4.2 MB", "5,000.0 GB"]
    assert [counted(number, "row") for number in (0, 1, 1204)] == ["0 rows", "1 row", "1,204 rows"]
