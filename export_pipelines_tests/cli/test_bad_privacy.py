"""Privacy that cannot be kept: one clear error with file and line, exit code 2, and nothing written."""

from collections.abc import Callable

import pytest

from export_pipelines_tests.conftest import Answer, Project

Terminal = Callable[..., Answer]

HEAD = "type: lead\nformat: csv\npartition: daily\nstart: 2024-01-01\n"
EVENTS = HEAD.replace("lead", "event").replace("csv", "json")
WINDOW = ("--partition", "2024-01-15")
COMMANDS = {
    "run": ("run", "bad", *WINDOW),
    "plan": ("plan", "bad", *WINDOW),
    "preview": ("preview", "bad", *WINDOW),
    "backfill": ("backfill", "bad", "--from", "2024-01-15", "--to", "2024-01-16"),
}
REFUSED = {
    "a free text without a word": (
        HEAD + "fields: [lead_id, email, comments, city]\nprivacy: {email: mask}\n",
        "exports/bad.yaml:6: personal data is treated here, so each exported field of personal data that people type "
        "needs a word; 2 without: comments, city; write these lines under `privacy`, or one line for a class (direct: redact); "
        "allowed: keep, redact, mask, tokenize, hash, remove:",
    ),
    "an object without a word": (
        HEAD + "fields: [lead_id, email, custom]\nprivacy: {email: mask}\n",
        "exports/bad.yaml:6: personal data is treated here",
    ),
    "a snapshot without a word": (
        EVENTS + "fields: [event_id, lead]\nprivacy: {email: mask}\n",
        "exports/bad.yaml:6: personal data is treated here",
    ),
    "redact on a date": (
        HEAD + "fields: [lead_id, dob]\nprivacy:\n  dob: redact\n",
        'exports/bad.yaml:7: "dob" is of type dob, a closed type: there is no text to redact '
        "(allowed: keep, mask, hash, tokenize, remove)",
    ),
    "redact on an id": (
        HEAD + "fields: [lead_id]\nprivacy: {lead_id: redact}\n",
        'exports/bad.yaml:6: "lead_id" is of type id, a closed type',
    ),
    "the exchange beside a masked phone": (
        HEAD + "fields:\n  - phone_1\n  - phone_1.area\n  - phone_1.exchange\nprivacy: {phone_1: mask}\n",
        'exports/bad.yaml:8: "phone_1.exchange" reveals what "mask" hides of phone_1 (leave it out; beside it may stand: '
        "area, country_code, is_tollfree, type, valid)",
    ),
    "a ZIP beside a masked one": (
        HEAD + "fields: [postal_code, postal_code.zip]\nprivacy: {postal_code: mask}\n",
        'exports/bad.yaml:5: "postal_code.zip" reveals what "mask" hides of postal_code',
    ),
    "two halves of a hidden postal code": (
        HEAD + "fields: [postal_code.outcode, postal_code.incode]\nprivacy: {postal_code: hash}\n",
        "exports/bad.yaml:5: postal_code.outcode and postal_code.incode together reveal postal_code, which is hidden "
        "(leave one of them out)",
    ),
    "a part that is removed beside its value": (
        HEAD + "fields: [email, email.domain]\nprivacy: {email: keep, email.user: remove}\n",
        'exports/bad.yaml:6: "email.user" removes email.user, but "email" is exported and reveals it',
    ),
    "a mask for a part": (
        HEAD + "fields: [email.user]\nprivacy: {email.user: hash}\n",
        'exports/bad.yaml:6: "email.user" names parts of a value; a part can be removed, not "hash"',
    ),
    "a word for a field that is not exported": (
        HEAD + "fields: [lead_id, state]\nprivacy:\n  email: hash\n",
        'exports/bad.yaml:7: "email" has no effect: nothing that it stands for is exported '
        "(take the line out, or name a field that `fields` chooses)",
    ),
    "a glob over nothing that is exported": (
        HEAD + "fields: [lead_id, state]\nprivacy: {phone_*: mask}\n",
        'exports/bad.yaml:6: "phone_*" has no effect',
    ),
    "a glob over a closed type": (
        HEAD + "fields: [lead_id, dob]\nprivacy: {dob*: hash}\n",
        'exports/bad.yaml:6: "dob*" has no effect: nothing that it stands for is exported; a glob and an object stand for '
        "personal data of open types only",
    ),
    "a word for a social security number": (
        HEAD + "fields: [lead_id]\nprivacy: {ssn: hash}\n",
        'exports/bad.yaml:6: privacy: "ssn" is never exported, hash or not; allowed: remove',
    ),
    "a word that is none": (
        HEAD + "fields: [email]\nprivacy: {email: redcat}\n",
        'exports/bad.yaml:6: privacy.email: unknown word "redcat"; did you mean "redact"?',
    ),
    "a key that names nothing": (
        HEAD + "fields: [email]\nprivacy: {directly: redact}\n",
        'exports/bad.yaml:6: privacy: unknown field "directly"',
    ),
}
by_refusal = pytest.mark.parametrize(("yaml", "text"), REFUSED.values(), ids=REFUSED)


@by_refusal
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_privacy_that_cannot_be_kept_is_refused_and_nothing_is_written(
    terminal: Terminal, project: Project, command: tuple[str, ...], yaml: str, text: str
) -> None:
    project.write("bad", yaml)
    before = project.tree()
    answer = terminal(*command)
    assert (answer.code, answer.stdout) == (2, ""), answer.stderr
    errors = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and errors[0].startswith(f"error: {text}"), answer.stderr
    assert project.tree() == before


@by_refusal
def test_check_refuses_the_same_privacy(terminal: Terminal, project: Project, yaml: str, text: str) -> None:
    project.write("bad", yaml)
    before = project.tree()
    answer = terminal("check")
    assert answer.code == 2 and f"error: {text}" in answer.stdout
    assert answer.stderr == "1 fault in 1 export\n"
    assert project.tree() == before
    assert terminal("check", "daily").code == 0


def test_the_lines_that_the_refusal_prints_make_the_export_run(terminal: Terminal, project: Project) -> None:
    fields = (
        "fields: [lead_id, email, first_name, comments, landing_page, user_agent, custom, city, phone_1]\n"
    )
    project.write("bad", f"{HEAD}{fields}privacy:\n  email: mask\n")
    refused = terminal(*COMMANDS["run"])
    lines = [line for line in refused.stderr.splitlines() if line.startswith("  ")]
    assert lines == [
        *(f"  {id}: redact" for id in ("first_name", "comments", "landing_page", "user_agent", "custom")),
        "  city: mask",  # redact would leave it as it is
        "  phone_1: redact",
    ]
    project.write("bad", "\n".join([f"{HEAD}{fields}privacy:", "  email: mask", *lines, ""]))
    assert terminal("check", "bad").code == 0
    assert terminal(*COMMANDS["run"]).code == 0


def test_a_word_for_a_class_makes_the_export_run(terminal: Terminal, project: Project) -> None:
    fields = "fields: [lead_id, email, first_name, comments, custom, city]\n"
    project.write("bad", f"{HEAD}{fields}privacy: {{direct: redact, sensitive: redact, indirect: keep}}\n")
    assert terminal(*COMMANDS["run"]).code == 0
