"""What cannot be imported, as a whole or row by row, changes nothing else."""

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from export_pipelines.catalog import load_catalog
from export_pipelines.errors import CatalogError, ImportFileError, StoreError
from export_pipelines.importer.import_csv import import_leads
from export_pipelines.importer.mapping import Mapping, Target, mapping_of
from export_pipelines.lead_store.tables import metadata
from export_pipelines.settings import driver_url
from export_pipelines_tests.importer.room import MAP, Room


@pytest.mark.parametrize(
    ("content", "mapping", "message"),
    [
        ("", MAP, r"in\.csv: the file is empty"),
        ("when,reff\n", MAP, r'unknown column "ref"; did you mean "reff"\?'),
        ("when,ref,ref\n", MAP, 'the file has 2 columns named "ref"'),
        ("when,ref\n", Mapping({"when": Target("submited_at")}), r'did you mean "submitted_at"\?'),
        ("when,ref\n", Mapping({"ref": Target("reference")}), 'nothing fills "submitted_at"'),
        ("when,ref\n", Mapping({"when": Target("submitted_at"), "ref": Target("submitted_at")}), "filled 2 times"),
        ("when,ref\n", Mapping(MAP.columns, {"outcome": "sold"}), 'the constant "outcome": not an outcome'),
        ("when,ref\n", Mapping(MAP.columns, {"reference": "x"}), '"reference" is filled 2 times'),
        ("when,ref,x\n", Mapping(MAP.columns | {"x": Target("custom.A-b")}), r"a custom field is custom\.NAME"),
        ("when,ref,x\n", Mapping(MAP.columns | {"x": Target("custom.homeowner", type="date")}), "declares"),
        ("when,ref,Email,email\n", MAP, '"email" is filled 2 times, by the column "Email" and the column "email"; map one'),
        ("when,ref,SSN,Social Security\n", MAP, '"ssn" is filled 2 times'),
        ("when,ref,mail,E-Mail\n", Mapping(MAP.columns | {"mail": Target("email")}), 'the column "mail" and the column "E-Mail"'),
        ("when,ref,City\n", Mapping(MAP.columns, {"city": "Austin"}), 'the column "City" and a constant'),
        ("when,ref,Product Type,product_type\n", MAP, r'"custom\.product_type" is filled 2 times'),
        ("when,ref,a b,A-B\n", Mapping(MAP.columns | {"AB": Target("city")}), 'the file has 2 columns named "AB"'),
        ("when,ref\n", Mapping(MAP.columns | {"When": Target("delivered_at")}), 'the column "when" twice, as "when" and "When"'),
        ("when,ref,SSN\n", Mapping(MAP.columns | {"SSN": Target("campaign_id")}), '"SSN" names a value of type ssn, which is never exported, but campaign_id is exported'),
        ("when,ref,SSN\n", Mapping(MAP.columns | {"SSN": Target("custom.a", type="text")}), r"custom\.a is declared as text"),
        ("when,ref,pwd\n", Mapping(MAP.columns | {"pwd": Target("custom.product_type")}), r"type credential, which is never exported, but custom\.product_type"),
        ('when,"ref', MAP, r"in\.csv:1: the header cannot be read"),
        (b"when,\xff\n", replace(MAP, encoding="utf-8"), r"in\.csv:1: the header cannot be read"),
        (b"when,ref\n2024-01-15,Mu\xf1oz\n2024-01-16,Fran\xe8ois\n", MAP, r"its encoding cannot be told.*--encoding cp125"),
        ("when,ref;x\n", MAP, r"what parts its cells cannot be told: comma or semicolon"),
        ("when,ref\n1/2/2024,1\n3/4/2024,2\n", MAP, r"\"when\" are written as 1/2/2024.*no row has a day after the 12th.*--dates"),
        ("when,ref\n13/2/2024,1\n3/14/2024,2\n", MAP, "line 2 is day first and line 3 is month first"),
    ],
)  # fmt: skip
def test_an_unusable_file_or_mapping_writes_nothing(
    room: Room, content: str | bytes, mapping: Mapping, message: str
) -> None:
    with pytest.raises(ImportFileError, match=message):
        room.load(content, mapping)
    assert [path.name for path in room.folder.iterdir()] == ["in.csv"]


def test_the_reject_file_never_replaces_the_import_file(room: Room) -> None:
    room.reject = room.file
    with pytest.raises(ImportFileError, match="would replace"):
        room.load("when,ref\nnever,1\n")
    assert room.file.read_text() == "when,ref\nnever,1\n"


def test_an_import_that_stops_midway_leaves_the_store_as_it_was(room: Room) -> None:
    room.load("when,ref\n2024-01-15,before\n")
    before = room.rows("SELECT * FROM leads")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room.load("when,ref,new\n2024-01-16,1,x\nnever,2,x\n", progress=stop, catalog_out=room.catalog)
    assert room.rows("SELECT * FROM leads") == before
    assert sorted(path.name for path in room.folder.iterdir()) == ["in.csv", "leads.db"]


def test_a_catalog_that_cannot_be_extended_stops_the_import(room: Room) -> None:
    room.catalog.write_text("extends: shipped\ndatasets: {}\n")
    with pytest.raises(CatalogError, match="by hand"):
        room.load("when,ref,new\n2024-01-16,1,x\n", catalog_out=room.catalog)
    assert room.rows("SELECT name FROM sqlite_master") == []


def test_what_stands_in_the_catalog_stays(room: Room) -> None:
    room.load("when,ref,first\n2024-01-16,1,x\n", catalog_out=room.catalog)
    edited = room.catalog.read_text().replace("type: text, pii: direct", "type: text, pii: none  # looked at")
    edited = edited.replace('# looked at, label: "first"}', ', label: "first"}  # looked at')
    room.catalog.write_text(edited)
    room.load("when,ref,second\n2024-01-16,2,x\n", catalog_out=room.catalog)
    dataset = load_catalog(room.catalog).dataset("leads")
    assert [(dataset.find(id).pii) for id in ("custom.first", "custom.second")] == ["none", "direct"]
    assert "# looked at" in room.catalog.read_text()


def test_a_folder_that_cannot_be_written_is_named(room: Room) -> None:
    (room.folder / "wall").write_text("")
    room.reject = room.folder / "wall" / "rejects.csv"
    with pytest.raises(StoreError, match="cannot write the reject file"):
        room.load("when,ref\n2024-01-16,1\n")


OBJECTS = {
    '{""a"": ""\\ud83d""}': "JSON with half a character",
    '{""\\ud83d"": 1}': "JSON with half a character",
    '{""a"": ""\\u0000""}': "JSON with a NUL character",
    '{""a"": 1e999999999999999999999}': "a number beyond all exponents",
    '{""a"": 1e999999999}': "a number of more than 1,000 digits",
    '{""a"": ' + "9" * 5000 + "}": "a number of more than 1,000 digits",
    '{""a"": ' * 500 + "1" + "}" * 500: "JSON of more than 30 levels",
    '{""a"": ' + "[" * 50_000 + "]" * 50_000 + "}": "JSON of more than 30 levels",
    '{""a"": NaN}': "not JSON",
    "{": "not JSON",
}


@pytest.mark.parametrize("written", OBJECTS, ids=list(OBJECTS.values()))
def test_an_object_that_databases_cannot_hold_or_read_is_rejected_alone(room: Room, written: str) -> None:
    result = room.load(f'when,ref,appended\n2024-01-15,1,"{written}"\n2024-01-15,2,"{{""a"": 1.10}}"\n')
    assert (result.loaded, result.rejected) == (1, 1)
    assert OBJECTS[written] in room.rejects()[0][1]
    assert room.rows("SELECT appended FROM leads") == [('{"a":1.10}',)]


def test_a_row_that_the_store_refuses_is_rejected_alone(room: Room, mariadb_url: str) -> None:
    long = "x" * 70_000  # a TEXT of MariaDB holds 65,535 bytes
    engine = create_engine(mariadb_url.replace("mariadb", "mysql+pymysql", 1))
    metadata.drop_all(engine)
    room.file.write_text(
        f"when,ref,comments,source.name\n2024-01-15,1,a,Web\n2024-01-15,2,{long},Web\n2024-01-15,3,b,{long}\n2024-01-15,4,c,\n"
    )
    result = import_leads(room.file, MAP, mariadb_url, room.reject)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT reference, comments FROM leads ORDER BY reference")).all()
    assert [tuple(row) for row in rows] == [("1", "a"), ("4", "c")]
    assert (result.loaded, result.rejected) == (2, 2)
    assert all("the store refuses it: DataError" in why for _, why, _ in room.rejects())


def test_a_row_that_the_store_refuses_keeps_its_id_from_no_other(room: Room, mariadb_url: str) -> None:
    """Neither from one of the same file, nor from the row itself once it was corrected."""
    id, long = "65a5051500000000000000aa", "x" * 70_000
    mapping, engine = mapping_of(["when=submitted_at"]), create_engine(driver_url(mariadb_url))
    metadata.drop_all(engine)
    room.file.write_text(f"when,lead_id,comments\n2024-01-15,{id},{long}\n2024-01-15,{id},short\n")
    result = import_leads(room.file, mapping, mariadb_url, room.reject)
    assert (result.loaded, result.rejected) == (1, 1)
    metadata.drop_all(engine)
    room.file.write_text(f"when,lead_id,comments\n2024-01-15,{id},{long}\n")
    for content, loaded in ((long, 0), ("corrected", 1)):
        room.file.write_text(f"when,lead_id,comments\n2024-01-15,{id},{content}\n")
        result = import_leads(room.file, mapping, mariadb_url, room.reject, is_numbered=True)
        assert (result.loaded, result.rejected) == (loaded, 1 - loaded)
