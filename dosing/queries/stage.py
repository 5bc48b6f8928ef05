"""Where a study stands between two decisions, and what it waits for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dosing.conclusion import agreed, conclude, outcomes_of
from dosing.engine import Action, Advice, Lookahead
from dosing.models import Decision, Recommendation
from dosing.queries.changes import Change, Reconsider, changes_since, is_stale, reconsider, signed_decisions
from dosing.queries.inputs import inputs_now
from dosing.queries.tally import TrialTally, level_of, tally_now
from patients.evaluability import PatientStanding, Standing
from trials.models import Part, Study

Kind = Recommendation.Kind


class Stage(StrEnum):
    """The next step of a study, or what it waits for."""

    NOT_STARTED = "not-started"
    ENROLLING = "enrolling"
    WAITING_FOR_DATA = "waiting-for-data"
    DECIDABLE = "decidable"
    RECOMMENDED = "recommended"
    SIGNING = "signing"
    OUTDATED = "outdated"
    HELD = "held"
    EXPANSION = "expansion"
    FINISHED = "finished"


@dataclass(frozen=True)
class Wait:
    """Somebody or something that a recommendation waits for, and what the answer would change.

    standing: the patient's, None for a place nobody has taken. if_dlt, if_none: the next doses that are then possible,
    in words; empty where the answer is not a DLT.
    """

    who: str
    what: str
    standing: PatientStanding | None = None
    if_dlt: str = ""
    if_none: str = ""


@dataclass(frozen=True)
class Situation:
    """Where a study stands at a moment.

    kind: what can be recommended (DECIDABLE), else None. ahead: the look-ahead over the pending patients.
    newest: the newest recommendation; decision: the one in force on it. changes: what changed since it was issued.
    """

    stage: Stage
    tally: TrialTally
    kind: Kind | None = None
    ahead: Lookahead | None = None
    waits: tuple[Wait, ...] = ()
    newest: Recommendation | None = None
    decision: Decision | None = None
    changes: tuple[Change, ...] = ()
    reconsider: tuple[Reconsider, ...] = ()
    signed: tuple[Decision, ...] = ()

    @property
    def study(self) -> Study:
        return self.tally.study

    @property
    def decidable(self) -> bool:
        """Whether a recommendation can be issued now."""
        return self.kind is not None

    def inputs(self) -> dict[str, Any]:
        """What the recommendation would be made of."""
        assert self.kind is not None
        return inputs_now(self.tally, self.kind)


def where_we_stand(study: Study, moment: dt.datetime) -> Situation:
    """The study's situation at a moment, with a constant number of queries."""
    tally = tally_now(study, moment)
    issued = study.recommendations.select_related("level", "cohort__level", "version", "issued_by")
    newest = issued.order_by("-number").first()
    signed = signed_decisions(study)
    decision = _in_force(newest)
    found = Situation(
        stage=Stage.NOT_STARTED,
        tally=tally,
        newest=newest,
        decision=decision,
        signed=tuple(signed),
        reconsider=tuple(reconsider(tally, signed, newest)),
    )
    if tally.cohort is None:
        return found
    waiting = newest is not None and (decision is None or decision.status == Decision.Status.PROPOSED)
    if newest is not None and waiting:
        if not is_stale(newest, tally):
            return _with(found, Stage.SIGNING if decision else Stage.RECOMMENDED)
        found = _with(found, found.stage, changes=changes_since(newest, tally))
        fresh = _fresh(found)
        return _with(fresh, Stage.OUTDATED) if decision else fresh
    return _fresh(found)


def _with(situation: Situation, stage: Stage, **more: Any) -> Situation:
    return Situation(**{**situation.__dict__, "stage": stage, **more})


def _in_force(newest: Recommendation | None) -> Decision | None:
    if newest is None:
        return None
    decisions = newest.decisions.exclude(status=Decision.Status.WITHDRAWN)
    return decisions.select_related("level", "proposed_by", "recommendation").first()


def _fresh(found: Situation) -> Situation:
    """The situation by the data alone, with no recommendation that still stands on them."""
    tally = found.tally
    escalation = tally.part(Part.Kind.ESCALATION)
    expansion = tally.part(Part.Kind.EXPANSION)
    if tally.in_expansion:
        if expansion is not None and expansion.ended_at is not None:
            return _with(found, Stage.FINISHED)
        return _expansion(found)
    if escalation is not None and escalation.ended_at is not None:
        return _with(found, Stage.FINISHED)
    return _escalation(found)


def _expansion(found: Situation) -> Situation:
    held = _held(found)
    if conclude(inputs_now(found.tally, Kind.MONITORING)).action != Action.STAY:
        return _with(found, Stage.HELD if held else Stage.DECIDABLE, kind=Kind.MONITORING)
    if found.reconsider and not any(found.tally.pending):
        return _with(found, Stage.DECIDABLE, kind=Kind.MTD)
    # A hold ends with a signed decision only, so there has to be something to decide on.
    return _with(found, Stage.HELD, kind=Kind.MONITORING) if held else _with(found, Stage.EXPANSION)


def _escalation(found: Situation) -> Situation:
    tally, held = found.tally, _held(found)
    inputs = inputs_now(tally, Kind.DOSE)
    ahead = outcomes_of(inputs)
    answer = agreed(inputs, ahead)
    stops = _stopped(found) or (answer is not None and answer.action == Action.STOP)
    waits = tuple(_waits(found, ahead, everybody=stops))
    ready = not any(tally.pending) if stops else answer is not None
    if ready and _open_places(found) and not stops:
        ready = _down_whoever_comes(inputs, tally, _open_places(found))
    if ready:
        kind = Kind.MTD if stops else Kind.DOSE
        stage = Stage.HELD if held else Stage.DECIDABLE
        return _with(found, stage, kind=kind, ahead=ahead, waits=waits)
    waiting = Stage.ENROLLING if tally.free_slots else Stage.WAITING_FOR_DATA
    return _with(found, Stage.HELD if held else waiting, ahead=ahead, waits=waits)


def _held(found: Situation) -> bool:
    """Whether the newest signed decision holds registration."""
    return any(d.choice == Decision.Choice.HOLD for d in _on_this_cohort(found)[:1])


def _stopped(found: Situation) -> bool:
    """Whether the signers stopped the escalation. A hold signed afterwards does not undo it."""
    decided = [d.choice for d in _on_this_cohort(found) if d.choice != Decision.Choice.HOLD]
    return decided[:1] == [Decision.Choice.STOP]


def _on_this_cohort(found: Situation) -> list[Decision]:
    """Signed decisions on the newest cohort's data, newest first: they left the cohort as the newest."""
    cohort = found.tally.cohort
    return [d for d in found.signed if cohort is not None and d.recommendation.cohort_id == cohort.pk]


def _unreplaced(tally: TrialTally) -> list[PatientStanding]:
    """Patients of the open cohort who do not count and whose place has not been given to somebody else."""
    if tally.open_cohort is None:
        return []
    return [s for s in tally.of_cohort if s.standing == Standing.NOT_EVALUABLE and not s.replaced]


def _open_places(found: Situation) -> int:
    """Places of the open cohort that still have to be filled before its data are complete.

    A decision that has to be reconsidered does not wait for the cohort that it opened to fill.
    """
    if found.reconsider:
        return 0
    return len(found.tally.free_slots) + len(_unreplaced(found.tally))


def _down_whoever_comes(inputs: dict[str, Any], tally: TrialTally, places: int) -> bool:
    """Whether the next dose is lower whatever happens to the patients who might still fill the cohort.

    Only then is a cohort left incomplete: nobody is put at a dose of which it is known already that it will be left.
    Lower means lower than the open cohort, which a look-ahead may have opened below the dose of those still pending.
    """
    assert tally.cohort is not None
    ordinal = tally.cohort.level.ordinal
    pending = tuple(n + places * (d == ordinal) for d, n in enumerate(inputs["pending"], 1))
    later, now = agreed(inputs, outcomes_of(inputs, pending)), agreed(inputs, outcomes_of(inputs))
    return later is not None and now is not None and later.dose == now.dose and (now.dose or 0) < ordinal


def _waits(found: Situation, ahead: Lookahead, *, everybody: bool) -> Iterator[Wait]:
    """Whom and what the next recommendation waits for; with `everybody`, who is looked ahead to as well."""
    tally = found.tally
    for standing in tally.in_escalation:
        if standing.standing == Standing.PENDING:
            with_dlt, without = _doses_if(ahead, level_of(standing).ordinal, tally.labels)
            what = "; ".join(m.what for m in standing.missing)
            yield Wait(standing.patient.code, what, standing, with_dlt, without)
    if found.reconsider or everybody:
        return
    for standing in _unreplaced(tally):
        yield Wait(standing.patient.code, f"a replacement: {standing.reason}", standing)
    for slot in tally.free_slots:
        held = slot.reserved_for_site
        what = f"a patient; it is reserved for {held.name}" if held else "a patient"
        yield Wait(f"Slot {slot.number} of cohort {slot.cohort.number}", what)


def _doses_if(ahead: Lookahead, ordinal: int, labels: tuple[str, ...]) -> tuple[str, str]:
    """The next doses that are possible if one pending patient at a dose has a DLT, and if not."""
    place = ordinal - 1
    with_dlt = {_next_of(o.advice) for o in ahead.outcomes if o.dlts[place] >= 1}
    without = {_next_of(o.advice) for o in ahead.outcomes if o.dlts[place] < ahead.pending[place]}
    return _next_words(with_dlt, labels), _next_words(without, labels)


NO_DOSE, THE_MTD = -1, 0  # what a stop leads to, ordered before the doses


def _next_of(advice: Advice) -> int:
    if advice.next_dose is not None:
        return advice.next_dose
    return NO_DOSE if advice.stop_reason is not None and advice.stop_reason.no_dose_is_safe else THE_MTD


def _next_words(doses: set[int], labels: tuple[str, ...]) -> str:
    stops = {NO_DOSE: "no dose is safe", THE_MTD: "the MTD is selected"}
    return " or ".join(stops.get(dose) or labels[dose - 1] for dose in sorted(doses))
