"""How a signature is shown, wherever it is: printed name, role, meaning, time with its zone; and whether it verifies.

Verified is whenever it is shown: against the record as it is now, and against the entry that the audit trail made when
it was given. Nothing about it is stored.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models

from accounts.canonical import canonical_json, sha256_of
from accounts.models import DeclinedSignature, Signature
from audit.models import Entry

Record = Mapping[str, Any]
# The records of these keys as they are now; a key whose record is not there is left out.
ReadRecords = Callable[[Collection[str]], Mapping[str, Record]]


class State(models.TextChoices):
    VALID = "valid", "valid"
    CHANGED = "stale", "no longer covers this"
    ALTERED = "altered", "not as it was given"


@dataclass(frozen=True)
class Verdict:
    """Whether a signature verifies, and in one sentence why not."""

    state: State
    sentence: str = ""

    @property
    def valid(self) -> bool:
        return self.state == State.VALID


@dataclass(frozen=True)
class SignatureShown:
    """As components/signature.html takes it. status: a State, or waiting, or declined."""

    signer: str
    role: str
    status: str
    meaning: str = ""
    time: str = ""
    note: str = ""


VALID = Verdict(State.VALID)
CHANGED = Verdict(State.CHANGED, "The record is no longer what was signed.")
GONE = Verdict(State.CHANGED, "The record that was signed is not there.")
UNKNOWN_KIND = Verdict(State.CHANGED, "Nothing here knows this kind of record, so the signature cannot be verified.")
NOT_BOUND = Verdict(State.ALTERED, "What it holds of the record is not what its SHA-256 says.")
NOT_ENTERED = Verdict(State.ALTERED, "The audit trail has no entry that it was given.")
NOT_AS_ENTERED = Verdict(State.ALTERED, "It is not what the audit trail says was signed.")
BY_SOMEBODY_ELSE = Verdict(State.ALTERED, "The audit trail says that somebody other than the signer made it.")

_readers: dict[str, ReadRecords] = {}
_may_change: set[str] = set()


def signed_kind(kind: str, read: ReadRecords, *, may_change: bool = False) -> None:
    """Make a kind of signed record known, from the `ready` of the app whose record it is.

    may_change: the record goes on after it was signed (a draft, a casebook): a signature that no longer covers it is
    to be given again, and is no sign that somebody tampered with anything.
    """
    _readers[kind] = read
    if may_change:
        _may_change.add(kind)


def is_fault(signature: Signature, verdict: Verdict) -> bool:
    """Whether a verdict is one that cannot come of ordinary work."""
    return verdict.state == State.ALTERED or (not verdict.valid and signature.record_kind not in _may_change)


def verify(signatures: Iterable[Signature], records: Mapping[int, Record | None]) -> dict[int, Verdict]:
    """By the signature's pk; records: what each is about, as it is now (None where it is not there). One query."""
    given = list(signatures)
    entered = _entries(given)
    return {s.pk: _as_given(s, entered.get(str(s.pk))) or _covers(s, records.get(s.pk)) for s in given}


def verify_stored(signatures: Iterable[Signature]) -> dict[int, Verdict]:
    """By the signature's pk; each record is read by its own kind and key, so that a copied signature finds another."""
    given = list(signatures)
    records: dict[int, Record | None] = {}
    for kind in sorted({s.record_kind for s in given}):
        mine = [s for s in given if s.record_kind == kind]
        found = _readers[kind]({s.record_key for s in mine}) if kind in _readers else {}
        records.update({s.pk: found.get(s.record_key) for s in mine})
    verdicts = verify(given, records)
    unknown = {s.pk for s in given if s.record_kind not in _readers and verdicts[s.pk] == GONE}
    return {pk: UNKNOWN_KIND if pk in unknown else verdict for pk, verdict in verdicts.items()}


def _entries(signatures: Collection[Signature]) -> dict[str, Entry]:
    if not signatures:
        return {}
    made = Entry.objects.filter(
        table_name=Signature._meta.db_table, row_id__in=[str(s.pk) for s in signatures], operation="INSERT"
    )
    return {entry.row_id: entry for entry in made}


def _as_given(signature: Signature, entry: Entry | None) -> Verdict | None:
    """What is wrong with the row itself; None where nothing is."""
    if sha256_of_text(signature.record_json) != signature.record_sha256:
        return NOT_BOUND
    if entry is None:
        return NOT_ENTERED
    if entry.actor_id != str(signature.signer_id):
        return BY_SOMEBODY_ELSE
    columns = {field.column: field.attname for field in Signature._meta.concrete_fields}
    told = ((columns[name], value) for name, value in (entry.new or {}).items() if name in columns)
    return None if all(_same(getattr(signature, name), value) for name, value in told) else NOT_AS_ENTERED


def _same(mine: object, entered: object) -> bool:
    if isinstance(mine, dt.datetime):
        return isinstance(entered, str) and dt.datetime.fromisoformat(entered) == mine
    return mine == entered


def _covers(signature: Signature, record: Record | None) -> Verdict:
    if record is None:
        return GONE
    return VALID if canonical_json(record) == signature.record_json else CHANGED


def sha256_of_text(text: str) -> str:
    """SHA-256 in hex of a canonical JSON text as it is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def time_words(moment: dt.datetime, zone: str) -> str:
    """'Sat 21 Nov 2026, 10:02 CET'; where the zone has no name, its distance from UTC ('UTC-03:00')."""
    local = moment.astimezone(ZoneInfo(zone))
    name = f"{local:%Z}"
    if not name.isalpha():
        name = f"UTC{local.isoformat()[-6:]}"
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {name}"


def role_name(role: str) -> str:
    """'principal investigator'."""
    return role.replace("_", " ")


def meaning_words(signature: Signature) -> str:
    """'Approval: “I have reviewed … and approve …”'."""
    return f"{signature.meaning.capitalize()}: “{signature.statement}”"


def signature_shown(signature: Signature, verdict: Verdict, zone: str, note: str = "") -> SignatureShown:
    """For the component of pages. note: instead of the verdict's own sentence."""
    return SignatureShown(
        signer=signature.printed_name,
        role=role_name(signature.role),
        status=verdict.state.value,
        meaning=meaning_words(signature),
        time=time_words(signature.signed_at, zone),
        note=note or verdict.sentence,
    )


def declined_shown(declined: DeclinedSignature, zone: str) -> SignatureShown:
    """A signature that was declined, for the component of pages."""
    return SignatureShown(
        signer=declined.printed_name,
        role=role_name(declined.role),
        status="declined",
        meaning=f"Declined: “{declined.reason}”",
        time=time_words(declined.declined_at, zone),
    )


def told(signature: Signature, verdict: Verdict, zone: str) -> dict[str, Any]:
    """The same for the API and for files: JSON-able, with everything that the signature holds but the record itself."""
    return {**_held(signature), "time": time_words(signature.signed_at, zone), "sha256": signature_sha256(signature),
            "state": verdict.state.value, "valid": verdict.valid, "because": verdict.sentence}  # fmt: skip


def signature_sha256(signature: Signature) -> str:
    """SHA-256 of the signature itself: of everything that it holds, the record by its own SHA-256."""
    return sha256_of(_held(signature))


def _held(signature: Signature) -> dict[str, Any]:
    return {
        "printed_name": signature.printed_name,
        "signer": signature.signer.username,
        "role": signature.role,
        "meaning": signature.meaning,
        "statement": signature.statement,
        "statement_version": signature.statement_version,
        "signed_at": signature.signed_at.astimezone(dt.UTC).isoformat(),
        "components_checked": list(signature.components_checked),
        "record_kind": signature.record_kind,
        "record_key": signature.record_key,
        "record_version": signature.record_version,
        "record_sha256": signature.record_sha256,
        "stands_on": {"position": signature.stands_on_position, "hash": signature.stands_on_hash},
    }
