"""A reader of delivered files who knows nothing of the program: it applies one artifact after the other to what it has."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]


def rows_in(name: str, data: bytes) -> list[Row]:
    """The rows of one file, by its name."""
    if name.endswith(".parquet"):
        rows: list[Row] = pq.read_table(pa.BufferReader(data)).to_pylist()
        return rows
    text = data.decode()
    if name.endswith(".ndjson"):
        return [json.loads(line) for line in text.split("\n") if line]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def canonical(rows: dict[Any, Row], form: str) -> bytes:
    """The set of rows in one order, as bytes of its format."""
    ordered = [rows[key] for key in sorted(rows)]
    if form == "parquet":
        buffer = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(ordered), buffer)
        return bytes(buffer.getvalue())
    if form == "ndjson":
        return "".join(json.dumps(row) + "\n" for row in ordered).encode()
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in ordered:
        writer.writerow([*row, *row.values()])
    return text.getvalue().encode()


class Reader:
    """Has `rows` by their key, which is those of artifact `has`; applies what arrives below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.rows, self.has = folder, dict[Any, Row](), ""
        self.full_sets: list[str] = []
        self._applied = set[str]()

    def catch_up(self) -> int:
        """Applies the artifacts that have arrived whole, in the order of their arrival; how many there were."""
        arrived = sorted(self.folder.rglob("*.manifest.json"), key=lambda file: file.stat().st_mtime_ns)
        new = [file.parent for file in arrived if str(file.parent) not in self._applied]
        for place in new:
            self.apply(place)
            self._applied.add(str(place))
        return len(new)

    def catch_up_with(self, artifact: str) -> None:
        """Goes back from `artifact` to the last full set, and applies what lies between."""
        chain, places = [artifact], self._places()
        while since := self._changes(places[chain[-1]]).get("since"):
            chain.append(since)
        for each in reversed(chain):
            self.apply(places[each])

    def _places(self) -> dict[str, Path]:
        files = self.folder.rglob("*.manifest.json")
        return {json.loads(file.read_bytes())["artifact"]: file.parent for file in files}

    def _changes(self, place: Path) -> Row:
        (file,) = place.glob("*.manifest.json")
        changes: Row = json.loads(file.read_bytes())["changes"]
        return changes

    def apply(self, place: Path) -> None:
        (file,) = place.glob("*.manifest.json")
        manifest = json.loads(file.read_bytes())
        changes = manifest["changes"]
        if not changes.get("since"):
            assert changes["full"], "a full set says why it is one"
            self.rows = {}
            self.full_sets.append(changes["full"])
        else:
            assert changes["since"] == self.has, "these changes are not for this set"
        counts = dict.fromkeys(("added", "changed", "removed"), 0)
        for part in manifest["parts"]:
            for row in rows_in(part["name"], (place / part["name"]).read_bytes()):
                change, key = row.pop("change"), row[changes["key"]]
                counts[change] += 1
                assert (key in self.rows) == (change != "added"), change
                if change == "removed":
                    del self.rows[key]
                else:
                    self.rows[key] = row
        assert counts == {name: changes[name] for name in counts}
        assert len(self.rows) == changes["set_rows"]
        self.has = manifest["artifact"]
