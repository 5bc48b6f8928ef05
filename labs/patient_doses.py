"""Doses on the patient's page: height and weight, what is to be given today, and what was given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from labs.patient_case import PatientCase
from labs.words import first_upper, listed
from patients import schedule
from patients.body_size import body_surface, capped, newest, number, out_of_date
from patients.doses_to_give import dose_to_give
from patients.infusions import PlannedInfusion, planned_infusions, to_give
from patients.models import Administration, Patient
from patients.place import place_words
from patients.regimen import dose_dates, short_day, span_words
from patients.schedule import cycle_words
from trials.days import day_words as date_words
from trials.permissions import Permission
from trials.protocol_doses import FORMULA_NAMES

FINISHED = (Patient.Status.EVENT_MONITORING, Patient.Status.OFF_STUDY)


@dataclass(frozen=True)
class InfusionRow:
    """A planned infusion: its day, what is to be given or was given, how that is computed, and where to record it."""

    title: str
    amount: str
    detail: str
    calculation: str = ""
    chip: str = ""
    chip_kind: str = ""
    url: str = ""
    action: str = ""


@dataclass(frozen=True)
class BodySize:
    """Height and weight as they are now. caution: missing, or out of date. url: where to record them."""

    words: str
    caution: str
    url: str


@dataclass(frozen=True)
class Doses:
    """Of a patient whose doses follow from body size, or who has infusions. earlier: those of the cycles before."""

    today: str
    body_size: BodySize | None
    infusions: tuple[InfusionRow, ...]
    earlier: tuple[InfusionRow, ...]


def doses_of(case: PatientCase) -> Doses | None:
    """None where nothing is dosed by body size and nothing is infused: the page then says nothing of it."""
    protocols = [version.protocol for _, version in schedule.versions_of(case.patient)]
    if not any(p.by_body_size or any(dose.given_singly for dose in p.all_doses) for p in protocols):
        return None
    last = case.cycles[-1].pk if case.cycles else None
    rows = [(i.cycle.pk == last or i.open, infusion_row(case, i)) for i in infusions_of(case)]
    return Doses(
        today=_today(case),
        body_size=body_size(case),
        infusions=tuple(row for now, row in rows if now),
        earlier=tuple(row for now, row in rows if not now),
    )


def infusions_of(case: PatientCase) -> list[PlannedInfusion]:
    """All planned infusions of the patient's started cycles."""
    return planned_infusions(case.patient, case.cycles) if case.registered else []


def open_now(case: PatientCase) -> list[PlannedInfusion]:
    """Those that can be recorded: nothing is recorded of them, and their window has opened."""
    return [infusion for infusion in infusions_of(case) if infusion.open and infusion.window_from <= case.today]


def record_url(case: PatientCase, infusion: PlannedInfusion) -> str:
    where = reverse("patients:infusion", args=[case.key, case.patient.code])
    return f"{where}?agent={infusion.dose.agent}&on={infusion.planned_on.isoformat()}"


def amount_now(case: PatientCase, infusion: PlannedInfusion) -> tuple[str, str]:
    """What is to be given, and how it is computed: today where the window is open, else on the planned day."""
    inside = infusion.window_from <= case.today <= infusion.window_to
    dose = to_give(case.patient, infusion, case.today if inside else infusion.planned_on)
    return dose.amount_words, " ".join(part for part in (f"{dose.words}.".replace("..", "."), dose.caution) if part)


def body_size(case: PatientCase) -> BodySize | None:
    """Height, weight and body surface; None where nothing is dosed by them."""
    plan = case.protocol.calculation
    if plan is None:
        return None
    may_record = case.may(Permission.RECORD_CLINICAL)
    url = reverse("patients:measure", args=[case.key, case.patient.code]) if may_record else ""
    rows = list(case.patient.measurements.all())
    last = newest(rows, case.today)
    if last is None:
        return BodySize("Not recorded", "Doses by body size cannot be told without them.", url)
    words = f"{number(last.height_cm)} cm, {number(last.weight_kg)} kg on {date_words(last.measured_on)}"
    if plan.bsa_formula is not None:
        surface = capped(plan, body_surface(plan, last.height_cm, last.weight_kg))
        words += f": {surface} m² ({FORMULA_NAMES[plan.bsa_formula]})"
    if not out_of_date(rows, plan, case.today) or case.patient.status in FINISHED:
        return BodySize(words, "", url)
    age = (case.today - last.measured_on).days
    caution = f"{age} days old; the protocol allows {plan.measurement_days}. Measure again before the next dose."
    return BodySize(words, caution, url)


def _today(case: PatientCase) -> str:
    """'Today, cycle 1, day 8 of 28: lenalidomide 10 mg and cetuximab 465 mg.'; nothing outside of treatment."""
    if case.place is None or not case.on_treatment:
        return ""
    cycle, day = case.place
    protocol = case.protocol_of_cycle(cycle)
    if day > protocol.cycle_length(cycle.number):
        return ""
    words = list(_given_today(case))
    what = listed(words) if words else "nothing is planned to be given"
    return f"Today, {place_words(protocol, cycle, day)}: {what}."


def _given_today(case: PatientCase) -> Iterator[str]:
    assert case.place is not None
    cycle = case.place[0]
    rung = max(cycle.rung, schedule.rung_on(case.patient, case.today))
    protocol = case.protocol_of_cycle(cycle)
    for dose in protocol.counted_doses(cycle.number, rung):
        if case.today in dose_dates(dose, cycle.started_on):
            told = dose_to_give(case.patient, protocol, dose, case.today)
            yield f"{told.name.lower()} {told.amount_words}"
    for infusion in infusions_of(case):
        if infusion.planned_on == case.today and not infusion.interrupted:
            amount = _recorded_amount(infusion.recorded) if infusion.recorded else amount_now(case, infusion)[0]
            yield f"{protocol.agent(infusion.dose.agent).name.lower()} {amount}"


def infusion_row(case: PatientCase, infusion: PlannedInfusion) -> InfusionRow:
    protocol = case.protocol_of_cycle(infusion.cycle)
    name = protocol.agent(infusion.dose.agent).name
    place = f"{cycle_words(infusion.cycle.number)} {infusion.day_words(protocol)}"
    title = f"{name}, {place}"
    if infusion.recorded is not None:
        return _recorded_row(case, title, infusion.recorded)
    if infusion.interrupted:
        detail = f"planned on {short_day(infusion.planned_on)}"
        return InfusionRow(title, "Not given", detail, chip="interruption", chip_kind="stay")
    amount, calculation = amount_now(case, infusion)
    chip, kind, url = "", "", ""
    if infusion.window_from <= case.today:
        chip, kind = ("overdue", "out") if infusion.window_to < case.today else ("due", "")
        url = record_url(case, infusion) if case.may(Permission.RECORD_CLINICAL) else ""
    detail = f"planned on {date_words(infusion.planned_on)}"
    if infusion.window_from != infusion.window_to:
        detail += f"; possible {span_words(infusion.window_from, infusion.window_to)}"
    return InfusionRow(title, amount, detail, calculation, chip, kind, url, "Record")


def _recorded_row(case: PatientCase, title: str, row: Administration) -> InfusionRow:
    url = ""
    if case.may(Permission.RECORD_CLINICAL):
        url = reverse("patients:correct-infusion", args=[case.key, case.patient.code, row.pk])
    if row.given_on is None or row.amount_to_give is None:
        reason = first_upper(row.reason)
        return InfusionRow(title, "Not given", reason, chip="not given", chip_kind="neutral", url=url, action="Correct")
    detail = f"given on {date_words(row.given_on)}"
    other = row.given_amount != row.amount_to_give
    if other:
        detail += f"; to give was {number(row.amount_to_give)} {row.unit}"
    if row.reason:
        detail += f". {row.reason}"
    chip, kind = ("other amount", "down") if other and row.reason else ("given", "up")
    words = row.calculation["words"]
    return InfusionRow(title, _recorded_amount(row), detail, f"{words}.", chip, kind, url, "Correct")


def _recorded_amount(row: Administration) -> str:
    return f"{number(row.given_amount)} {row.unit}" if row.given_amount is not None else "not given"
