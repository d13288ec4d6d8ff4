"""Which rows of a file are the same lead, and which ids and names its leads and parties keep."""

from datetime import date

from export_pipelines.importer.mapping import Mapping, Target, mapping_of
from export_pipelines.sample import generate_leads
from export_pipelines_tests.importer.room import Room


def test_equal_rows_without_a_reference_are_several_leads(room: Room) -> None:
    content = "when,email\n" + "2024-01-15,a@example.com\n" * 3
    mapping = mapping_of(["when=submitted_at"])
    assert room.load(content, mapping).loaded == 3
    assert room.load(content, mapping).already_there == 3


def test_a_reference_that_comes_twice_is_rejected_with_both_lines(room: Room) -> None:
    room.load("when,ref,city\n2024-01-15,r1,Austin\n2024-01-15,r1,Dallas\n")
    assert room.rejects() == [(3, "the same reference, source and time as in line 2", "2024-01-15,r1,Dallas")]
    assert room.rows("SELECT city FROM leads") == [("Austin",)]


def test_the_same_reference_of_two_sources_is_two_leads(room: Room) -> None:
    content = "when,ref,source.name\n2024-01-15,r1,Web\n2024-01-15,r1,Phone\n"
    assert room.load(content).loaded == 2


def test_a_row_that_changed_since_the_last_import_is_rejected_by_name(room: Room) -> None:
    room.load("when,ref,city\n2024-01-15,r1,Austin\n")
    result = room.load("when,ref,city\n2024-01-15,r1,Dallas\n2024-01-15,r1,Austin\n")
    assert result.already_there == 1  # a row that is rejected takes no id
    assert result.rejected == 1
    assert "is in the store with another city" in room.rejects()[0][1]


def test_a_lead_id_of_the_file_is_kept(room: Room) -> None:
    id = "65a5051500000000000000aa"
    room.load(
        f"when,lead_id\n2024-01-15,{id}\n2024-01-16,{id}\n2024-01-17,ABC\n", mapping_of(["when=submitted_at"])
    )
    assert room.rows("SELECT lead_id FROM leads") == [(id,)]
    assert [reason for _, reason, _ in room.rejects()] == [
        "the same lead_id as in line 2",
        "lead_id: not an id; expected 24 digits 0-9 a-f",
    ]


def test_a_name_that_the_store_knows_keeps_its_id(room: Room) -> None:
    generate_leads(f"sqlite:///{room.store}", 5, 1, date(2024, 1, 1), 1)
    room.load("when,ref,recipient.name\n2024-01-15,1,Beta Bank\n")
    assert room.rows("SELECT count(*) FROM recipients WHERE name = 'Beta Bank'") == [(1,)]
    assert room.rows("SELECT count(*) FROM leads") == [(6,)]


def test_ids_and_names_of_a_party_may_both_be_given(room: Room) -> None:
    id = "0123456789abcdef01234567"
    room.load(f"when,ref,source_id,source_name\n2024-01-15,1,{id},Web\n2024-01-15,2,{id},Phone\n")
    assert room.rows("SELECT id, name FROM sources") == [(id, "Web")]
    assert [reason for _, reason, _ in room.rejects()] == ["source.id belongs to another source.name"]


def test_equal_rows_of_two_partners_are_two_leads(room: Room) -> None:
    for partner in ("A", "B", "A"):
        mapping = Mapping({"when": Target("submitted_at")}, {"source.name": partner})
        result = room.load("when,x\n2024-01-15,1\n", mapping)
        assert result.rejected == 0
    assert room.rows("SELECT count(*), count(DISTINCT source_id) FROM leads") == [(2, 2)]


def test_a_row_that_is_rejected_for_its_party_takes_no_id(room: Room) -> None:
    lead, party = "65a5051500000000000000aa", "0123456789abcdef01234567"
    rows = (
        f"2024-01-14,65a5051500000000000000ab,{party},Web",
        f"2024-01-15,{lead},{party},Phone",
        f"2024-01-15,{lead},{party},Web",
    )
    result = room.load(
        "when,lead_id,source_id,source_name\n" + "\n".join(rows) + "\n", mapping_of(["when=submitted_at"])
    )
    assert (result.loaded, result.rejected) == (2, 1)
    assert [line for line, _, _ in room.rejects()] == [3]
