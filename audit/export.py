"""The trail as a zip that can be verified anywhere: entries, where each chain ends, what was published, the verifier.

The format stands in docs/audit-trail.md; a short form of it goes along as README.txt.
"""

import datetime as dt
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from django.db import connection

from audit import seal, verifier
from audit.verifier import Published

_LINES = f"""
    SELECT row_to_json(line)::text FROM (
        SELECT e.id::text AS id, {", ".join(f"{text} AS {name}" for name, text in seal.TEXTS.items())}, e.hash AS hash
        {seal.IN_ORDER}
    ) line
"""  # noqa: S608  our own column names
README = """\
The audit trail of Rung, exported {at} UTC. To verify it:

    python3 verify.py

verify.py needs Python 3.10 or newer and nothing else; read it first, it is short. Take it from Rung's source code
rather than from here where you do not trust whoever gave you this export, and compare with the published hashes that
you have kept yourself: python3 verify.py --published FILE.

heads.json        each chain: its study, its file, how many entries it has and the hash of its newest entry;
                  `everything`: whether these are all chains that there are
chain-N.jsonl     the entries of chain N in order, a JSON object a line, every value a text
published.jsonl   what was published of these chains: day, study_id, position, hash

Each study has a chain; chain 0 holds people and what belongs to no study, chain -1 who looked at what.

The hash of an entry is SHA-256, in hex, over the UTF-8 text of these columns, in this order, parted by the character
U+001F (unit separator), exactly as they stand in its line:

    {columns}

The first entry's previous_hash is 64 times the digit 0. `old` and `new` are texts that hold JSON; hash them as they
are. `id` is not part of the hash; along a chain it grows.
"""


def write_export(
    file: IO[bytes], studies: Mapping[int, str], published: Sequence[Published], at: dt.datetime, *, everything: bool
) -> dict[int, int]:
    """Write the zip of these chains (number → name), read at one moment; the number of entries of each chain.

    everything: there are no others, so that a chain which was published and is not in the zip has been removed.

    Memory does not grow with the number of entries.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive, seal.one_moment():
        heads = [_head(study_id, name) for study_id, name in sorted(studies.items())]
        archive.writestr("README.txt", README.format(at=f"{at:%Y-%m-%d %H:%M:%S}", columns=", ".join(verifier.HASHED)))
        archive.writestr("verify.py", Path(verifier.__file__).read_bytes())
        told = {"made_at": at.isoformat(), "everything": everything, "chains": heads}
        archive.writestr("heads.json", json.dumps(told, indent=1))
        archive.writestr("published.jsonl", "".join(published_line(p) for p in published if p.study_id in studies))
        for head in heads:
            with archive.open(head["file"], "w", force_zip64=True) as out:
                for line in _lines(int(head["study_id"])):
                    out.write(line.encode() + b"\n")
    return {int(head["study_id"]): int(head["entries"]) for head in heads}


def published_line(published: Published, study: str = "") -> str:
    """A line of a file of published hashes; `study` is for people who read it."""
    line = {
        "day": published.day,
        "study_id": str(published.study_id),
        **({"study": study} if study else {}),
        "position": str(published.position),
        "hash": published.hash,
    }
    return json.dumps(line) + "\n"


def _head(study_id: int, name: str) -> dict[str, str]:
    chain = seal.chain(study_id)
    return {
        "study_id": str(study_id),
        "study": name,
        "file": f"chain-{study_id}.jsonl",
        "entries": str(chain.entries),
        "head": chain.head,
    }


def _lines(study_id: int) -> Iterator[str]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_LINES, [study_id])
        while rows := cursor.fetchmany(2000):
            for (line,) in rows:
                yield line
