"""The card that says what a study waits for, and the one thing that the reader can do about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.urls import reverse

from dosing.conclusion import tally_of
from dosing.models import Recommendation
from dosing.queries import Situation, Stage, Wait
from dosing.queries.reader import reader_with
from dosing.queries.record import roles_waiting, signatures_of
from dosing.words import answer_of, role_words
from trials.access import StudyPage
from trials.models import Part
from trials.permissions import Permission

Kind = Recommendation.Kind


@dataclass(frozen=True)
class Card:
    """headline with its colour, sentences, whom it waits for, and at most one action (`post`: a button that writes)."""

    eyebrow: str
    headline: str
    sentences: tuple[str, ...] = ()
    colour: str = ""
    waits: tuple[Wait, ...] = ()
    action: str = ""
    url: str = ""
    post: bool = False
    note: str = ""


def card_of(page: StudyPage, situation: Situation) -> Card:
    """What stands on top of the Study page, and on the Decision page while there is no recommendation."""
    reader = reader_with(page.held, page.study)
    situation = replace(
        situation,
        waits=reader.waits(situation.waits),
        changes=reader.changes(situation.changes),
        reconsider=tuple(replace(r, changes=reader.changes(r.changes)) for r in situation.reconsider),
    )
    build = {
        Stage.NOT_STARTED: _not_started,
        Stage.ENROLLING: _enrolling,
        Stage.WAITING_FOR_DATA: _waiting,
        Stage.DECIDABLE: _decidable,
        Stage.RECOMMENDED: _recommended,
        Stage.SIGNING: _recommended,
        Stage.OUTDATED: _outdated,
        Stage.HELD: _held,
        Stage.EXPANSION: _expansion,
        Stage.FINISHED: _finished,
    }[situation.stage]
    return build(page, situation)


def _ask(page: StudyPage, situation: Situation, label: str) -> dict[str, object]:
    """The button that asks for a recommendation, for whoever may and where one can be had."""
    if not situation.decidable or not page.may(Permission.ISSUE_RECOMMENDATION):
        return {}
    return {"action": label, "url": reverse("dosing:recommend", args=[page.study.key]), "post": True}


def _cohort_words(situation: Situation) -> str:
    cohort = situation.tally.cohort
    return f"Cohort {cohort.number} at {cohort.level.label}" if cohort else "No cohort"


def _not_started(page: StudyPage, situation: Situation) -> Card:
    return Card("Next dose", "The study has not started", ("The first cohort opens when the study goes live.",))


def _enrolling(page: StudyPage, situation: Situation) -> Card:
    free, held = len(situation.tally.free_slots), len(situation.tally.reserved_slots)
    slots = "1 slot" if free == 1 else f"{free} slots"
    reserved = f", {held} of them reserved" if held and free > 1 else ", reserved" if held else ""
    sentence = f"{slots} to fill{reserved}. The next dose is decided on the data of the whole cohort."
    card = Card(_cohort_words(situation), "Waiting for patients", (sentence,), "stay", _people(situation))
    if not any(page.may(Permission.SCREEN_PATIENTS, m.site) for m in page.held):
        return card
    return Card(
        **{**card.__dict__, "action": "Screen a patient", "url": reverse("patients:screen", args=[page.study.key])}
    )


def _people(situation: Situation) -> tuple[Wait, ...]:
    return tuple(w for w in situation.waits if w.standing is not None)


def _waiting(page: StudyPage, situation: Situation) -> Card:
    who = "one answer" if len(situation.waits) == 1 else f"{len(situation.waits)} answers"
    sentence = f"The next dose still depends on {who}:"
    return Card(_cohort_words(situation), "Not decidable yet", (sentence,), "stay", situation.waits)


def _decidable(page: StudyPage, situation: Situation) -> Card:
    headline, sentence = {
        Kind.DOSE: ("The next dose can be decided", "Everybody in the cohort is evaluable or replaced."),
        Kind.MTD: ("The MTD can be selected", "The escalation has its data together."),
        Kind.MONITORING: ("A boundary is crossed", "Toxicity at this dose asks for a decision before it goes on."),
    }[Kind(situation.kind or Kind.DOSE)]
    if situation.reconsider:
        headline, sentence = "A signed decision has to be reconsidered", reconsider_words(situation)
    elif situation.kind == Kind.DOSE and any(situation.tally.pending):
        sentence = "Every possible outcome of the patients still in their window gives the same next dose."
    label = "Ask for the MTD" if situation.kind == Kind.MTD else "Ask for the recommendation"
    return Card(_cohort_words(situation), headline, (sentence,), **_ask(page, situation, label))  # type: ignore[arg-type]


def reconsider_words(situation: Situation) -> str:
    """'Decisions 2, 3 and 4 rest on data that changed since: A-002 at 15 mg: evaluable, no DLT → DLT.'"""
    numbers = sorted(r.decision.recommendation.number for r in situation.reconsider)
    changes = sorted({c.sentence for r in situation.reconsider for c in r.changes})
    if len(numbers) == 1:
        return f"Decision {numbers[0]} rests on data that changed since it was signed: {'; '.join(changes)}."
    named = f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
    return f"Decisions {named} rest on data that changed since they were signed: {'; '.join(changes)}."


def _recommended(page: StudyPage, situation: Situation) -> Card:
    newest, decision = situation.newest, situation.decision
    assert newest is not None
    waiting = roles_waiting(decision, signatures_of(decision)) if decision else []
    note = "nobody has signed yet"
    if decision is not None:
        names = " and ".join(role_words(r) for r in waiting)
        asked = len(decision.roles_required)
        note = f"{asked - len(waiting)} of {asked} signed; waiting for the {names}"
    may_sign = page.may(Permission.SIGN_DECISION) and (decision is None or bool(page.roles & set(waiting)))
    return Card(
        f"Recommendation {newest.number} · {after_words(newest)}",
        newest.shown["answer"],
        (f"{newest.reason}.",),
        newest.shown["colour"],
        action="Read and sign" if may_sign else "Read it",
        url=reverse("dosing:decision", args=[page.study.key]),
        note=note,
    )


def _outdated(page: StudyPage, situation: Situation) -> Card:
    changes = tuple(f"{c.sentence}." for c in situation.changes)
    headline = "The data changed before everybody signed"
    sentences = ("The recommendation no longer stands and cannot be signed.", *changes)
    waits = () if situation.decidable else situation.waits
    action = _ask(page, situation, "Ask for a new recommendation")
    return Card(_cohort_words(situation), headline, sentences, "out", waits, **action)  # type: ignore[arg-type]


def _held(page: StudyPage, situation: Situation) -> Card:
    last = situation.signed[0]
    sentences = (f"“{last.comment}”", "Nobody can be registered until a new decision is signed.")
    action = _ask(page, situation, "Ask for a new recommendation")
    card = Card(_cohort_words(situation), "Registration is on hold", sentences, "down", **action)  # type: ignore[arg-type]
    return card if situation.decidable else Card(**{**card.__dict__, "waits": situation.waits})


def _expansion(page: StudyPage, situation: Situation) -> Card:
    tally = situation.tally
    part, cohort = tally.part(Part.Kind.EXPANSION), tally.cohort
    assert part is not None
    assert cohort is not None
    registered = len(tally.in_part(Part.Kind.EXPANSION))
    n, y = tally.pooled.at(cohort.level.ordinal)
    sentences = (
        f"{registered} of {part.planned_patients} registered.",
        f"{y} of {n} had a DLT at {cohort.level.label} in both parts together: no boundary is crossed.",
    )
    return Card("Dose expansion", f"Go on at {cohort.level.label}", sentences)


def _finished(page: StudyPage, situation: Situation) -> Card:
    last = situation.signed[0] if situation.signed else None
    answer = answer_of(last.recommendation) if last else "No further dose is to be decided"
    url = reverse("dosing:decision-detail", args=[page.study.key, last.recommendation.number]) if last else ""
    return Card(
        "Dose finding has ended",
        answer,
        ("Treated patients are followed on.",),
        action="Read the decision" if url else "",
        url=url,
    )


def after_words(recommendation: Recommendation) -> str:
    """'after 10 patients'."""
    n = tally_of(recommendation.inputs).total_treated
    return f"after {n} evaluable patient{'' if n == 1 else 's'}"
