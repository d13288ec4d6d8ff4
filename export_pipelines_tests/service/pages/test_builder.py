"""The builder's form: what it makes, what it refuses, and saving it as a file."""

import re
from html import unescape

import pytest
import yaml

from export_pipelines.definition import load_definition
from export_pipelines.service.pages.builder_form import PRESETS, Choices, Condition
from export_pipelines_tests.service.pages.browsing import signed_in
from export_pipelines_tests.service.serving import Served

TEXAS = (("lhv", "state"), ("op", "is equal to"), ("rhv", "TX"))
SOME = (("fields", "chosen"), ("field", "lead_id"), ("field", "email"), ("treat.email", "mask"))


def test_the_preview_is_masked_as_the_file(paged: Served) -> None:
    text = signed_in(paged).preview(*SOME, *TEXAS)
    assert re.search(r"<td>[^<@]*\*[^<]*</td>", text), text
    assert re.search(r"\d+ rows?</strong>", text)


def test_what_cannot_be_exported_is_said_where_it_is_mended(paged: Served) -> None:
    visitor = signed_in(paged)
    cases = {
        "fields": (("fields", "chosen"),),
        "window": (("window", "dates"), ("first", "2024-02-31")),
        "conditions": (("lhv", "price"), ("op", "is greater than"), ("rhv", "much")),
        "place": (("place", "email"), ("email", "nobody")),
    }
    for section, fields in cases.items():
        text = visitor.preview(*fields)
        assert f'<a href="#{section}">' in text, section
        assert f'id="{section}"' in text, section
    assert '<a href="#window">' in visitor.preview(("last", "many"))


def test_conditions_are_added_and_dropped_without_script(paged: Served) -> None:
    visitor = signed_in(paged)
    text = visitor.post("/ui/new", [*TEXAS, ("action", "add:delivered leads")]).text
    assert text.count('name="lhv"') == 2
    assert 'value="delivered_at" data-type="timestamp" selected' in text
    dropped = visitor.post("/ui/new", [*TEXAS, *TEXAS, ("action", "drop:0")]).text
    assert dropped.count('name="lhv"') == 1
    assert 'value="TX"' in dropped


def test_a_form_sent_twice_runs_once(paged: Served) -> None:
    visitor = signed_in(paged)
    fields = [*TEXAS, ("once", "a1b2"), ("action", "run")]
    first, second = visitor.post("/ui/new", fields), visitor.post("/ui/new", fields)
    assert first.url == second.url
    assert visitor.post("/ui/new", [*fields, ("last", "3")]).url != first.url


def test_the_yaml_is_an_export(paged: Served) -> None:
    visitor = signed_in(paged)
    answer = visitor.post(
        "/ui/new", [*SOME, *TEXAS, ("format", "xlsx"), ("header", "labels"), ("action", "yaml")]
    )
    assert "attachment" in answer.headers["Content-Disposition"]
    assert yaml.safe_load(answer.text) == {
        "type": "lead",
        "format": {"xlsx": {"header": "labels"}},
        "fields": ["lead_id", "email"],
        "filter": {"last": "7 days", "rules": [{"lhv": "state", "op": "is equal to", "rhv": "TX"}]},
        "privacy": {"email": "mask"},
    }


def test_personal_fields_beside_a_treated_one_get_their_word(paged: Served) -> None:
    visitor = signed_in(paged)
    more = (("field", "phone_1.line"), ("field", "city"), ("field", "email.domain"))
    answer = visitor.post("/ui/new", [*SOME, *more, ("action", "yaml")])
    assert yaml.safe_load(answer.text)["privacy"] == {"email": "mask", "phone_1": "keep", "city": "keep"}
    assert "</strong>" in visitor.preview(*SOME, *more)


def test_personal_data_of_all_fields_get_one_treatment(paged: Served) -> None:
    visitor = signed_in(paged)
    for fields in ("all", "required"):
        chosen = (("fields", fields), ("personal", "mask"))
        answer = visitor.post("/ui/new", [*chosen, ("action", "yaml")])
        assert yaml.safe_load(answer.text)["privacy"] == dict.fromkeys(
            ("direct", "sensitive", "indirect"), "mask"
        )
    text = visitor.preview(("fields", "all"), ("personal", "mask"))
    assert "</strong>" in text
    assert not re.search(r"<td>[^<*]+@", text)
    answer = visitor.post("/ui/new", [("personal", "mask"), ("action", "yaml")])
    assert "privacy" not in yaml.safe_load(answer.text)  # there are none


def test_what_the_machine_lacks_is_said_beside_the_form(paged: Served) -> None:
    text = signed_in(paged).preview(("fields", "all"), ("personal", "tokenize"))
    assert "MASTER_KEY" in text
    assert "Which fields" in text


def test_days_are_those_that_the_form_says(paged: Served) -> None:
    choices = Choices(window="dates", first="2024-01-01", final="2024-01-31")
    body = choices.body(paged.project.catalog)
    assert (body["start"], body["end"]) == ("2024-01-01", "2024-02-01")


@pytest.mark.parametrize(
    ("condition", "rhv"),
    [
        (Condition("price", "is between", "1, 2.50"), ["1", "2.50"]),
        (Condition("state", "is included in", "TX,CA"), ["TX", "CA"]),
        (Condition("state", "is equal to", " TX "), "TX"),
        (Condition("state", "is blank", "left over"), None),
    ],
)
def test_values_of_lists_stand_between_commas(condition: Condition, rhv: object) -> None:
    assert condition.rule().get("rhv") == rhv


def test_what_is_asked_for_often_can_be_asked(paged: Served) -> None:
    visitor = signed_in(paged)
    for type, presets in PRESETS.items():
        for field, op, _ in presets.values():
            numbers = (("over", "events"), ("metric", "leads")) if type == "report" else ()
            text = visitor.preview(
                *numbers, ("type", type), ("lhv", field), ("op", op.value), ("rhv", "failure")
            )
            assert "This cannot be exported yet" not in text, (type, field)


def test_an_admin_saves_after_a_comparison(paged: Served) -> None:
    visitor = signed_in(paged)
    path = paged.project.settings.definitions / "of_the_page.yaml"
    first = visitor.post("/ui/save", [*TEXAS]).text
    text = unescape(re.findall(r"<textarea[^>]*>(.*?)</textarea>", first, re.DOTALL)[0])
    compared = visitor.post("/ui/save", {"name": "of_the_page", "yaml": text}).text
    assert "A new file" in compared
    assert not path.exists()
    before = re.findall(r'name="before" value="(\w+)"', compared)[0]
    fields = {"name": "of_the_page", "yaml": text, "before": before, "action": "write"}
    assert visitor.post("/ui/save", fields).url == f"{paged.url}/ui/exports/of_the_page"
    assert load_definition(path, paged.project.catalog).filter.last == "7 days"
    path.write_text(text + "description: changed meanwhile\n")
    again = visitor.post("/ui/save", {**fields, "yaml": text + "skip_empty: true\n"})
    assert again.status_code == 422
    assert "changed meanwhile" in again.text
    assert "skip_empty" not in path.read_text()
    path.unlink()


@pytest.mark.parametrize("name", ["../evil", "a/b", "A", "", ".hidden", "x" * 101])
def test_a_name_leads_to_no_other_file(paged: Served, name: str) -> None:
    visitor = signed_in(paged)
    before = sorted(paged.project.root.rglob("*.yaml"))
    visitor.post("/ui/save", {"name": name, "yaml": "type: lead\nformat: csv\n", "action": "write"})
    assert sorted(paged.project.root.rglob("*.yaml")) == before


def test_others_save_nothing(paged: Served) -> None:
    answer = signed_in(paged, "ana").post("/ui/save", {"name": "mine", "yaml": "type: lead\nformat: csv\n"})
    assert answer.status_code == 403
