"""The Study page: the ladder, the decision that waits, where it stands and how it got there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from audit.memory import remembered
from dosing.cards import card_of
from dosing.conclusion import conclude, design_of, tally_of
from dosing.drawings import accrual_of, ladder_of, path_of, patient_urls
from dosing.engine import DESIGNS
from dosing.models import Decision, Recommendation
from dosing.queries import Situation, Stage, changes_since_signing, inputs_now
from dosing.queries.reader import Reader, reader_with
from dosing.queries.seen import what_time_changes
from dosing.queries.shown import levels_table, lookahead_table
from dosing.table_place import TablePlace, table_place
from dosing.words import answer, choice_words, colour
from trials.access import StudyPage
from trials.clock import day_of
from trials.models import Part, ProtocolVersion, Slot, Study
from trials.permissions import Permission
from trials.protocol_words import design_words

Kind = Recommendation.Kind


@dataclass(frozen=True)
class DecisionRow:
    """One recommendation in the list, with what was decided on it."""

    number: int
    url: str
    answer: str
    colour: str
    after: str
    decided: str
    chip: str
    chip_kind: str
    changed: bool


def study_context(page: StudyPage, situation: Situation) -> dict[str, Any]:
    tally = situation.tally
    reader = reader_with(page.held, page.study)
    inputs = _inputs(situation)
    return {
        "card": card_of(page, situation),
        "waits": reader.waits(situation.waits),
        "situation": situation,
        "chips": _chips(situation),
        "design_words": _design_words(tally.version),
        "drawn": _drawn(page, situation, inputs, reader),
        "lookahead": lookahead_table(inputs) if inputs and any(inputs["pending"]) else [],
        "facts": facts_of(page, situation, inputs),
        "rows": decision_rows(page, situation, newest=6),
    }


def _drawn(
    page: StudyPage, situation: Situation, inputs: dict[str, Any] | None, reader: Reader
) -> dict[str, SafeString]:
    """The drawings, rendered: the same for everybody who reads the same sites, as long as data and day are the same."""

    def draw() -> dict[str, SafeString]:
        tally, url_of = situation.tally, patient_urls(page)
        ladder = ladder_of(tally, inputs, url_of, reader) if inputs else None
        path, accrual = path_of(tally, url_of, reader), accrual_of(tally)
        return {
            "ladder": _rendered("components/ladder.html", ladder=ladder, interval_words="95 % credible interval"),
            "path": _rendered("components/path.html", path=path),
            "accrual": _rendered("dosing/accrual.html", accrual=accrual),
            "place": _rendered("dosing/table_place.html", place=_place(situation, inputs)),
        }

    about = ("drawn", reader, *what_time_changes(page.study, page.now))
    return remembered(page.study.pk, about, draw)


def _place(situation: Situation, inputs: dict[str, Any] | None) -> TablePlace | None:
    """Where the escalation stands in its decision table; nothing once it has ended."""
    asked = situation.newest.kind if situation.newest else None
    ended = situation.stage in (Stage.EXPANSION, Stage.FINISHED) or Kind.MTD in (situation.kind, asked)
    return None if inputs is None or ended else table_place(inputs)


def _rendered(template: str, **context: Any) -> SafeString:
    """Empty where there is nothing to draw."""
    drawing = next(iter(context.values()))
    return render_to_string(template, context) if drawing is not None else SafeString()


def _inputs(situation: Situation) -> dict[str, Any] | None:
    """The inputs that the estimates are made of: both parts together once the expansion is open."""
    if situation.tally.cohort is None:
        return None
    return inputs_now(situation.tally, Kind.MONITORING if situation.tally.in_expansion else Kind.DOSE)


def _design_words(version: ProtocolVersion) -> str:
    design = version.protocol.design
    named, target = design_words(design), design.parameters.get("target")
    if isinstance(target, float) and getattr(DESIGNS[design.name], "estimates_toxicity", True):
        named = f"{named}, target {target:.2f}"
    return f"{version.study.key} · protocol version {version.number} · {named}"


def _chips(situation: Situation) -> list[tuple[str, str]]:
    part = "Dose expansion" if situation.tally.in_expansion else "Dose escalation"
    chips = [(part, "")]
    if situation.study.accrual_suspended_at is not None:
        chips.append(("Accrual suspended", "out"))
    if situation.reconsider:
        chips.append(("Inputs changed since signing", "down"))
    return chips


def facts_of(page: StudyPage, situation: Situation, inputs: dict[str, Any] | None) -> list[dict[str, Any]]:
    """'Where it stands', for components/definitions.html."""
    tally = situation.tally
    facts: list[dict[str, Any]] = []
    for part in sorted(tally.parts, key=lambda p: p.kind != Part.Kind.ESCALATION):
        if part.opened_at is None:
            continue
        people = tally.in_part(part.kind)
        counted, dlts = sum(s.counts for s in people), sum(s.has_dlt for s in people)
        escalation = part.kind == Part.Kind.ESCALATION
        name = "escalation" if escalation else "expansion"
        most = f"{counted} of at most {part.planned_patients}" if escalation else str(counted)
        registered = str(len(people)) if escalation else f"{len(people)} of {part.planned_patients}"
        facts += [
            {"label": f"Registered in {name}", "value": registered},
            {"label": "Evaluable", "value": most},
            {"label": "With a DLT", "value": str(dlts)},
        ]
    facts.append({"label": "Slots open", "value": _slots_words(situation)})
    reserved = "; ".join(_reservation_words(slot) for slot in tally.reserved_slots)
    if reserved:
        facts.append({"label": "Reserved", "value": reserved})
    if inputs and not tally.in_expansion and sum(inputs["tally"]["treated"]):
        facts.append({"label": "If we stopped now", "value": _if_stopped(inputs)})
    return [*facts, *_registration(page, situation.study)]


def _registration(page: StudyPage, study: Study) -> list[dict[str, Any]]:
    """Whether registration goes on, with the way to change it for those who may; nothing for others while it does."""
    may = page.may(Permission.SUSPEND_ACCRUAL)
    url = reverse("trials:accrual", args=[study.key]) if may else ""
    if study.accrual_suspended_at is not None:
        return [{"label": "Registration", "value": "suspended", "url": url, "note": study.suspended_because}]
    return [{"label": "Registration", "value": "goes on; suspend it", "url": url}] if may else []


def _reservation_words(slot: Slot) -> str:
    """'Lindby until Fri 27 Nov', by the site's own day."""
    site = slot.reserved_for_site
    assert site is not None
    assert slot.reserved_until is not None
    until = day_of(slot.reserved_until, site.time_zone)
    return f"{site.name} until {until:%a} {until.day} {until:%b}"


def _slots_words(situation: Situation) -> str:
    free = len(situation.tally.free_slots) - len(situation.tally.reserved_slots)
    if free:
        assert situation.tally.cohort is not None
        return f"{free} at {situation.tally.cohort.level.label}"
    return "0, waiting for the decision" if not situation.tally.free_slots and not situation.tally.in_expansion else "0"


def _if_stopped(inputs: dict[str, Any]) -> str:
    settled = conclude({**inputs, "kind": "mtd", "pending": [0] * len(inputs["pending"])})
    if settled.dose is None:
        return "no MTD"
    row = levels_table(inputs)[settled.dose - 1]
    seen = f"{row['estimate']:.2f}" if design_of(inputs).estimates_toxicity else f"{row['y']} of {row['n']}"
    return f"MTD {row['label']} ({seen})"


def decision_rows(page: StudyPage, situation: Situation, newest: int | None = None) -> list[DecisionRow]:
    """Recommendations, newest first, with what was decided: all of them, or so many of the newest."""
    issued = page.study.recommendations.select_related("level").prefetch_related("decisions__level")
    rows = issued.defer("shown").order_by("-number")[:newest]
    return [_row(page, situation, recommendation) for recommendation in rows]


def _row(page: StudyPage, situation: Situation, recommendation: Recommendation) -> DecisionRow:
    found = sorted(recommendation.decisions.all(), key=lambda d: (d.status == Decision.Status.WITHDRAWN, -d.pk))
    decision = found[0] if found else None
    chip, kind = _state(decision, newest=situation.newest == recommendation)
    changed = False
    if decision is not None and decision.status == Decision.Status.SIGNED:
        decision.recommendation = recommendation
        changed = bool(changes_since_signing(decision, situation.tally))
    n = tally_of(recommendation.inputs).total_treated
    label = recommendation.level.label if recommendation.level else None
    return DecisionRow(
        number=recommendation.number,
        url=reverse("dosing:decision-detail", args=[page.study.key, recommendation.number]),
        answer=answer(recommendation.kind, recommendation.action, label),
        colour=colour(recommendation.kind, recommendation.action, label),
        after=f"after {n} evaluable",
        decided=choice_words(recommendation.kind, decision.choice, decision.level) if decision else "",
        chip=chip,
        chip_kind=kind,
        changed=changed,
    )


def _state(decision: Decision | None, *, newest: bool) -> tuple[str, str]:
    if decision is None:
        return ("nobody has decided", "stay") if newest else ("superseded", "neutral")
    return {
        Decision.Status.PROPOSED: ("waiting for signatures", "stay"),
        Decision.Status.SIGNED: ("signed", "up"),
        Decision.Status.WITHDRAWN: ("withdrawn", "neutral"),
    }[Decision.Status(decision.status)]
