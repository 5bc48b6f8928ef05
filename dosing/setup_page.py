"""What the set-up page shows: the parts of the draft, what is missing, who signed, what was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse

from accounts.manifestation import SignatureShown, State, declined_shown, role_name, signature_shown, verify
from accounts.models import User
from audit.models import Entry
from trials.definition import PARTS, changed_parts
from trials.errors import Fault
from trials.models import ProtocolVersion, Study
from trials.protocol import Protocol
from trials.protocol_words import count, day_words
from trials.readiness import (
    Obstacle,
    declined_now,
    obstacles,
    outdated_signatures,
    roles_waiting,
    signature_rules,
    signatures_now,
)
from trials.study_forms.words import words_of

CHANGES_SHOWN = 8
NEEDED = {field.alias or name for name, field in Protocol.model_fields.items() if field.is_required()}


@dataclass(frozen=True)
class Row:
    """One part of the study file. chip and kind: its state; detail: its first fault, or what it is for."""

    title: str
    url: str
    chip: str
    kind: str
    detail: str = ""
    assumed: int = 0


@dataclass(frozen=True)
class Step:
    """One thing that stands between the draft and live, and where it is done."""

    sentence: str
    url: str = ""
    label: str = ""


@dataclass(frozen=True)
class Change:
    """One change of the draft."""

    when: str
    who: str
    what: str


def rows(study: Study, version: ProtocolVersion, faults: Sequence[Fault]) -> list[Row]:
    return [_row(study, version.definition, part, [f for f in faults if part_of(f) == part]) for part in PARTS]


def part_of(fault: Fault) -> str:
    return fault.path.split(".")[0]


def _row(study: Study, definition: dict[str, Any], part: str, faults: Sequence[Fault]) -> Row:
    words = words_of(None, part)
    url = reverse("dosing:setup-section", args=[study.key, part])
    assumed = _assumed_in(definition.get(part))
    if part not in definition:
        chip, kind = ("to be filled in", "stay") if part in NEEDED else ("not used", "neutral")
        return Row(words.label, url, chip, kind, words.hint)
    if faults:
        return Row(words.label, url, count(len(faults), "fault"), "out", str(faults[0]), assumed)
    return Row(words.label, url, "done", "up", "", assumed)


def _assumed_in(content: Any) -> int:
    if isinstance(content, dict):
        return bool(content.get("assumed")) + sum(map(_assumed_in, content.values()))
    return sum(map(_assumed_in, content)) if isinstance(content, list) else 0


def steps(study: Study, version: ProtocolVersion, faults: Sequence[Fault]) -> list[Step]:
    """What is still to be done, in plain words and in its order; empty where the study can go live."""
    return [_step(study, obstacle, faults) for obstacle in obstacles(study, version, faults)]


def _step(study: Study, obstacle: Obstacle, faults: Sequence[Fault]) -> Step:
    if obstacle.code == "draft-has-faults":
        parts = list(dict.fromkeys(part_of(fault) for fault in faults))
        named = ", ".join(words_of(None, part).label if part in PARTS else part for part in parts[:6])
        more = f" and {len(parts) - 6} more" if len(parts) > 6 else ""
        return Step(f"Complete {count(len(parts), 'part')} of the study file: {named}{more}.")
    if obstacle.code == "not-signed":
        return Step(obstacle.sentence, reverse("dosing:setup-sign", args=[study.key]), "Read and sign")
    label = "Add a site" if obstacle.code == "no-site" else "Give roles"
    return Step(obstacle.sentence, reverse("dosing:setup-people", args=[study.key]), label)


def signature_lines(study: Study, version: ProtocolVersion) -> list[SignatureShown]:
    """For components/signature.html: given ones, awaited ones, and those that cover the draft no longer."""
    given, outdated, rules = signatures_now(version), outdated_signatures(version)[:4], signature_rules(version)
    verdicts = verify([*given, *outdated], {s.pk: version.definition for s in [*given, *outdated]})
    waiting = roles_waiting(rules.set_up, given) if rules else []
    lines = [signature_shown(s, verdicts[s.pk], study.time_zone) for s in given]
    lines += [SignatureShown(role_name(role).capitalize(), "", "waiting") for role in waiting]
    lines += [declined_shown(declined, study.time_zone) for declined in declined_now(version)]
    note = "The draft was changed after that: it has to be signed again."
    for signature in outdated:
        verdict = verdicts[signature.pk]
        because = note if verdict.state == State.CHANGED else ""
        lines.append(signature_shown(signature, verdict, study.time_zone, because))
    return lines


def _moment(at: Any, study: Study) -> str:
    local = at.astimezone(ZoneInfo(study.time_zone))
    return f"{day_words(local.date())}, {local:%H:%M %Z}"


def changes(study: Study, version: ProtocolVersion) -> list[Change]:
    """The newest changes of the draft, newest first, with the parts that each changed."""
    entries = list(Entry.objects.of_record("trials_protocolversion", version.pk).newest_first()[:CHANGES_SHOWN])
    people = dict(User.objects.filter(pk__in={e.actor_id for e in entries}).values_list("pk", "full_name"))
    return [
        Change(_moment(entry.at, study), people.get(int(entry.actor_id), entry.actor_name), what)
        for entry in entries
        if (what := "; ".join(_what(entry)))
    ]


def _what(entry: Entry) -> Iterator[str]:
    old, new = entry.old or {}, entry.new or {}
    if entry.operation == Entry.Operation.INSERT:
        yield "Started"
        return
    if old.get("definition") != new.get("definition"):
        parts = changed_parts(old.get("definition") or {}, new.get("definition") or {})
        yield ", ".join(words_of(None, part).label for part in parts)
    if old.get("status") != new.get("status"):
        yield f"Went {new.get('status')}"
