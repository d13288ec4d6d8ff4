"""Reports in the builder: the form, the keys that it makes, and the preview of them."""

import re
from html import unescape

import pytest
import yaml

from export_pipelines.catalog.metrics import METRICS, metrics_over
from export_pipelines_tests.service.pages.browsing import Visitor, signed_in
from export_pipelines_tests.service.serving import Served

REPORT = (("type", "report"), ("over", "events"), ("metric", "leads"), ("metric", "revenue"))
BY_SOURCE = (*REPORT, ("group", "source.name"), ("group", ""), ("totals", "on"), ("fill", "on"))


def written(visitor: Visitor, *fields: tuple[str, str]) -> dict[str, object]:
    """The keys of the file that the form makes."""
    text = visitor.post("/ui/new", [*fields, ("action", "yaml")]).text
    keys: dict[str, object] = yaml.safe_load(text)
    return keys


def cells(text: str) -> list[list[str]]:
    """The preview's rows."""
    rows = re.findall(r"<tr>(.*?)</tr>", text.partition("<tbody>")[2].partition("</tbody>")[0], re.DOTALL)
    return [re.findall(r"<td>(.*?)</td>", row) for row in rows]


def test_a_report_of_each_source_is_previewed(paged: Served) -> None:
    text = signed_in(paged).preview(*BY_SOURCE)
    rows = cells(text)
    assert re.findall(r'<th scope="col">(\w+)', text) == ["source_name", "is_total", "leads", "revenue"]
    assert rows[-1][1] == "true"
    assert sum(int(row[2]) for row in rows[:-1]) == int(rows[-1][2]) > 0


def test_the_form_makes_the_keys_of_a_report(paged: Served) -> None:
    visitor = signed_in(paged)
    assert written(visitor, *BY_SOURCE) == {
        "type": "report",
        "format": "csv",
        "metrics": ["leads", "revenue"],
        "group_by": ["source.name"],
        "totals": True,
        "filter": {"last": "7 days"},
    }
    more = (("every", "week"), ("pivot", "every"), ("time_basis", "submission"))
    keys = written(visitor, *REPORT, ("group", "recipient.name"), ("group", "state"), *more)
    assert {key: keys.get(key) for key in ("group_by", "every", "fill", "pivot", "time_basis", "totals")} == {
        "group_by": ["recipient.name", "state"],
        "every": "week",
        "fill": False,
        "pivot": "week",
        "time_basis": "submission",
        "totals": None,
    }
    keys = written(visitor, *BY_SOURCE, ("group", "state"), ("pivot", "1"))
    assert keys["pivot"] == "state"
    over_leads = [(name, "leads" if name == "over" else value) for name, value in BY_SOURCE]
    assert written(visitor, *over_leads)["over"] == "leads"


@pytest.mark.parametrize(
    ("fields", "section"),
    [
        ((("type", "report"), ("over", "events")), "fields"),
        ((*REPORT, ("pivot", "0")), "groups"),
        ((*REPORT, ("pivot", "every")), "groups"),
        ((*REPORT, ("pivot", "<script>")), "groups"),
        ((*REPORT, ("group", "email")), "groups"),
        ((*REPORT, ("group", "state"), ("group", "state")), "groups"),
        ((*REPORT, ("metric", "no_such")), "fields"),
        ((*REPORT, ("every", "day"), ("group", "weekday")), "groups"),
        ((*REPORT, ("every", "century")), "groups"),
        ((("type", "report"), ("over", "leads"), ("metric", "events")), "fields"),
    ],
)
def test_what_is_wrong_is_said_where_it_is_mended(
    paged: Served, fields: tuple[tuple[str, str], ...], section: str
) -> None:
    text = signed_in(paged).preview(*fields)
    assert f'<a href="#{section}">' in text
    assert f'id="{section}"' in text
    assert "<script>" not in text


def test_another_type_shows_what_it_has_and_begins_with_numbers(paged: Served) -> None:
    visitor = signed_in(paged)
    condition = (("lhv", "delivered_at"), ("op", "is not blank"), ("rhv", ""), ("lhv", "state"))
    more = (("op", "is equal to"), ("rhv", "TX"))
    text = unescape(visitor.post("/ui/new", [("type", "report"), *condition, *more, ("action", "type")]).text)
    assert re.findall(r'name="metric" value="(\w+)" checked', text) == ["leads", "cost", "revenue", "margin"]
    assert text.count('name="lhv"') == 1  # events have no time of delivery
    assert 'value="TX"' in text
    assert 'value="phone_1"' in visitor.post("/ui/new", {"type": "lead", "action": "type"}).text
    assert 'value="wait_ms"' in visitor.post("/ui/new", {"type": "event", "action": "type"}).text


@pytest.mark.parametrize("over", ["events", "leads"])
def test_all_numbers_that_there_are_can_be_chosen(paged: Served, over: str) -> None:
    text = signed_in(paged).post("/ui/new", {"type": "report", "over": over, "action": "type"}).text
    offered = set(re.findall(r'name="metric" value="(\w+)"', text))
    assert offered == set(metrics_over("leads" if over == "leads" else "events")) <= set(METRICS)
    assert len(offered) > 10


def test_no_person_can_be_grouped_by(paged: Served) -> None:
    text = signed_in(paged).post("/ui/new", {"type": "report", "over": "leads", "action": "type"}).text
    menu = text.partition('id="group-0"')[2].partition("</select>")[0]
    offered = set(re.findall(r'<option value="([\w.]+)"', menu))
    assert {"state", "source.name", "email.domain", "weekday"} <= offered
    assert not {"email", "phone_1", "last_name", "lead_id", "day"} & offered
