import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from export_pipelines.errors import RequestError
from export_pipelines.plan.window import window_between
from export_pipelines.plan.window_words import window_words
from export_pipelines.templates import (
    MAX_TEXT,
    PART_WORDS,
    check_template,
    part_template,
    plain,
    render,
    render_header,
    render_text,
    sandbox,
    template_faults,
    words_in,
)

WORDS = {
    "export": "Daily",
    "type": "lead",
    "ext": "csv.gz",
    **window_words(window_between("2024-01-05", "2024-01-06")),
}


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("leads_part_{{part}}.{{ext}}", "leads_part_7.csv.gz"),
        ("{{export | lower}}-{{date}}-{{ part | pad(3) }}.{{ext}}", "daily-2024-01-05-007.csv.gz"),
        ("{{year}}{{month}}{{day}}_{x}_{{part|upper}}.{{ext}}", "20240105_{x}_7.csv.gz"),
        ("{{key}}_{{start}}_{{end}}.{{ext}}", "2024-01-05_2024-01-06_2024-01-05_2024-01-06.csv.gz"),
    ],
)
def test_a_parts_name_is_open_only_for_its_number(template: str, name: str) -> None:
    assert part_template(template, WORDS).format(part=7) == name


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{dat}}", 'unknown word "dat"; did you mean "date"?'),
        ("{{run}}_{{part}}", 'unknown word "run"'),
        ("{{ date | replace('-', 'x') }}", 'unknown filter "replace"'),
        ("{{ 'x' * 1000000000 }}", "and the filters lower, upper, pad only, not mul"),
        ("{{ date.__class__ }}", "and the filters lower, upper, pad only, not getattr"),
        ("{{ date['__class__'] }}", "and the filters lower, upper, pad only, not getitem"),
        ("{% for x in date %}a{% endfor %}", "and the filters lower, upper, pad only, not for"),
        ("{{ range(9) }}", "and the filters lower, upper, pad only, not call"),
        ("{{ part | pad(1000) }}", "pad takes a number of digits from 1 to 12"),
        ("{{ date ~ date }}", "and the filters lower, upper, pad only, not concat"),
        ("{{ date", "a template holds words such as {{date}}"),
        ("{{ part", "a template holds words such as {{date}}"),
        ("a" * 600, "longer than the 500 allowed"),
        ("../{{part}}", "a plain file name"),
        ("x/{{part}}", "a plain file name"),
        (".{{part}}", "a plain file name"),
        ("   ", "a plain file name"),
        ("a\nb{{part}}", "without control characters and line separators; U+000A"),
        ("=?utf-8?q?{{part}}?=", "encoded word"),
        ("a\x00b{{part}}", "NUL"),
        ("é" * 150, "at most 200 bytes"),
    ],
)
def test_a_template_that_is_no_file_name_is_refused(template: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        part_template(template, WORDS)
    assert message in str(caught.value)


@given(value=st.text(max_size=20), other=st.text(max_size=20))
def test_no_value_makes_or_climbs_a_path(value: str, other: str) -> None:
    path = render("in/{{export}}/{{type}}{{key}}/x", {"export": value, "type": other, "key": value})
    assert path.count("/") == 3
    assert ".." not in path.split("/")
    assert "\\" not in path


@pytest.mark.parametrize("value", ["a\u2028b", "a\x85b", "=?utf-8?q?a?="])
def test_a_value_that_no_header_can_hold_is_refused(value: str) -> None:
    with pytest.raises(RequestError, match="a header") as caught:
        render_header("Leads: {{export}}", {"export": value}, "deliver.email.subject")
    assert caught.value.where == "deliver.email.subject"


def test_a_word_without_a_value_is_an_error_and_not_nothing() -> None:
    with pytest.raises(RequestError, match='unknown word "date"'):
        render("{{date}}", {})


def test_a_result_that_grows_too_long_is_refused() -> None:
    with pytest.raises(RequestError, match="more than 1000"):
        render("{{export}}" * 40, {"export": "x" * 100})


def test_the_words_allowed_are_the_callers() -> None:
    check_template("{{date}}", {"date"})
    with pytest.raises(RequestError, match='unknown word "part"'):
        check_template("{{date}}{{part}}", {"date"})


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{dte}}", 'unknown word "dte"; did you mean "date"?'),
        ("{{date | uper}}", 'unknown filter "uper"; did you mean "upper"?'),
        (
            "{{date",
            "a template holds words such as {{date}} and the filters lower, upper, pad only",
        ),
        ("a }} b", "a template holds words such as {{date}} and the filters lower, upper, pad only"),
        ("a {# note #}", "only, not a comment"),
        ("{{ 'text' }}", "only, not const"),
        ("{{ date | upper(1) }}", "only, upper takes no setting"),
        ("{{ date | pad(99) }}", "pad takes a number of digits from 1 to 12"),
        ("{{ date | pad(true) }}", "pad takes a number of digits from 1 to 12"),
        ("{{ date | pad(width=3) }}", "only, pad takes no setting"),
        ("{{" + "(" * 400 + "date", "a template holds words such as"),
        ("{{ date" + " | lower" * 11 + " }}", "at most 10 filters stand behind a word"),
    ],
)
def test_what_cannot_be_rendered_is_a_fault_when_it_is_read(template: str, fault: str) -> None:
    (text,) = template_faults(template, {"date"})
    assert fault in text


@pytest.mark.parametrize(
    "inside", ["date" + "|lower" * 1600, "(" * 4000 + "date" + ")" * 4000, "date" + "+date" * 1900]
)
def test_a_template_is_read_however_deep_it_is(inside: str) -> None:
    (text,) = template_faults("{{" + inside + "}}", {"date"}, MAX_TEXT)
    assert text


def test_a_text_may_be_all_words() -> None:
    text = "{{date}}" * (MAX_TEXT // 8)
    assert list(template_faults(text, {"date"}, MAX_TEXT)) == []
    assert render_text(text, {"date": "x"}) == "x" * (MAX_TEXT // 8)


def test_a_long_text_is_a_template_too() -> None:
    text = "word " * 1000 + "{{date}}"
    assert list(template_faults(text, {"date"})) != []
    assert list(template_faults(text, {"date"}, MAX_TEXT)) == []
    assert render_text(text, {"date": "2024-01-05"}).endswith("2024-01-05")


@given(st.text(alphabet="{}%#|() dateprx'\"3\n\x00", max_size=40))
def test_what_has_no_fault_is_rendered(template: str) -> None:
    if not list(template_faults(template, PART_WORDS)):
        assert words_in(template) <= PART_WORDS
        render_text(template, dict.fromkeys(PART_WORDS, "x"))


HOLES = st.tuples(
    st.sampled_from(["{{", "{{ ", "{{-", "{", "", "{{\n"]),
    st.sampled_from([*sorted(PART_WORDS), "true", "none", "dat", "date.x"]),
    st.lists(
        st.sampled_from(
            ["|lower", " | upper", "|pad", "| pad(3)", "|pad(13)", "|pad(0)", "|pad(02)", "|upper(1)", "|x"]
        )
    ),
    st.sampled_from(["}}", " }}", "-}}", "}", ""]),
).map(lambda parts: f"{parts[0]}{parts[1]}{''.join(parts[2])}{parts[3]}")


@example("{{{date}}}")
@example("{{date}}}")
@example("{{date|pad(02)}}")
@example("{{date|pad(00)}}")
@given(st.lists(HOLES | st.text(alphabet="{}%#-|a \r\n/", max_size=4), max_size=5).map("".join))
def test_a_plain_template_is_read_and_rendered_as_jinja_does(template: str) -> None:
    pieces = plain.pieces_of(template)
    if pieces is None:
        return
    words = {word: f"{word}-Ä {n}" for n, word in enumerate(sorted(PART_WORDS))}
    assert sandbox.words_and_faults(template) == (plain.words_of(pieces), ())
    assert sandbox.filled(template, words, "here") == plain.filled(pieces, words)


@pytest.mark.parametrize(
    "template", ["x", "", "{{date}}", "a/{{ export | lower }}_{{part|pad(3)}}.{{ext}}", "{x} {{key}}"]
)
def test_usual_templates_are_plain(template: str) -> None:
    assert plain.pieces_of(template) is not None
