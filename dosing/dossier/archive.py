"""A dossier as files: the data as JSON and CSV, the PDF, what was signed, and how to check it all, in one zip.

The same dossier gives the same bytes: times in the zip are fixed, nothing is compressed (so that no library's version
matters), and files stand in one order.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from accounts.canonical import canonical_json
from accounts.models import Signature
from dosing.dossier.contents import dossier_of
from dosing.dossier.printed import dossier_pdf
from dosing.models import Recommendation
from dosing.queries.record import RECORD_KIND
from dosing.workbench.appendix_csv import guarded

BEGINNING = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can say
UNIX, READABLE = 3, 0o100644 << 16
Data = dict[str, Any]


def name_of(recommendation: Recommendation) -> str:
    """'LEN-MAG-01-decision-3', the name of its files."""
    return f"{recommendation.study.key}-decision-{recommendation.number}"


def dossier_zip(recommendation: Recommendation) -> bytes:
    """The zip, which holds the PDF too."""
    files = dict(files_of(recommendation))
    return zipped(name_of(recommendation), files)


def files_of(recommendation: Recommendation) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file of the zip, but for the list of their SHA-256."""
    dossier = dossier_of(recommendation)
    yield "README.txt", _readme(dossier).encode()
    yield "dossier.json", (json.dumps(dossier, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()
    yield f"{name_of(recommendation)}.pdf", dossier_pdf(dossier)
    yield "inputs.json", canonical_json(recommendation.inputs).encode()
    keys = [str(decision["id"]) for decision in dossier["decisions"]]
    signed = Signature.objects.filter(record_kind=RECORD_KIND, record_key__in=keys).order_by("signed_at", "pk")
    for place, signature in enumerate(signed, 1):
        yield f"signed/{place}-{signature.role}.json", signature.record_json.encode()
    for name, rows in tables(dossier).items():
        yield f"tables/{name}.csv", csv_of(rows).encode()


def zipped(folder: str, files: Mapping[str, bytes]) -> bytes:
    """Every file under the folder, then SHA256SUMS over them, as `sha256sum --check` reads it."""
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {**files, "SHA256SUMS": sums.encode()}.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}", BEGINNING)
            entry.create_system, entry.external_attr = UNIX, READABLE
            archive.writestr(entry, content)
    return made.getvalue()


def tables(dossier: Data) -> dict[str, list[Data]]:
    """The dossier's lists, a table each; what a cell cannot hold by itself stands in it as JSON."""
    shown = dossier["shown"]
    return {
        "people": dossier["people"],
        "checks": [_flat(row) for row in dossier["checks"]],
        "doses": shown["levels"],
        "boundaries": shown["boundaries"],
        "look-ahead": shown["lookahead"],
        "next": shown["next"],
        "design": [{"parameter": name, "value": value} for name, value in _parameters(dossier)],
        "decisions": [
            {k: v for k, v in d.items() if k not in ("signatures", "declined")} for d in dossier["decisions"]
        ],
        "signatures": [{"decision": d["id"], **_flat(s)} for d in dossier["decisions"] for s in d["signatures"]],
        "declined": [{"decision": d["id"], **s} for d in dossier["decisions"] for s in d["declined"]],
        "audit": dossier["audit"]["entries"],
    }


def _parameters(dossier: Data) -> Iterable[tuple[str, Any]]:
    return {"name": dossier["design"]["name"], **dossier["design"]["parameters"]}.items()


def _flat(row: Data) -> Data:
    """With the places in the audit trail as columns of their own."""
    found: Data = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= {f"{name}_{inner}": one for inner, one in value.items()}
        else:
            found[name] = value
    return found


def csv_of(rows: Sequence[Data]) -> str:
    """A table with a line of headings; empty where there are no rows. Lines end as RFC 4180 says."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.writer(text)
    columns = list(rows[0])
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value)
    return json.dumps(value, ensure_ascii=False)


README = """{format}
{study}: {title}
Recommendation {number}: {answer}

dossier.json   everything, for programs
*.pdf          the same, to read
tables/        the same, as CSV; an apostrophe stands before a text that a spreadsheet would take for a formula
inputs.json    the inputs of the recommendation in their canonical form
signed/        what each signature was given on, in its canonical form
SHA256SUMS     checked by: sha256sum --check SHA256SUMS

The SHA-256 of inputs.json is the recommendation's: {inputs_sha256}
The SHA-256 of each file in signed/ is the one that its signature holds (record_sha256).
It stands on entry {position} of the study's audit chain, whose hash is
{hash}

With the database at hand:
{commands}
"""


def _readme(dossier: Data) -> str:
    commands = "\n".join(f"  {c['command']}\n      {c['says']}" for c in dossier["commands"])
    return README.format(
        format=dossier["format"],
        study=dossier["study"]["key"],
        title=dossier["study"]["title"],
        number=dossier["recommendation"]["number"],
        answer=dossier["recommendation"]["answer"],
        inputs_sha256=dossier["recommendation"]["inputs_sha256"],
        **dossier["audit"]["stands_on"],
        commands=commands,
    )
