"""Subjects, senders, names of attachments and headers: one line each, checked when they are read and when they are sent."""

from email import message_from_bytes
from email.policy import SMTP

import pytest

from export_pipelines.definition.destinations import EmailSettings
from export_pipelines.errors import DefinitionError, RequestError
from export_pipelines.templates import header_faults, header_text, require_header
from export_pipelines_tests.definition.conftest import Load

BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
CONTROLS = ["\x00", "\t", "\x07", "\x1b", "\x7f", "\x9f", "\u202e", "\u2066", "\ud800"]
ENCODED = ["=?utf-8?q?Bcc=3A_a=40b?=", "=?UTF-8?B?QmNj?=", "x =?iso-8859-1*en?Q?a?= y", "=??="]
FINE = ["Leads of {{date}}: {{rows}} = 100 %?", "Zürich, 東京 👩‍👩‍👧", "a=?b", "Why?= no", "?= =?"]


@pytest.mark.parametrize("bad", [*BREAKS, *CONTROLS], ids=ascii)
def test_what_breaks_a_line_or_controls_it_is_a_fault(bad: str) -> None:
    (fault,) = header_faults(f"private{bad}text")
    assert f"U+{ord(bad[0]):04X}" in fault and "private" not in fault
    with pytest.raises(RequestError, match="one line"):
        require_header(f"a{bad}b", "deliver.email.subject")


@pytest.mark.parametrize("bad", ENCODED)
def test_an_encoded_word_is_a_fault(bad: str) -> None:
    (fault,) = header_faults(bad)
    assert "encoded word" in fault


@pytest.mark.parametrize("text", FINE)
def test_what_people_write_is_fine(text: str) -> None:
    assert list(header_faults(text)) == []


@pytest.mark.parametrize("break_", BREAKS, ids=ascii)
def test_every_line_that_python_breaks_is_known(break_: str) -> None:
    """As str.splitlines knows them, which the mail library goes by."""
    assert len(f"a{break_}b".splitlines()) == 2


@pytest.mark.parametrize("bad", ["a\nBcc: x@evil.example", "a\u2028b", "=?utf-8?q?a=0ABcc=3A_x?="])
def test_an_alert_is_sent_whatever_its_subject_holds(bad: str) -> None:
    mail = message_from_bytes(f"Subject: {header_text(bad)}\n\n".encode(), policy=SMTP)
    assert list(mail) == ["Subject"] and list(header_faults(header_text(bad))) == []


@pytest.mark.parametrize(
    "line",
    [
        'naming: "leads\\u2028{{part}}.{{ext}}"',
        'naming: "=?utf-8?q?{{part}}?="',
        'deliver: [{email: {to: a@b.example, subject: "{{date}}\\vx"}}]',
        'deliver: [{email: {to: a@b.example, subject: "{{date}}\\N"}}]',
        'deliver: [{email: {to: a@b.example, subject: "{{\\u2029date}}"}}]',
        'deliver: [{email: {to: a@b.example, subject: "=?utf-8?q?{{date}}?="}}]',
        'deliver: [{email: {to: a@b.example, subject: "x", from: "=?utf-8?q?a?=@b.example"}}]',
        'deliver: [{email: {to: "\\"a\\tb\\"@b.example", subject: "x"}}]',
        'deliver: [{webhook: {url: "https://b.example/", headers: {"X-\u0130d": {env: X}}}}]',
        'deliver: [{webhook: {url: "https://b.example/", headers: {"X-A\\nB": {env: X}}}}]',
        'deliver: [{webhook: {url: "https://b.example/", headers: {Transfer-Encoding: {env: X}}}}]',
    ],
)
def test_a_definition_with_such_a_header_is_refused(load: Load, line: str) -> None:
    with pytest.raises(DefinitionError, match=r"\.yaml:\d+: "):
        load(line)


def test_the_wide_characters_of_names_stay(load: Load) -> None:
    (entry,) = load('deliver: [{email: {to: a@b.example, subject: "Zürich 👩‍👩‍👧 {{date}}"}}]').deliver
    assert isinstance(entry, EmailSettings) and entry.subject == "Zürich 👩‍👩‍👧 {{date}}"
