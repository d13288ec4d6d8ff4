"""Schedules: words and cron lines in, cron lines of at most one tick a day out."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from cronsim import CronSim

from export_pipelines.definition.schedule import ScheduleFault, read_schedule
from export_pipelines.errors import DefinitionError
from export_pipelines_tests.definition.conftest import Load


@pytest.mark.parametrize(
    ("words", "cron"),
    [
        ("daily", "0 0 * * *"),
        ("daily at 02:00", "0 2 * * *"),
        ("Daily  at 2:05", "5 2 * * *"),
        ("weekly", "0 0 * * 0"),
        ("weekly on monday", "0 0 * * 1"),
        ("weekly at 06:30", "30 6 * * 0"),
        ("weekly on Sat at 23:59", "59 23 * * 6"),
        ("monthly", "0 0 1 * *"),
        ("monthly on 15", "0 0 15 * *"),
        ("monthly on day 28 at 06:30", "30 6 28 * *"),
        ("monthly on 1st at 02:00", "0 2 1 * *"),
        ("30 2 * * 1-5", "30 2 * * 1-5"),
        ("00 02 1 JAN *", "0 2 1 jan *"),
        ("0 2 29 2 *", "0 2 29 2 *"),
        ("5 4 1,15 * *", "5 4 1,15 * *"),
    ],
)
def test_words_and_cron_lines_become_a_cron_line(words: str, cron: str) -> None:
    assert read_schedule(words).cron == cron


@pytest.mark.parametrize(
    "words", ["daily", "weekly on fri at 05:00", "monthly on 28", "0 2 1,2 * mon", "7 3 */9 * *"]
)
def test_no_two_ticks_are_less_than_a_day_apart(words: str) -> None:
    ticks = CronSim(read_schedule(words).cron, datetime(2024, 1, 1, tzinfo=UTC))
    assert all(later - earlier >= timedelta(days=1) for earlier, later in pairwise(islice(ticks, 200)))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("hourly", "at most once a day"),
        ("every 6 hours", "at most once a day"),
        ("every hour", "at most once a day"),
        ("every 15min", "at most once a day"),
        (
            "every monday 2am",
            '^a schedule is expected, not "every monday 2am"; allowed: daily, weekly, monthly, .* cron line of 5 fields',
        ),
        ("every 2 days", '^a schedule is expected, not "every 2 days"; allowed: daily'),
        ("every month", '^a schedule is expected, not "every month"; allowed: daily'),
        ("0 */6 * * *", "more often than once a day"),
        ("*/5 2 * * *", "more often than once a day"),
        ("0 2,14 * * *", "more often than once a day"),
        ("* * * * *", "more often than once a day"),
        ("0 0 31 2 *", "day-of-month"),
        ("0 0 30 feb *", "day-of-month"),
        ("60 0 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("*/61 2 * * *", "longer than the field"),
        ("0 2 */2 * mon", "not both"),
        ("0 2 * * L", "not read here"),
        ("0 2 * *", "5 fields"),
        ("0 0 2 * * *", "5 fields"),
        ("@daily", "without the @"),
        ("daily on monday", "has no day"),
        ("daily at 24:00", "time of day"),
        ("daily at 2", "time of day"),
        ("weekly on munday", 'did you mean "sunday"'),
        ("monthly on 0", "day of the month"),
        ("monthly on 31", "skip the months"),
        ("weakly", 'did you mean "weekly"'),
        ("", "allowed: daily, weekly, monthly"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(words: str, text: str) -> None:
    with pytest.raises(ScheduleFault, match=text):
        read_schedule(words)


@pytest.mark.parametrize("cadence", ["daily", "weekly", "monthly"])
def test_a_schedule_in_words_is_also_the_partition(load: Load, cadence: str) -> None:
    assert load(f"schedule: {cadence}").partition == cadence


@pytest.mark.parametrize(
    "lines", ["schedule: 0 2 * * *", "schedule: daily\nfilter: {last: 30 days}", "description: by hand"]
)
def test_without_a_cadence_in_words_or_with_its_own_span_an_export_has_no_partition(
    load: Load, lines: str
) -> None:
    assert load(lines).partition is None


def test_a_schedule_may_be_finer_than_the_partition(load: Load) -> None:
    definition = load("schedule: daily\npartition: monthly")
    assert (definition.schedule, definition.partition) == ("0 0 * * *", "monthly")


def test_a_schedule_may_be_coarser_than_the_partition_since_no_window_is_left_out(load: Load) -> None:
    definition = load("schedule: monthly\npartition: weekly")
    assert (definition.schedule, definition.partition) == ("0 0 1 * *", "weekly")


def test_a_schedule_says_how_long_a_window_that_failed_is_tried_again(load: Load) -> None:
    assert load("schedule: daily at 02:00").retry_for == "3 days"
    definition = load("schedule: {when: daily at 02:00, retry_for: 1 week}")
    assert (definition.schedule, definition.partition, definition.retry_for) == (
        "0 2 * * *",
        "daily",
        "1 week",
    )


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        ("{when: hourly}", "schedule.when: an export runs at most once a day"),
        ("{retry_for: 1 week}", 'schedule: the key "when" is missing'),
        ("{when: daily, retry_for: 5 hours}", "schedule.retry_for: a span of time is expected"),
        ("{when: daily, retries: 3}", 'schedule: unknown key "retries"'),
    ],
)
def test_a_schedule_with_a_wrong_key_names_it(load: Load, schedule: str, fault: str) -> None:
    with pytest.raises(DefinitionError, match=fault):
        load(f"schedule: {schedule}")
