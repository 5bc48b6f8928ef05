"""The Decision page: a recommendation as it was stored, what was decided on it, and who signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.manifestation import SignatureShown, Verdict, declined_shown, signature_shown, time_words, verify
from accounts.models import DeclinedSignature, Signature
from audit.memory import remembered
from dosing.conclusion import tally_of
from dosing.curve import Curve, draw_curve
from dosing.engine import ENGINE_VERSION
from dosing.models import Decision, Recommendation
from dosing.paths_ahead import tree_ahead
from dosing.queries import Change, Situation, Stage, changes_since_signing
from dosing.queries.reader import Reader, reader_with
from dosing.queries.record import RECORD_KIND, decision_record, roles_waiting, signatures_of
from dosing.queries.shown import COUNTS
from dosing.strip import COUNTING_WORDS, EXPANSION_WORDS, WORDS, Strip, boundary_strip
from dosing.words import choice_words, role_words, statement
from dosing.workbench.path_tree import Tree
from patients.evaluability import Standing
from patients.models import Patient
from trials.access import StudyPage
from trials.models import Membership, Study
from trials.permissions import Permission, visible_sites
from trials.protocol_words import DESIGNS

Kind = Recommendation.Kind


@dataclass(frozen=True)
class PersonShown:
    code: str
    url: str
    dlt: bool
    reason: str
    note: str = ""


@dataclass(frozen=True)
class LevelShown:
    label: str
    n: int
    y: int
    current: bool
    closed: bool
    people: tuple[PersonShown, ...]


@dataclass(frozen=True)
class DecisionShown:
    """One decision on the recommendation, with its signatures."""

    decision: Decision
    words: str
    statement: str
    signatures: tuple[SignatureShown, ...]
    waiting: tuple[str, ...]
    withdrawn_reason: str
    changes: tuple[Change, ...]

    @property
    def signed_count(self) -> int:
        return len(self.decision.roles_required) - len(self.waiting)


def decision_context(page: StudyPage, recommendation: Recommendation, situation: Situation) -> dict[str, Any]:
    """All that the page shows about a recommendation; forms are added by the view."""
    study, reader = page.study, reader_with(page.held, page.study)
    decisions = _decisions(recommendation, situation, study, reader)
    newest = situation.newest is not None and situation.newest.pk == recommendation.pk
    return {
        "recommendation": recommendation,
        "shown": recommendation.shown,
        "is_newest": newest,
        "issued": time_words(recommendation.issued_at, study.time_zone),
        "stored": _stored(page, recommendation, reader),
        "in_force": next((d for d in decisions if d.decision.status != Decision.Status.WITHDRAWN), None),
        "withdrawn": [d for d in decisions if d.decision.status == Decision.Status.WITHDRAWN],
        "stale": newest and bool(situation.changes or situation.stage == Stage.OUTDATED),
        "stale_changes": reader.changes(situation.changes) if newest else (),
    }


def _stored(page: StudyPage, recommendation: Recommendation, reader: Reader) -> SafeString:
    """The stored part, rendered once for everybody who reads the same sites."""

    def draw() -> SafeString:
        return render_to_string("dosing/_recommendation.html", stored_context(page, recommendation, reader))

    return remembered(page.study.pk, ("recommendation", recommendation.pk, reader), draw)


def stored_context(page: StudyPage, recommendation: Recommendation, reader: Reader) -> dict[str, Any]:
    """What a recommendation shows of itself; it never changes."""
    shown = recommendation.shown
    shown = {**shown, "people": [_readable(p, reader) for p in shown["people"]]}
    urls = _patient_urls(page)
    return {
        "recommendation": recommendation,
        "shown": shown,
        "strip": strip_of(recommendation),
        "strip_level": recommendation.inputs["doses"][recommendation.inputs["current_dose"] - 1],
        "levels": levels_of(recommendation, shown, urls),
        "excluded": _people(shown, urls, {Standing.NOT_EVALUABLE.value}),
        "pending": _people(shown, urls, {Standing.PENDING.value}),
        "curve": curve_of(recommendation),
        "tree": tree_of(recommendation),
        "here_n": tally_of(recommendation.inputs).at(recommendation.inputs["current_dose"])[0],
        "parameters": _parameters(recommendation),
    }


def strip_of(recommendation: Recommendation) -> Strip | None:
    """The boundaries at the current dose for as many as are evaluable there; none for an MTD, which has a curve."""
    dose = recommendation.inputs["current_dose"]
    n, y = tally_of(recommendation.inputs).at(dose)
    row = next((r for r in recommendation.shown["boundaries"] if r["n"] == n), None)
    if row is None or recommendation.kind == Kind.MTD:
        return None
    return boundary_strip(
        n=n,
        escalate_if_at_most=row["escalate_if_at_most"] if recommendation.kind == Kind.DOSE else None,
        de_escalate_if_at_least=row["de_escalate_if_at_least"],
        eliminate_if_at_least=row["eliminate_if_at_least"],
        here=y,
        words=_strip_words(recommendation),
    )


def tree_of(recommendation: Recommendation) -> Tree | None:
    """The dose paths if this is accepted; None of one that another engine made: it keeps the table stored with it."""
    if recommendation.engine_version != ENGINE_VERSION or not recommendation.shown["next"]:
        return None
    return tree_ahead(recommendation.inputs)


def _strip_words(recommendation: Recommendation) -> dict[str, str]:
    if not recommendation.shown.get("counts_only"):
        return WORDS
    return EXPANSION_WORDS if recommendation.kind == Kind.MONITORING else COUNTING_WORDS


def curve_of(recommendation: Recommendation) -> Curve | None:
    if recommendation.kind != Kind.MTD or recommendation.shown.get("counts_only"):
        return None
    selected = recommendation.level.ordinal if recommendation.level else None
    return draw_curve(recommendation.shown["levels"], target=recommendation.shown["target"], selected=selected)


def levels_of(recommendation: Recommendation, shown: dict[str, Any], urls: dict[str, str]) -> list[LevelShown]:
    """Who counts, from the highest dose down."""
    inputs = recommendation.inputs
    return [
        LevelShown(
            row["label"],
            row["n"],
            row["y"],
            row["level"] == inputs["current_dose"],
            row["closed"],
            tuple(p for p in _people(shown, urls, set(COUNTS), row["level"])),
        )
        for row in reversed(shown["levels"])
    ]


def _people(
    shown: dict[str, Any], urls: dict[str, str], standings: set[str], level: int | None = None
) -> tuple[PersonShown, ...]:
    return tuple(
        PersonShown(
            code=p["patient"],
            url=urls.get(p["patient"], ""),
            dlt=p["standing"] == Standing.EVALUABLE_DLT,
            reason=p["reason"],
            note=_note(p, shown),
        )
        for p in shown["people"]
        if p["standing"] in standings and level in (None, p["level"])
    )


def _readable(person: dict[str, Any], reader: Reader) -> dict[str, Any]:
    """A person as this reader may see them: of another site's patients the site and the standing, not more."""
    if reader.sees(person["patient"]):
        return {**person, "replaced_by": reader.text(person["replaced_by"])}
    hidden = {"patient": reader.text(person["patient"]), "replaced_by": reader.text(person["replaced_by"])}
    return {**person, **hidden, "reason": "", "waits_for": []}


def _note(person: dict[str, Any], shown: dict[str, Any]) -> str:
    at = shown["levels"][person["level"] - 1]["label"]
    if person["replaced_by"]:
        return f"at {at}, replaced by {person['replaced_by']}"
    return f"at {at}, a place for a replacement was added" if person["place_added"] else f"at {at}"


def _patient_urls(page: StudyPage) -> dict[str, str]:
    """Addresses of the patients whom the reader may open, by code (one query)."""
    if not page.may(Permission.VIEW_PATIENTS) and not page.held:
        return {}
    codes = Patient.objects.registered().filter(visible_sites(page.user, page.study), study=page.study)
    return {code: reverse("labs:patient", args=[page.study.key, code]) for code in codes.values_list("code", flat=True)}


def _decisions_on(recommendation: Recommendation) -> list[Decision]:
    chosen = recommendation.decisions.select_related(
        "level", "proposed_by", "study", "recommendation__level", "recommendation__study", "opened_cohort__level"
    )
    return list(chosen.order_by("-pk"))


def _decisions(
    recommendation: Recommendation, situation: Situation, study: Study, reader: Reader
) -> list[DecisionShown]:
    """Newest first; every signature on them is verified, with one query for all."""
    decisions = _decisions_on(recommendation)
    given = {d.pk: signatures_of(d) for d in decisions}
    records = {d.pk: decision_record(d) for d in decisions}
    verdicts = verify(
        [s for signatures in given.values() for s in signatures],
        {s.pk: records[pk] for pk, signatures in given.items() for s in signatures},
    )
    said_no = DeclinedSignature.objects.filter(record_kind=RECORD_KIND, record_key__in=[str(pk) for pk in given])
    shown = [_decision(d, given[d.pk], verdicts, situation, study, reader) for d in decisions]
    return [_with_declined(one, list(said_no), study, reader) for one in shown]


def _with_declined(
    shown: DecisionShown, declined: list[DeclinedSignature], study: Study, reader: Reader
) -> DecisionShown:
    mine = [declined_shown(d, study.time_zone) for d in declined if d.record_key == str(shown.decision.pk)]
    readable = tuple(replace(one, meaning=reader.text(one.meaning)) for one in mine)
    return replace(shown, signatures=shown.signatures + readable) if mine else shown


def _decision(
    decision: Decision,
    given: list[Signature],
    verdicts: dict[int, Verdict],
    situation: Situation,
    study: Study,
    reader: Reader,
) -> DecisionShown:
    waiting = roles_waiting(decision, given)
    in_force = decision.status != Decision.Status.WITHDRAWN
    rows = [signature_shown(s, verdicts[s.pk], study.time_zone) for s in given]
    if in_force:
        rows += [_awaited(study, role) for role in waiting]
    kind = decision.recommendation.kind
    return DecisionShown(
        decision=decision,
        words=choice_words(kind, decision.choice, decision.level),
        statement=statement(kind, decision.choice, decision.level),
        signatures=tuple(rows),
        waiting=tuple(waiting) if in_force else (),
        withdrawn_reason=reader.text(decision.withdrawn_reason),
        changes=reader.changes(changes_since_signing(decision, situation.tally)),
    )


def _awaited(study: Study, role: str) -> SignatureShown:
    held = Membership.objects.in_force().filter(study=study, role=role, site=None).select_related("user")
    names = " or ".join(m.user.full_name for m in held)
    return SignatureShown(signer=names or "Nobody holds this role", role=role_words(role), status="waiting")


def _parameters(recommendation: Recommendation) -> list[dict[str, str]]:
    design = recommendation.inputs["design"]
    rows = [{"label": "design", "value": DESIGNS[design["name"]]}]
    for name, value in design["parameters"].items():
        shown = (
            "not set"
            if value is None
            else {True: "yes", False: "no"}.get(value, value)
            if isinstance(value, bool)
            else value
        )
        rows.append(
            {"label": name.replace("_", " "), "value": f"{shown:g}" if isinstance(shown, float) else str(shown)}
        )
    return rows
