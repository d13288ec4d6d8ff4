import json
import sys
from collections import Counter
from pathlib import Path

from .files import BYTES, leaves
from .persons import found_in

MOST = 3_000
Hit = dict[str, str]


def search(places: list[Path]) -> tuple[list[Hit], dict[str, Counter[str]], int]:
    """The hits in the files of these folders, at most MOST of a file and kind; how many there are, by file and kind;
    how many values were looked at."""
    hits: list[Hit] = []
    kinds: dict[str, Counter[str]] = {}
    count = 0
    files = (file for place in places for file in (sorted(place.rglob("*")) if place.is_dir() else [place]))
    for file in files:
        if not file.is_file():
            continue
        counted = kinds.setdefault(str(file), Counter())
        for id, where, text in leaves(file.name, file.read_bytes()):
            count += 1
            for kind, person in found_in(text, where != BYTES):
                counted[kind] += 1
                if counted[kind] <= MOST:
                    place = {"file": str(file), "row": id, "path": where, "value": text[:300]}
                    hits.append({"kind": kind, "person": person, **place})
    return hits, kinds, count


def main() -> None:
    hits, kinds, count = search([Path(word) for word in sys.argv[1:]])
    json.dump({"values": count, "kinds": kinds, "hits": hits}, sys.stdout)


if __name__ == "__main__":
    main()
