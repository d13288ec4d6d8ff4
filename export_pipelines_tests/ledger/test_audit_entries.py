"""The audit's chain and its checkpoints, on SQLite and PostgreSQL.

AUDIT_ENTRIES=10000 in the environment writes so many at once instead of 200, EXAMPLES=10 manipulates ten times as often."""

import base64
import json
import os
import random
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretBytes

from export_pipelines.errors import RequestError
from export_pipelines.key_versions import KeyVersion
from export_pipelines.ledger import Ledger
from export_pipelines.ledger.checkpoint import Signer, open_note, public_pem
from export_pipelines.ledger.tables import audit
from export_pipelines.ledger.verify_audit import kept_notes, sign_checkpoint, verify_chain
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.preloaded import Process, ended

AT = datetime(2024, 2, 5, 8, 30, tzinfo=UTC)
SIGNER = Signer(KeyVersion(name="AUDIT_KEY", secret=SecretBytes(b"a" * 32), where=""))
WRITERS = 4
EACH = int(os.environ.get("AUDIT_ENTRIES", "200")) // WRITERS
WRITER = """\
import sys
from datetime import UTC, datetime
from export_pipelines.ledger import open_ledger

ledger = open_ledger(sys.argv[1])
for number in range(int(sys.argv[3])):
    ledger.record(f"writer {sys.argv[2]}", "run", f"daily/{number}", {"rows": number}, datetime.now(UTC))
"""


def fill(ledger: Ledger, count: int) -> None:
    for number in range(count):
        ledger.record("ana", "run", f"daily/{number}", {"rows": number}, AT + timedelta(seconds=number))


def test_entries_of_several_processes_at_once_are_one_chain(ledger: Ledger, url: str, tmp_path: Path) -> None:
    writers = [
        Process(["-c", WRITER, url, str(number), str(EACH)], tmp_path, child_environment())
        for number in range(WRITERS)
    ]
    assert [ended(writer) for writer in writers] == [""] * WRITERS
    state = verify_chain(ledger.engine)
    assert (state.size, state.faults) == (WRITERS * EACH, ())
    assert len({(entry.actor, entry.subject) for entry in ledger.audit()}) == WRITERS * EACH


Rows = list[dict[str, object]]


def changed(rows: Rows, chance: random.Random) -> int:
    at = chance.randrange(len(rows))
    key, value = chance.choice(
        [
            ("actor", "bo"),
            ("action", "plan"),
            ("subject", "weekly/1"),
            ("detail", {"rows": -1}),
            ("at", AT - timedelta(days=1)),
        ]
    )
    rows[at][key] = value
    return at


def cut(rows: Rows, chance: random.Random) -> int:
    at = chance.randrange(len(rows) - 1)
    del rows[at]
    return at


def put_in(rows: Rows, chance: random.Random) -> int:
    at = chance.randrange(1, len(rows))
    rows.insert(at, {**rows[at - 1], "subject": "nothing of this happened"})
    return at


def moved(rows: Rows, chance: random.Random) -> int:
    first = chance.randrange(len(rows) - 1)
    rows[first], rows[first + 1] = rows[first + 1], rows[first]
    return first


def at_the_end(rows: Rows, chance: random.Random) -> int:
    at = chance.randrange(1, len(rows))
    del rows[at:]
    return at


@pytest.mark.parametrize("manipulate", [changed, cut, put_in, moved, at_the_end])
def test_the_first_entry_that_was_manipulated_is_named(
    ledger: Ledger, manipulate: Callable[[Rows, random.Random], int]
) -> None:
    fill(ledger, 30)
    checkpoint = open_note(sign_checkpoint(ledger.engine, SIGNER, AT), SIGNER.public)
    with ledger.engine.begin() as connection:
        stored = [dict(row) for row in connection.execute(sa.select(audit).order_by(audit.c.id)).mappings()]
    for seed in range(examples(10)):
        rows = [dict(row) for row in stored]
        first = manipulate(rows, random.Random(seed))
        with ledger.engine.begin() as connection:
            connection.execute(sa.delete(audit))
            connection.execute(
                sa.insert(audit), [{**row, "id": number} for number, row in enumerate(rows, start=1)]
            )
        (fault, *_) = verify_chain(ledger.engine, [checkpoint]).faults
        assert f"entry {first + 1} " in fault, (seed, fault)


def test_an_audit_that_was_written_anew_does_not_bear_out_its_checkpoint(ledger: Ledger) -> None:
    fill(ledger, 5)
    checkpoint = open_note(sign_checkpoint(ledger.engine, SIGNER, AT), SIGNER.public)
    with ledger.engine.begin() as connection:
        connection.execute(sa.delete(audit))
    fill(ledger, 3)
    ledger.record("ana", "run", "another", {}, AT)
    ledger.record("ana", "run", "another", {}, AT)
    assert verify_chain(ledger.engine).faults == ()
    assert verify_chain(ledger.engine, [checkpoint]).faults == (
        "entry 5 or one before it was changed after the checkpoint of 2024-02-05 08:30:00 UTC",
    )


def test_a_checkpoint_is_kept_and_opens_with_its_key_alone(ledger: Ledger) -> None:
    fill(ledger, 3)
    note = sign_checkpoint(ledger.engine, SIGNER, AT)
    assert sign_checkpoint(ledger.engine, SIGNER, AT) == note
    assert kept_notes(ledger.engine) == [note]
    assert open_note(note, SIGNER.public).size == 3
    other = Signer(KeyVersion(name="AUDIT_KEY_2", secret=SecretBytes(b"b" * 32), where=""))
    for text, key in (
        (note, other.public),
        (note.replace("\n3\n", "\n4\n"), SIGNER.public),
        ("", SIGNER.public),
    ):
        with pytest.raises(RequestError, match="no checkpoint of this audit"):
            open_note(text, key)


def test_openssl_verifies_a_checkpoint(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 2)
    text, _, signature = sign_checkpoint(ledger.engine, SIGNER, AT).partition("\n\n")
    (tmp_path / "text").write_text(f"{text}\n")
    (tmp_path / "signature").write_bytes(base64.b64decode(signature.split()[-1])[4:])
    (tmp_path / "key.pem").write_text(public_pem(SIGNER.public))
    call = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in text -sigfile signature"
    done = subprocess.run(call.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "Signature Verified Successfully\n", done.stderr


def test_details_of_any_shape_are_hashed_as_they_are_read_again(ledger: Ledger) -> None:
    detail = {"b": (1, 2), "a": {"é": None, "x": [True, 1.5]}, "n": 10**18}
    ledger.record("ana", "run", "daily", detail, AT + timedelta(microseconds=7))
    assert verify_chain(ledger.engine).faults == ()
    assert ledger.audit()[0].detail == json.loads(json.dumps(detail))
