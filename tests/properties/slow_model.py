"""The rules of the design's section 4 once more, slowly, over rows and the study file: who counts, and what follows.

Written from the rules, without the product's own functions; only the engine's advice is asked of the engine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from scipy.stats import beta

from dosing.engine import BoinDesign, DoseTally, ThreePlusThreeDesign
from tests.properties.tables import Row, Tables

DAY = dt.timedelta(days=1)
DLT, NO_DLT, PENDING, NOT_EVALUABLE = "evaluable_dlt", "evaluable_no_dlt", "pending", "not_evaluable"
COUNTS = (DLT, NO_DLT)
RELATED = ("possible", "probable", "definite")
Window = tuple[dt.date, dt.date]


def days_of(text: Any) -> list[int]:
    """'1-21', '-21 to -1' or a list, as the study file has it."""
    if isinstance(text, list):
        return list(text)
    first, last = text.split(" to ") if " to " in text else text.split("-")
    return list(range(int(first), int(last) + 1))


def planned_days(tables: Tables, cycle: Row, agent: str) -> list[dt.date]:
    """The days on which an agent is planned in a cycle that has started (not of the lead-in)."""
    rung = tables.file["reductions"]["ladder"][cycle.rung]
    doses = rung.get("doses") or next(lv for lv in tables.file["levels"] if lv["ordinal"] == rung["level"])["doses"]
    days = next((days_of(dose["days"]) for dose in doses if dose["agent"] == agent), [])
    return [cycle.started_on + (day - 1) * DAY for day in days]


def window_of(tables: Tables, patient: Row) -> Window | None:
    asked = tables.file["dlt"]["window"]
    for cycle in tables.of("cycles", patient):
        if cycle.number == asked["cycle"]:
            return cycle.started_on + (asked["from_day"] - 1) * DAY, cycle.started_on + (asked["to_day"] - 1) * DAY
    return None


def inside(window: Window | None, day: dt.date) -> bool:
    return window is not None and window[0] <= day <= window[1]


def rule_of(tables: Tables, event: Row) -> str:
    """The code of the first rule that fires for an event; "" for none."""
    drugs = {agent["code"] for agent in tables.file["agents"] if agent.get("investigational")}
    relations = relations_of(tables, event)
    related = any(relations.get(drug) in RELATED for drug in drugs)
    for rule in tables.file["dlt"]["rules"]:
        named, spared = rule.get("terms", []), rule.get("except_terms", [])
        fits = event.grade >= rule["minimum_grade"] and (not named or event.term in named) and event.term not in spared
        if fits and (related or not rule.get("related", True)):
            return str(rule["code"])
    return ""


def relations_of(tables: Tables, event: Row) -> dict[str, str]:
    return {a.agent: a.relation for a in tables.attributions if a.event_id == event.id}


def newest_judgement(tables: Tables, event: Row) -> Row | None:
    return next((j for j in reversed(tables.judgements) if j.event_id == event.id), None)


def waits_for_a_judgement(tables: Tables, event: Row, window: Window | None) -> bool:
    judged, within, rule = newest_judgement(tables, event), inside(window, event.onset_on), rule_of(tables, event)
    if judged is not None and judged.is_dlt:
        return not within
    if not rule or not within:
        return False
    if judged is None or not judged.confirmed:
        return True
    then = (judged.term, judged.detail, judged.grade, judged.relations, judged.rule, judged.in_window)
    return then != (event.term, event.detail, event.grade, relations_of(tables, event), rule, within)


def standing(tables: Tables, patient: Row) -> str:
    """DLT, evaluable without one, pending or not evaluable."""
    window, events = window_of(tables, patient), tables.of("events", patient)
    if any(inside(window, e.onset_on) and (j := newest_judgement(tables, e)) and j.is_dlt for e in events):
        return DLT
    if any(waits_for_a_judgement(tables, event, window) for event in events):
        return PENDING
    if window is None:
        ended = any(end.retreated_on is None for end in tables.of("ends", patient))
        return NOT_EVALUABLE if ended else PENDING
    _, lost = doses_in(tables, patient, window)
    entered = next((w for w in tables.of("windows", patient) if w.closed_on == window[1]), None)
    fits = entered is not None and entered.taken <= entered.planned - lost
    if tables.today(patient) <= window[1] and not _fell_short(tables, patient, window, entered if fits else None):
        return PENDING
    if entered is None or not fits:
        return PENDING
    return NO_DLT if _enough(tables, entered.taken, entered.planned) else NOT_EVALUABLE


def _enough(tables: Tables, taken: int, planned: int) -> bool:
    least = Fraction(Decimal(str(tables.file["dlt"]["minimum_exposure"]["fraction"])))
    return taken >= least * planned


def _fell_short(tables: Tables, patient: Row, window: Window, entered: Row | None) -> bool:
    """Treatment ended inside the window, with too few doses for the minimum."""
    if not any(end.on <= window[1] for end in tables.of("ends", patient)):
        return False
    planned, lost = doses_in(tables, patient, window)
    taken, of = (entered.taken, entered.planned) if entered else (planned - lost, planned)
    return not _enough(tables, taken, of)


def doses_in(tables: Tables, patient: Row, window: Window) -> tuple[int, int]:
    """(planned, of these not possible) days of the exposure agent in the window."""
    agent = tables.file["dlt"]["minimum_exposure"]["agent"]
    cycles = [c for c in tables.of("cycles", patient) if c.number > 0]
    days = [day for c in cycles for day in planned_days(tables, c, agent) if inside(window, day)]
    gaps = [(i.from_day, i.to_day or dt.date.max) for i in tables.of("interruptions", patient) if i.agent == agent]
    gaps += [(e.on + DAY, e.retreated_on - DAY if e.retreated_on else dt.date.max) for e in tables.of("ends", patient)]
    return len(days), sum(any(first <= day <= last for first, last in gaps) for day in days)


@dataclass(frozen=True)
class Count:
    """n, y and pending per level; `standings` by the patient's id."""

    n: tuple[int, ...]
    y: tuple[int, ...]
    pending: tuple[int, ...]
    standings: dict[int, str]

    @property
    def tally(self) -> DoseTally:
        return DoseTally(treated=self.n, dlts=self.y)


def count(tables: Tables, part: str | None = None) -> Count:
    """Everybody registered, or those of a part, once at the level they were assigned."""
    people = [p for p in tables.registered if part is None or tables.part(p.part_id) == part]
    standings = {p.id: standing(tables, p) for p in people}

    def at_levels(*wanted: str) -> tuple[int, ...]:
        here = [tables.level(p.assigned_level_id) for p in people if standings[p.id] in wanted]
        return tuple(here.count(level.ordinal) for level in tables.levels)

    return Count(at_levels(*COUNTS), at_levels(DLT), at_levels(PENDING), standings)


def design_of(file: dict[str, Any]) -> BoinDesign | ThreePlusThreeDesign:
    if file["design"]["name"] == "boin":
        plan = file["escalation"]
        return BoinDesign(target=0.30, max_patients=plan["maximum_patients"], cohort_size=plan["cohort_size"])
    return ThreePlusThreeDesign(de_escalate=True, complete_highest=True)


def too_toxic(file: dict[str, Any], n: int, y: int) -> bool:
    """Whether y DLTs among n evaluable patients close a dose, by the published rules."""
    if file["design"]["name"] == "boin":
        target = file["design"]["parameters"]["target"]
        return n >= 3 and bool(beta.sf(target, 1 + y, 1 + n - y) > 0.95)
    return n >= 2 and y >= (2 if n <= 6 else -(-n // 3))


def current_level(tables: Tables) -> int:
    """Of the newest cohort in which somebody was registered; the newest cohort's while nobody was."""
    used = {slot.cohort_id for p in tables.registered if (slot := tables.get("slots", p.slot_id))}
    cohort = next((c for c in reversed(tables.cohorts) if c.id in used), tables.cohorts[-1])
    found = tables.level(cohort.level_id)
    assert found is not None
    return found


def outcomes(pending: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every number of DLTs that pending patients can have, per level."""
    if not pending:
        yield ()
        return
    for rest in outcomes(pending[1:]):
        yield from ((dlts, *rest) for dlts in range(pending[0] + 1))


def possible_doses(file: dict[str, Any], counted: Count, current: int, pending: tuple[int, ...]) -> set[int | None]:
    """The next doses that the engine advises over every outcome of the pending patients; None for a stop."""
    design, found = design_of(file), set()
    for dlts in outcomes(pending):
        n = tuple(a + b for a, b in zip(counted.n, pending, strict=True))
        y = tuple(a + b for a, b in zip(counted.y, dlts, strict=True))
        found.add(design.advise(DoseTally(treated=n, dlts=y), current).next_dose)
    return found


def mtd_by_counts(counted: Count) -> int | None:
    """3+3: the highest dose below every one with two DLTs, if six patients were evaluated there."""
    safe = next((place for place, y in enumerate(counted.y) if y >= 2), len(counted.y))
    return safe if safe and counted.n[safe - 1] >= 6 else None
