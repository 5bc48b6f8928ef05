#!/usr/bin/env python3
"""Verifies an export of Rung's audit trail, with nothing but Python's standard library (3.10 or newer) and the export.

    python3 verify.py                          the export that this file came with (unpacked, or beside the zip)
    python3 verify.py EXPORT.zip               an export that has not been unpacked
    python3 verify.py EXPORT --published FILE  against a file of published hashes that was kept somewhere else

It answers "whole" for each chain, or names each entry that was changed, removed, inserted or moved, and then exits
with 1. How an entry's hash is made stands in the README.txt of the export. This is one file on purpose: it goes along
with every export, and whoever verifies one can read what they run.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import IO

# Every value is a text, exactly as it is hashed; `id` alone is not part of the hash.
Entry = dict[str, str]
HASHED = (
    "previous_hash", "study_id", "position", "at", "operation", "table_name", "row_id", "patient_id", "old", "new",
    "actor_id", "actor_name", "reason", "request_id", "client_address", "session_role",
)  # fmt: skip
SEPARATOR = "\x1f"
BEGINNING = "0" * 64
NAMED_AT_MOST = 50  # faults of one chain; a chain that was rewritten as a whole has no end of them
PIECES_AT_MOST = 400
SEARCHES_AT_MOST = 20
CUT = " cut at "  # in place of a hash, where a piece was cut
NEAR = 2000  # how far from where it stands an entry's true position is looked for


@dataclass(frozen=True)
class Fault:
    """What is wrong with an entry: changed, missing, inserted or moved; its id, table and row where they are known."""

    kind: str
    study_id: int
    position: int
    said: str
    id: str = ""
    table: str = ""
    row: str = ""

    def sentence(self, study: str = "") -> str:
        known = [f"id {self.id}"] if self.id else []
        known += [f"table {self.table}, row {self.row}"] if self.table else []
        entry = f"entry {self.position}" + (f" ({', '.join(known)})" if known else "")
        return f"{study or chain_name(self.study_id)}: {entry} {self.kind}: {self.said}"


@dataclass(frozen=True)
class Published:
    """The newest hash of a chain, as it was published on a day."""

    day: str
    study_id: int
    position: int
    hash: str


@dataclass
class Chain:
    """A chain of entries: how to read it from the start, as often as needed, and where it ought to end."""

    study_id: int
    read: Callable[[], Iterable[Entry]]  # in the order of position and id
    entries: int
    head: str
    published: Sequence[Published] = ()
    # The chain and position of the entry with this hash, in any chain at hand: where a moved entry came from.
    locate: Callable[[str], tuple[int, int] | None] = lambda hash_: None


def chain_name(study_id: int) -> str:
    names = {0: "chain 0 (people and what belongs to no study)", -1: "chain -1 (access log)"}
    return names.get(study_id, f"study {study_id}")


def digest(entry: Entry, position: int | None = None, study_id: int | None = None) -> str:
    """SHA-256 in hex over the entry's columns, parted by the unit separator; on request as if it stood elsewhere."""
    if position is not None or study_id is not None:
        entry = {**entry, "position": str(position or entry["position"])}
        entry["study_id"] = entry["study_id"] if study_id is None else str(study_id)
    return hashlib.sha256(SEPARATOR.join([entry[name] for name in HASHED]).encode("utf-8", "surrogatepass")).hexdigest()


def intact(entry: Entry) -> bool:
    """Whether the entry gives its hash, in the one way in which its columns can be parted."""
    return digest(entry) == entry["hash"] and not any(SEPARATOR in entry[name] for name in HASHED)


def faults_of(chain: Chain) -> list[Fault]:
    """Nothing where the chain is whole and agrees with what was published; else each entry that is at fault."""
    whole, hashes, newest = _walk(chain)
    told = [] if whole else Diagnosis(chain).faults()
    return [*told, *against_published(chain, hashes, newest)]


def _walk(chain: Chain) -> tuple[bool, dict[int, str], int]:
    """Whether every entry follows from the one before; the hashes at the published positions; the newest position."""
    wanted = {p.position for p in chain.published}
    whole, hashes, number, hash_, id_ = True, {0: BEGINNING}, 0, BEGINNING, 0
    for entry in chain.read():
        number += 1
        follows = entry["position"] == str(number) and entry["previous_hash"] == hash_ and int(entry["id"]) > id_
        whole = whole and follows and intact(entry)
        hash_, id_ = entry["hash"], int(entry["id"])
        if wanted and (at := int(entry["position"])) in wanted:
            hashes[at] = hash_
    return whole and number == chain.entries and hash_ == chain.head, hashes, number


def against_published(chain: Chain, hashes: dict[int, str], newest: int) -> list[Fault]:
    """The first place at which the chain is not what was published: cut off at its end, or rewritten."""
    agreed = 0
    for p in sorted(chain.published, key=lambda p: p.position):
        if p.position > newest:
            said = f"published on {p.day} as the newest, but the chain ends with entry {newest}: its end was cut off"
            return [Fault("missing", chain.study_id, p.position, said)]
        if hashes.get(p.position) != p.hash:
            said = f"its hash is not the one published on {p.day}: the chain was rewritten after entry {agreed}"
            return [Fault("changed", chain.study_id, p.position, said)]
        agreed = p.position
    return []


@dataclass
class Piece:
    """Entries that follow one another. index: the first one's place in the stored order, from 0.

    true: the first one's position as its hash proves it, None where its content does not give its hash.
    before: the hash that the first one stands on. after: the last one's hash.
    """

    index: int
    true: int | None
    before: str
    after: str
    length: int = 1

    @property
    def end(self) -> int:
        """The true position after the last one."""
        return (self.true or 0) + self.length


@dataclass
class Found:
    """A fault of the entry at a place of the stored order, before its names have been looked up."""

    kind: str
    said: str
    index: int = -1
    position: int = 0
    beside: tuple[int, ...] = ()  # the places of its neighbours, where it has none itself
    row: tuple[str, str] = ("", "")  # the table and row of one that is gone, where they can be told


@dataclass
class Diagnosis:
    """Says what was done to a chain that is not whole.

    Each entry proves its true position by its hash. Entries that follow one another are taken together as a piece; the
    pieces in the right order that hold most entries were left alone; the rest was moved, inserted, changed or removed.
    Memory grows with the number of faults only.
    """

    chain: Chain
    pieces: list[Piece] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    by_id: list[Found] = field(default_factory=list)
    elsewhere: dict[int, tuple[int, int]] = field(default_factory=dict)
    renumbered: Found | None = None
    in_disorder: bool = False
    newest_hash: str = BEGINNING
    searches: int = 0

    def faults(self) -> list[Fault]:
        self._read()
        self._align()
        told = {found.index + step for found in self.found for step in (-1, 0, 1)}
        self.found += [found for found in self.by_id if found.index not in told]
        if not self.found:
            self.found.append(self.renumbered or Found("changed", "the chain is not whole", 0))
        return self._named()

    def _read(self) -> None:
        last: Entry | None = None
        before = 0  # the id of the last entry but one
        for index, entry in enumerate(self.chain.read()):
            if len(self.pieces) > PIECES_AT_MOST:
                self.in_disorder = True
                self.found.append(Found("changed", "from here on the entries are in no order at all", index))
                return
            self._place(index, entry)
            before = self._ids(index, last, entry, before)
            last, self.newest_hash = entry, entry["hash"]

    def _place(self, index: int, entry: Entry) -> None:
        """Put the entry at the end of the last piece, or start a new one."""
        last = self.pieces[-1] if self.pieces else None
        expected = last.end if last and last.true is not None else index + 1
        true = self._true_position(index, entry, expected)
        if true is not None and str(true) != entry["position"] and self.renumbered is None:
            self.renumbered = Found("moved", f"it belongs at position {true}", index)
        if last and true is not None and true == last.end and entry["previous_hash"] == last.after:
            last.length, last.after = last.length + 1, entry["hash"]
        else:
            self.pieces.append(Piece(index, true, entry["previous_hash"], entry["hash"]))

    def _true_position(self, index: int, entry: Entry, expected: int) -> int | None:
        if any(SEPARATOR in entry[name] for name in HASHED):
            return None
        own = int(entry["position"])
        if digest(entry) == entry["hash"]:
            return own
        if digest(entry, expected) == entry["hash"]:
            return expected
        self.searches += 1
        if self.searches > SEARCHES_AT_MOST:
            return None
        study_id, after = self.chain.locate(entry["previous_hash"]) or (self.chain.study_id, own)
        if study_id != self.chain.study_id and digest(entry, after + 1, study_id) == entry["hash"]:
            self.elsewhere[index] = (study_id, after + 1)
            return None
        near = [at for middle in (own, after) for at in range(max(1, middle - NEAR), middle + NEAR)]
        return next((at for at in near if digest(entry, at) == entry["hash"]), None)

    def _ids(self, index: int, last: Entry | None, entry: Entry, before: int) -> int:
        """Ids grow along a chain: pages show entries in their order. Gives the id that the next one but one follows."""
        if last is None:
            return 0
        if int(entry["id"]) > int(last["id"]):
            return int(last["id"])
        wrong = index - 1 if int(entry["id"]) > before else index
        self.by_id.append(Found("moved", "its id is not in the order of the chain; pages show it elsewhere", wrong))
        return before

    # --- what was left alone, and what was not ---

    def _align(self) -> None:
        pieces = _split([p for p in self.pieces if p.true is not None])
        kept = _heaviest_in_order(pieces)
        chosen = {p.index for p in kept}
        vacant = _gaps(kept, kept[-1].end - 1 if kept and self.in_disorder else self.chain.entries)
        for piece in pieces:
            if piece.index not in chosen:
                self._tell_displaced(piece, vacant)
        for piece in self.pieces:
            if piece.true is None:
                self._tell_strange(piece, kept, vacant)
        for first, last in _stretches(vacant):
            which = f"entries {first} to {last} are" if last > first else "it is"
            newest = ", the newest of the chain" if last >= self.chain.entries else ""
            before = [p.index + p.length - 1 for p in kept if p.end <= first][-1:] or [-1]
            beside = (*before, *[p.index for p in kept if (p.true or 0) > last][:1])
            row = self._torn(before[0]) if first == last else ("", "")
            self.found.append(Found("missing", f"{which} not there any more{newest}", -1, first, beside, row))
        self._tell_links(kept)

    def _torn(self, place: int) -> tuple[str, str]:
        """The one row whose entries do not join over the gap after this place: the missing entry's; else nothing."""
        latest: dict[tuple[str, str], int] = {}
        torn: set[tuple[str, str]] = set()
        after: set[tuple[str, str]] = set()
        for index, entry in enumerate(self.chain.read()):
            row = entry["table_name"], entry["row_id"]
            if index <= place:
                latest[row] = hash(entry["new"])
            elif row not in after:
                after.add(row)
                if entry["operation"] != "INSERT" and hash(entry["old"]) != latest.get(row):
                    torn.add(row)
        return torn.pop() if len(torn) == 1 else ("", "")

    def _tell_displaced(self, piece: Piece, vacant: set[int]) -> None:
        for offset in range(min(piece.length, NAMED_AT_MOST)):
            true = (piece.true or 0) + offset
            if true in vacant:
                vacant.discard(true)
                self.found.append(Found("moved", f"it belongs at position {true}", piece.index + offset))
            else:
                said = f"another entry stands at its position {true} in the chain"
                self.found.append(Found("inserted", said, piece.index + offset))

    def _tell_strange(self, piece: Piece, kept: list[Piece], vacant: set[int]) -> None:
        if piece.index in self.elsewhere:
            study_id, position = self.elsewhere[piece.index]
            said = f"it belongs at position {position} of {chain_name(study_id)}"
            self.found.append(Found("moved", said, piece.index))
            return
        before = max((p.end for p in kept if p.index < piece.index), default=1)
        after = min((p.true or 0 for p in kept if p.index > piece.index), default=self.chain.entries + 1)
        place = next((at for at in range(before, after) if at in vacant), None)
        said = "its content does not give its hash"
        if place is None:
            self.found.append(Found("inserted", f"{said}, and no place in the chain is empty here", piece.index))
        else:
            vacant.discard(place)
            self.found.append(Found("changed", said, piece.index))

    def _tell_links(self, kept: list[Piece]) -> None:
        """Entries whose hash is right, but not the one that the next entry, or the chain's end, stands on."""
        for one, two in pairwise(kept):
            known = CUT not in one.after + two.before
            if known and one.end == two.true and one.after != two.before:
                said = "the entry after it stands on another hash than it has"
                self.found.append(Found("changed", said, one.index + one.length - 1))
        if not kept or self.in_disorder or self.newest_hash == self.chain.head:
            return
        last, surplus = kept[-1].index + kept[-1].length - 1, kept[-1].end - 1 - self.chain.entries
        if surplus == 0 and not any(found.index > last for found in self.found):
            self.found.append(Found("changed", "the chain's end is another hash than it has", last))
        for index in range(last + 1 - surplus, last + 1)[:NAMED_AT_MOST]:
            self.found.append(Found("inserted", f"the chain ends with entry {self.chain.entries}", index))

    def _named(self) -> list[Fault]:
        """The faults with what is known of their entries, which are read once more for it."""
        found = self.found[:NAMED_AT_MOST]
        wanted = {index for f in found for index in (f.index, *f.beside)}
        seen = {index: entry for index, entry in enumerate(self.chain.read()) if index in wanted}
        faults = []
        for f in found:
            gone = {"position": str(f.position), "id": _between(seen, *f.beside)}
            entry = seen.get(f.index, gone | {"table_name": f.row[0], "row_id": f.row[1]})
            names = entry["id"], entry["table_name"], entry["row_id"]
            faults.append(Fault(f.kind, self.chain.study_id, int(entry["position"]), f.said, *names))
        return sorted(faults, key=lambda fault: fault.position)


def _between(seen: dict[int, Entry], before: int = -1, after: int = -1) -> str:
    """Which ids an entry that is gone can have had."""
    if before in seen and after in seen:
        return f"between {seen[before]['id']} and {seen[after]['id']}"
    return f"after {seen[before]['id']}" if before in seen else ""


def _split(pieces: list[Piece]) -> list[Piece]:
    """The same pieces, cut where another one begins, so that of two that overlap the one that is right can be taken."""
    starts = sorted({p.true or 0 for p in pieces})
    parts = []
    for piece in pieces:
        true = piece.true or 0
        edges = [true, *(at for at in starts if true < at < piece.end), piece.end]
        for a, b in pairwise(edges):
            before = piece.before if a == true else f"{piece.index}{CUT}{a}"
            after = piece.after if b == piece.end else f"{piece.index}{CUT}{b}"
            parts.append(Piece(piece.index + a - true, a, before, after, b - a))
    return parts


def _heaviest_in_order(pieces: list[Piece]) -> list[Piece]:
    """Those pieces, in growing order, that hold most entries, and among these the ones that stand on one another."""
    best: list[tuple[int, int | None]] = []
    for i, piece in enumerate(pieces):
        ways: list[tuple[int, int | None]] = [(0, None)]
        for j, earlier in enumerate(pieces[:i]):
            if earlier.end <= (piece.true or 0):
                ways.append((best[j][0] + (earlier.after == piece.before), j))
        weight, previous = max(ways, key=lambda way: way[0])
        best.append((weight + 2 * piece.length, previous))
    at = max(range(len(best)), key=lambda i: best[i][0], default=None)
    kept = []
    while at is not None:
        kept.append(pieces[at])
        at = best[at][1]
    return kept[::-1]


def _gaps(kept: list[Piece], entries: int) -> set[int]:
    """The positions that nothing stands at."""
    vacant: set[int] = set()
    edges = [(1, 1), *((p.true or 0, p.end) for p in kept), (entries + 1, entries + 1)]
    for (_, end), (start, _) in pairwise(edges):
        vacant.update(range(end, start))
    return vacant


def _stretches(positions: set[int]) -> Iterator[tuple[int, int]]:
    """Positions as stretches: the first and the last of each."""
    for _, group in groupby(enumerate(sorted(positions)), key=lambda pair: pair[1] - pair[0]):
        stretch = [at for _, at in group]
        yield stretch[0], stretch[-1]


# --- an export ---


class Export:
    """A folder or a zip with heads.json, a file of entries for each chain, and what was published."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.zip = zipfile.ZipFile(path) if path.is_file() else None
        with self.open("heads.json") as file:
            told = json.load(file)
        self.heads, self.everything = told["chains"], told.get("everything") is True

    @contextmanager
    def open(self, name: str) -> Iterator[IO[str]]:
        raw = self.zip.open(name) if self.zip else (self.path / name).open("rb")
        with io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="\n") as text:
            yield text

    def entries(self, name: str) -> Iterator[Entry]:
        with self.open(name) as file:
            for number, line in enumerate(file, start=1):
                yield _entry(line, number)

    def published(self) -> list[Published]:
        with self.open("published.jsonl") as file:
            return read_published(file)

    def chains(self, published: Sequence[Published]) -> Iterator[tuple[str, Chain]]:
        for head in self.heads:
            study_id, name = int(head["study_id"]), head["file"]
            own = [p for p in published if p.study_id == study_id]
            read = lambda name=name: self.entries(name)  # noqa: E731
            yield head["study"], Chain(study_id, read, int(head["entries"]), head["head"], own, self.locate)

    def absent(self, published: Sequence[Published]) -> dict[int, Published]:
        """Chains that were published and are not in the export, each with the newest that was published of it."""
        here = {int(head["study_id"]) for head in self.heads}
        return {p.study_id: p for p in sorted(published, key=lambda p: p.position) if p.study_id not in here}

    def locate(self, hash_: str) -> tuple[int, int] | None:
        for head in self.heads:
            for entry in self.entries(head["file"]):
                if entry["hash"] == hash_:
                    return int(head["study_id"]), int(entry["position"])
        return None


def _entry(line: str, number: int) -> Entry:
    """The entry of a line; one that gives no hash where the line is not what an export has."""
    with suppress(ValueError, KeyError, TypeError):
        entry: Entry = json.loads(line)
        texts = all(isinstance(entry[name], str) for name in (*HASHED, "hash"))
        if texts and int(entry["id"]) > 0 and int(entry["position"]) > 0:
            return entry
    return {**dict.fromkeys((*HASHED, "hash"), "unreadable"), "id": "0", "position": str(number)}


def read_published(lines: Iterable[str]) -> list[Published]:
    """The lines of a file of published hashes."""
    rows = (json.loads(line) for line in lines if line.strip())
    return [Published(r["day"], int(r["study_id"]), int(r["position"]), r["hash"]) for r in rows]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify an export of Rung's audit trail.")
    parser.add_argument("export", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--published", type=Path, help="a file of published hashes that was kept elsewhere")
    given = parser.parse_args(arguments)
    export = Export(given.export)
    published = export.published()
    if given.published:
        with given.published.open(encoding="utf-8") as file:
            published += read_published(file)
    wrong = 0
    for study, chain in export.chains(published):
        faults = faults_of(chain)
        wrong += len(faults)
        print(*(fault.sentence(study) for fault in faults), sep="\n", end="\n" if faults else "")
        if not faults:
            print(f"{study}: whole. {chain.entries} entries, {len(chain.published)} published hashes agree.")
    for study_id, newest in export.absent(published).items():
        said = "the whole chain was removed" if export.everything else "the export is not of everything"
        print(f"chain {study_id}: published on {newest.day} with {newest.position} entries, and not here: {said}.")
        wrong += export.everything
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
