"""One step from its number: what is done follows from the number and from where the trial stands, from nothing else.

So a walk is a list of numbers; any of them can be left out, and what remains does what it did as far as it can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.properties import changes
from tests.properties import slow_model as slow
from tests.properties import steps_of_decisions as decisions
from tests.properties import steps_of_people as people
from tests.properties import steps_of_toxicity as toxicity
from tests.properties import steps_of_treatment as treatment
from tests.properties.trial import HOURS, Cast, Trial

Step = Callable[[Trial, Random, bool], object]

# How often each is tried, among those that are not the next thing to do.
ANYTHING: dict[Step, int] = {
    people.screen: 1,
    people.consent: 1,
    people.check: 1,
    people.register: 4,
    people.enrol: 3,
    people.reserve: 3,
    people.release: 2,
    people.fail_screening: 1,
    people.replace: 3,
    people.suspend: 2,
    people.resume: 2,
    people.move_day: 1,
    treatment.start: 5,
    treatment.correct_start: 5,
    treatment.doses: 4,
    treatment.measure: 2,
    treatment.infuse: 4,
    treatment.correct_infusion: 3,
    treatment.reduce: 4,
    treatment.interrupt: 4,
    treatment.discontinue: 3,
    treatment.correct_end: 3,
    treatment.retreat: 3,
    treatment.review: 1,
    treatment.follow_up: 3,
    toxicity.record_event: 7,
    toxicity.correct_event: 5,
    toxicity.judge: 5,
    toxicity.window: 4,
    toxicity.activity: 4,
    toxicity.sample: 3,
    toxicity.outcome: 2,
    decisions.recommend: 4,
    decisions.propose: 4,
    decisions.sign: 5,
    decisions.withdraw: 2,
}


def walk(cast: Cast, steps: Sequence[int]) -> Trial:
    """A trial driven through steps, with every rule held after each; it raises where one does not hold."""
    trial, taken = Trial(cast), list[int]()
    try:
        for number in filter(None, steps):
            taken.append(number)
            step(trial, Random(number))
        trial.end()
    except Exception as error:
        error.add_note("\n".join([*trial.story, f"the walk {taken}"]))
        raise
    return trial


def step(t: Trial, r: Random) -> None:
    what = r.random()
    if what < 0.65:
        onwards(t, r)
    else:
        chosen = r.choices(list(ANYTHING), list(ANYTHING.values()))[0]
        chosen(t, r, what > 0.8)


def onwards(t: Trial, r: Random) -> None:
    """The next thing to do in the trial, so that it gets somewhere."""
    if t.now.study.accrual_suspended_at is not None and not t.now.study.held_reason and r.random() < 0.3:
        people.resume(t, r, False)
    elif decisions.open_decision(t) is not None:
        decisions.sign(t, r, False)
    elif changes.waits(t.now):
        decisions.propose(t, r, False)
    elif not _about_a_patient(t, r) and not _about_the_cohort(t, r):
        t.wait(_days_to_wait(t, r), r.choice(HOURS))


def _days_to_wait(t: Trial, r: Random) -> int:
    """Mostly to the day on which the next window has ended or the next cycle is due."""
    ends = [(slow.window_of(t.now, p), p) for p in t.now.registered if slow.standing(t.now, p) == slow.PENDING]
    days = [((w[1] if w else treatment.next_due(t, p)) - t.today(p)).days + (w is not None) for w, p in ends]
    soon = [d for d in days if d > 0]
    return min(soon) if soon and r.random() < 0.7 else r.choice([1, 3, 7, 14])


def _about_a_patient(t: Trial, r: Random) -> bool:
    """What is due for one of the patients. Whether there was something."""
    for patient in r.sample(t.now.registered, len(t.now.registered)):
        if toxicity.settle(t, r, patient):
            return True
        window, today = slow.window_of(t.now, patient), t.today(patient)
        standing = slow.standing(t.now, patient)
        if standing == slow.PENDING and window is not None and today > window[1]:
            toxicity.window(t, r, False, patient)
            return True
        begun = patient.status in ("registered", "on_treatment") and treatment.next_due(t, patient) <= today
        if begun and (standing == slow.PENDING or r.random() < 0.03):
            late = (today - treatment.next_due(t, patient)).days > t.file["delay"]["limit_days"]
            (treatment.discontinue if late else treatment.start)(t, r, False, patient)
            return True
    return False


def _about_the_cohort(t: Trial, r: Random) -> bool:
    """A place that somebody can take, or a dose to be decided."""
    cohort = t.now.open_cohort
    used = {p.slot_id for p in t.now.registered}
    free = cohort is not None and any(s.id not in used for s in t.now.slots if s.cohort_id == cohort.id)
    if free and r.random() < 0.8:
        people.enrol(t, r, False)
        return True
    if cohort is not None and r.random() < 0.5:
        standings = {p.slot_id: slow.standing(t.now, p) for p in t.now.registered}
        if any(standings.get(s.id) == slow.NOT_EVALUABLE for s in t.now.slots if s.cohort_id == cohort.id):
            people.replace(t, r, False)
            return True
    pending = slow.PENDING in slow.count(t.now, "escalation").standings.values()
    if r.random() < (0.05 if free or pending else 0.9):
        return decisions.recommend(t, r, False)
    return False
