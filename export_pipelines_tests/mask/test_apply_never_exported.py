"""What is never exported goes out nowhere, with privacy and without."""

import json
from pathlib import Path

import pytest

from export_pipelines_tests.mask.leads import (
    masked,
    plan_of,
    row,
    shown,
    value,
)

SSN = "987-65-4321"


def test_a_social_security_number_of_the_lead_goes_out_nowhere_without_any_privacy() -> None:
    lead = {
        "ssn": SSN,
        "comments": f"my ssn is {SSN}",
        "custom": f'{{"note":"my ssn is {SSN}","SSN":"{SSN}","n":987654321}}',
    }
    assert row(lead, ["comments", "custom"], {}) == {
        "comments": "my ssn is ***",
        "custom": '{"note":"my ssn is ***","SSN":null,"n":null}',
    }


def test_a_social_security_number_in_the_snapshot_of_an_event_goes_out_nowhere_without_any_privacy() -> None:
    lead = {"comments": f"my ssn is {SSN}", "ssn": "987654321", "custom": {"SSN": SSN, "x": 987654321}}
    event = {"lead": json.dumps(lead), "lead.ssn": "987654321"}
    masked_lead = json.loads(row(event, ["lead"], {}, "event")["lead"])
    assert masked_lead == {"comments": "my ssn is ***", "ssn": None, "custom": {"SSN": None, "x": None}}


@pytest.mark.parametrize(
    "text",
    [f"hers is {SSN}", "hers is 987 65 4321", "987.65.4321", "987\u201165\u20114321", "９８７-６５-４３２１"],
)
def test_what_has_the_shape_of_a_social_security_number_goes_out_nowhere_whoever_it_belongs_to(
    text: str,
) -> None:
    for own in (None, "123-45-6789"):
        lead = {"comments": text, "ssn": own}
        assert value(lead, "comments", None) in ("hers is ***", "***")
        assert value({"custom": json.dumps({"note": text}), "ssn": own}, "custom", None) in (
            '{"note":"hers is ***"}',
            '{"note":"***"}',
        )


def test_each_row_loses_its_own_number_without_any_privacy() -> None:
    numbers = ["98765 4321", "12345 6789"]
    leads = [{"comments": text, "ssn": ssn} for text in numbers for ssn in ("987-65-4321", None, "123456789")]
    comments = [masked_row["comments"] for masked_row in shown(leads, ["comments"], {})]
    assert comments == ["***", numbers[0], numbers[0], numbers[1], numbers[1], "***"]


def test_a_kept_text_loses_what_is_never_exported_and_nothing_else() -> None:
    lead = {
        "comments": "Ann, ann@one.test, 987654321 or 123-45-6789",
        "ssn": "987-65-4321",
        "email": "a@b.co",
    }
    masked_row = row(lead, ["comments", "email"], {"comments": "keep", "email": "mask"})
    assert masked_row["comments"] == "Ann, ann@one.test, *** or ***"


CATALOG = """\
extends: shipped
datasets:
  leads:
    fields:
      member: {type: id, pii: indirect, group: Person, label: Member, column: campaign_id}
    custom:
      account: {type: id, pii: direct}
      points: {type: number, pii: direct}
"""


@pytest.mark.parametrize("privacy", [{}, {"custom": "redact"}, {"custom": "keep"}, {"custom": "mask"}])
def test_ids_of_persons_lose_a_number_that_is_never_exported_and_nothing_else(
    privacy: dict[str, str], tmp_path: Path
) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(CATALOG)
    plan = plan_of(["member", "custom"], privacy, catalog=catalog)
    own = {"member": SSN, "custom": f'{{"account":"{SSN}","points":987654321}}', "ssn": "987654321"}
    other = {"member": "5125550142", "custom": '{"account":"5125550142","points":512}', "ssn": "987654321"}
    masked_rows = masked(plan, [own, other]).frame.to_dicts()
    assert masked_rows[0] == {"member": "***", "custom": '{"account":"***","points":null}'}
    assert masked_rows[1] == {id: other[id] for id in ("member", "custom")}
