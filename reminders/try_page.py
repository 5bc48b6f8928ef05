"""The page of a rehearsal that is played: where it stands, what is true in it, and what can be played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dosing.models import Decision, Recommendation
from dosing.queries import Situation, where_we_stand
from dosing.study_page import decision_rows
from reminders.models import Play, Rehearsal
from reminders.rehearsal.days import has_ended
from reminders.rehearsal.fate import Scenario
from trials.access import StudyPage
from trials.days import day_words
from trials.permissions import Permission

NEWEST_DECISIONS = 8


@dataclass(frozen=True)
class LevelRow:
    """A dose level: what is true about it, and what was seen."""

    label: str
    toxicity: str
    evaluable: int
    dlts: int
    chip: str
    kind: str


def rehearsal_context(page: StudyPage, rehearsal: Rehearsal) -> dict[str, Any]:
    situation = where_we_stand(page.study, page.now)
    ended, play = has_ended(situation), rehearsal.plays.last()
    return {
        "rehearsal": rehearsal,
        "play": play,
        "running": play is not None and play.status == Play.Status.RUNNING,
        "ended": ended,
        "heading": _heading(page, rehearsal, situation, ended=ended),
        "figures": _figures(page, rehearsal, situation),
        "levels": _levels(rehearsal, situation),
        "truth": _truth(rehearsal),
        "registered": len(situation.tally.standings),
        "planned": sum(part.planned_patients for part in situation.tally.parts),
        "rows": decision_rows(page, situation, newest=NEWEST_DECISIONS),
        "may_play": page.may(Permission.MOVE_REHEARSAL_DAY),
    }


def _heading(page: StudyPage, rehearsal: Rehearsal, situation: Situation, *, ended: bool) -> str:
    mtd = _mtd(situation)
    if mtd is not None and mtd.level is not None:
        return f"The MTD is {mtd.level.label}" if ended else f"The MTD is {mtd.level.label}; the expansion goes on"
    if mtd is not None or ended:
        return "No dose is safe enough"
    cohort = situation.tally.cohort
    assert cohort is not None  # a rehearsal is live from the beginning
    return f"Day {_day_number(page, rehearsal)}, at {cohort.level.label}"


def _mtd(situation: Situation) -> Decision | None:
    """The newest signed decision about the MTD."""
    signed = (d for d in situation.signed if d.recommendation.kind == Recommendation.Kind.MTD)
    return max(signed, key=lambda d: d.recommendation.number, default=None)


def _day_number(page: StudyPage, rehearsal: Rehearsal) -> int:
    return (page.today - rehearsal.started_on).days + 1


def _figures(page: StudyPage, rehearsal: Rehearsal, situation: Situation) -> list[dict[str, Any]]:
    tally, cohort = situation.tally, situation.tally.open_cohort
    return [
        {"label": "Day", "value": _day_number(page, rehearsal), "note": day_words(page.today)},
        {"label": "Patients", "value": len(tally.standings), "note": f"{tally.pooled.total_treated} evaluable"},
        {"label": "With a DLT", "value": tally.pooled.total_dlts},
        {"label": "Present dose", "value": cohort.level.label if cohort else "none"},
        {"label": "Decisions signed", "value": len(situation.signed)},
    ]


def _levels(rehearsal: Rehearsal, situation: Situation) -> list[LevelRow]:
    scenario, tally, mtd = Scenario.from_dict(rehearsal.scenario), situation.tally, _mtd(situation)
    rows = []
    for level in tally.levels:
        place = level.ordinal - 1
        here = tally.open_cohort is not None and tally.open_cohort.level_id == level.pk
        chip, kind = ("present dose", "") if here else ("", "")
        if level.closed_at is not None:
            chip, kind = "closed", "out"
        if mtd is not None and mtd.level_id == level.pk:
            chip, kind = "MTD", "up"
        counts = tally.pooled
        toxicity = f"{scenario.toxicity[place]:.2f}"
        rows.append(LevelRow(level.label, toxicity, counts.treated[place], counts.dlts[place], chip, kind))
    return rows


def _truth(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    scenario = Scenario.from_dict(rehearsal.scenario)
    return [
        {"label": "Copied from", "value": rehearsal.source.key},
        {"label": "Patients a week", "value": f"{scenario.patients_per_week:g}"},
        {"label": "Who do not count", "value": f"{scenario.missed_doses:.0%}"},
        {"label": "Cycles that start late", "value": f"{scenario.late_starts:.0%}"},
        {"label": "Seed", "value": rehearsal.seed},
    ]
