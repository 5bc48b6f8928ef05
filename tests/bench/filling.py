"""Large studies, made quickly: clinical rows in bulk, dose decisions by the real operations, further studies as copies.

The rows are those that years of work would leave. Guards that look at one patient at a time are switched off while
patients are put in; the audit trigger is not, so the trail has its size too.
"""

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

import psycopg
import yaml
from django.apps import apps
from django.db import connection
from psycopg import sql

from accounts.models import User
from audit.context import acting
from dosing.models import Decision
from dosing.operations import go_live, issue_recommendation, load_protocol, propose_and_sign, sign_decision
from labs.models import Collection, Tube
from patients.models import (
    AdverseEvent,
    Attribution,
    Consent,
    Cycle,
    Discontinuation,
    DltAssessment,
    DosesTaken,
    EligibilityCheck,
    FollowUpVisit,
    OutcomeValue,
    Patient,
    WindowAssessment,
)
from patients.schedule import add_months
from tests.cast import ANTI_MAG, PASSWORD, moment, person
from trials.models import Role, Slot, Study
from trials.operations import add_site, grant_role
from trials.queries import current_cohort

TODAY = dt.date(2026, 11, 21)
CYCLE = dt.timedelta(days=28)
COPIES_OF_THE_TRAIL = 9
OFFSET = 10_000_000


def fill(key: str, patients: int, owner_url: str) -> Study:
    """One study with so many treated patients, ten to forty cohorts, the newest decision signed by one of two."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE patients_patient DISABLE TRIGGER registration")
        study = _Filling(key, patients).run()
        owner.execute("ALTER TABLE patients_patient ENABLE ALWAYS TRIGGER registration")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return study


class _Filling:
    def __init__(self, key: str, patients: int) -> None:
        self.by = User.objects.system()
        self.size = max(2, patients // 40)
        self.cohorts = patients // self.size
        self.first_day = TODAY - self.cohorts * CYCLE - dt.timedelta(days=3)
        at = moment(self.first_day)
        content = yaml.safe_load(ANTI_MAG.read_text())
        content["study"]["key"] = key
        content["escalation"] |= {
            "maximum_patients": patients + 10,
            "cohort_size": self.size,
            "maximum_cohort_size": self.size,
        }
        version = load_protocol(text=yaml.safe_dump(content), rehearsal_day=TODAY, by=self.by, at=at)
        self.study, self.protocol = version.study, version.protocol
        for code, zone in (("A", "America/New_York"), ("B", "Europe/Stockholm")):
            add_site(study=self.study, code=code, name=f"Site {code}", time_zone=zone, by=self.by, at=at)
        self.sites = {site.code: site for site in self.study.sites.all()}
        self.people = _people(self.study)
        go_live(study=self.study, by=self.by, at=at)

    def run(self) -> Study:
        for number in range(self.cohorts):
            day = self.first_day + number * CYCLE
            with acting(self.by, "filling"):
                self._cohort(number, day)
            self._decide(moment(day + CYCLE + dt.timedelta(days=1)), last=number == self.cohorts - 1)
        return self.study

    def _cohort(self, number: int, day: dt.date) -> None:
        cohort = current_cohort(self.study)
        assert cohort is not None
        slots = list(Slot.objects.filter(cohort=cohort))
        Slot.objects.filter(cohort=cohort).update(used_at=moment(day))
        for place, slot in enumerate(slots):
            self._patient(number * self.size + place, slot, cohort.level.ordinal, day)

    def _patient(self, index: int, slot: Slot, ordinal: int, day: dt.date) -> None:
        site = self.sites["AB"[index % 2]]
        end = add_months(day, 24)
        left = min(end, day + (4 + index % 20) * CYCLE) if index % 3 == 0 else end
        ended = left <= TODAY
        patient = Patient.objects.create(
            study=self.study, site=site, code=f"{site.code}-{index // 2 + 1:03}",
            screened_on=day, screened_at=moment(day),
            screened_by=self.by, slot=slot, part=slot.cohort.part, assigned_level=slot.cohort.level,
            version=self.study.version, registered_at=moment(day), registered_by=self.by, planned_start=day,
            status=Patient.Status.EVENT_MONITORING if ended else Patient.Status.ON_TREATMENT,
        )  # fmt: skip
        common = {"patient": patient, "study": self.study, "recorded_at": moment(day), "recorded_by": self.by}
        Consent.objects.create(signed_on=day, form_version="1.0", **common)
        answers = {criterion.code: True for criterion in self.protocol.eligibility}
        EligibilityCheck.objects.create(answers=answers, eligible=True, checked_on=day, **common)
        cycles = self._cycles(patient, day, left if ended else TODAY, common)
        self._events(patient, index, ordinal, cycles, common)
        self._samples(patient, cycles, common)
        if ended:
            Discontinuation.objects.create(number=1, reason_code="patient-request", on=left, **common)
            self._follow_up(left, common)

    def _cycles(self, patient: Patient, day: dt.date, until: dt.date, common: dict[str, object]) -> list[Cycle]:
        level = patient.assigned_level
        assert level is not None
        rung = self.protocol.rung_of_level(level.ordinal)
        starts = list(_every(day, CYCLE, until))
        cycles = Cycle.objects.bulk_create(
            Cycle(number=n, due_on=on, latest_on=on + CYCLE, started_on=on, rung=rung, dose_label=level.label, **common)
            for n, on in enumerate(starts, 1)
        )
        DosesTaken.objects.bulk_create(
            DosesTaken(cycle=cycle, agent=dose.agent, planned=len(dose.days), taken=len(dose.days), **common)
            for cycle, _ in pairwise([*cycles, None])
            if cycle is not None and cycle.started_on + CYCLE <= until
            for dose in self.protocol.rung_doses(rung)
        )
        return cycles

    def _events(
        self, patient: Patient, index: int, ordinal: int, cycles: list[Cycle], common: dict[str, object]
    ) -> None:
        """A DLT in every third patient at the middle level and every second at the highest; two mild events for all."""
        dlt = index % 3 == 2 if ordinal == 2 else ordinal == 3 and index % 2 == 1
        first = cycles[0].started_on
        kinds = [("Fatigue", 1, 6), ("Diarrhea", 2, 20), *([("Neutrophil count decreased", 4, 15)] if dlt else [])]
        events = AdverseEvent.objects.bulk_create(
            AdverseEvent(term=term, grade=grade, onset_on=first + dt.timedelta(days=day - 1), **common)
            for term, grade, day in kinds
        )
        Attribution.objects.bulk_create(
            Attribution(event=event, patient=patient, study=self.study, agent=agent.code, relation="possible")
            for event in events
            for agent in self.protocol.agents
        )
        if dlt:
            DltAssessment.objects.create(
                event=events[-1], patient=patient, study=self.study, is_dlt=True, rule="a", confirmed=True,
                term=events[-1].term, grade=events[-1].grade, onset_on=events[-1].onset_on, in_window=True,
                relations={agent.code: "possible" for agent in self.protocol.agents},
                assessed_at=moment(first), assessed_by=self.by,
            )  # fmt: skip
        else:
            WindowAssessment.objects.create(
                patient=patient, study=self.study, closed_on=first + dt.timedelta(days=27), planned=21, taken=21,
                assessed_at=moment(first), assessed_by=self.by,
            )  # fmt: skip

    def _samples(self, patient: Patient, cycles: list[Cycle], common: dict[str, object]) -> None:
        assert self.protocol.samples is not None
        ends = {cycle.number: cycle.started_on + dt.timedelta(days=27) for cycle in cycles}
        days = {
            t.code: ends.get(t.cycle, TODAY) if t.cycle else cycles[0].started_on
            for t in self.protocol.samples.timepoints
            if "escalation" in t.parts and (t.cycle is None or ends.get(t.cycle, TODAY) < TODAY)
        }
        collections = Collection.objects.bulk_create(
            Collection(timepoint=code, outcome="collected", planned_on=on, window_from=on, window_to=on,
                       collected_on=on, **common)
            for code, on in days.items()
        )  # fmt: skip
        Tube.objects.bulk_create(
            Tube(collection=c, patient=patient, study=self.study, kind=tube.code,
                 label=f"{self.study.key}.{patient.code}.{c.timepoint}.{tube.code}")
            for c in collections
            for tube in self.protocol.samples.tubes
        )  # fmt: skip
        OutcomeValue.objects.bulk_create(
            OutcomeValue(measure=m.code, timepoint=t.code, measured_on=days[t.code], value=5, **common)
            for m in self.protocol.outcome_measures
            for t in m.timepoints
            if t.code in days
        )

    def _follow_up(self, left: dt.date, common: dict[str, object]) -> None:
        step = dt.timedelta(days=self.protocol.event_monitoring.every_days)
        days = [on for on in _every(left + step, step, TODAY) if on <= left + 8 * step]
        FollowUpVisit.objects.bulk_create(
            FollowUpVisit(number=n, planned_on=on, done_on=on, alive=True, **common) for n, on in enumerate(days, 1)
        )

    def _decide(self, at: dt.datetime, *, last: bool) -> None:
        recommendation = issue_recommendation(study=self.study, by=self.by, at=at)
        monitor, pi = self.people["medical_monitor"], self.people["principal_investigator"]
        decision = propose_and_sign(
            recommendation=recommendation, choice=Decision.Choice.ACCEPT, level=recommendation.level,
            cohort_size=self.size, comment="", role="medical_monitor", password=PASSWORD, by=monitor, at=at,
        )  # fmt: skip
        if not last:
            sign_decision(decision=decision, role="principal_investigator", password=PASSWORD, by=pi, at=at)


def _every(first: dt.date, step: dt.timedelta, until: dt.date) -> Iterator[dt.date]:
    day = first
    while day <= until:
        yield day
        day += step


def _people(study: Study) -> dict[str, User]:
    found = {}
    for role in (Role.PRINCIPAL_INVESTIGATOR, Role.MEDICAL_MONITOR, Role.COORDINATOR):
        name = f"bench-{role.value}"
        found[role.value] = User.objects.filter(username=name).first() or person(name, f"Bench {role.label}")
        site = study.sites.get(code="A") if role is Role.COORDINATOR else None
        by = User.objects.system()
        grant_role(study=study, person=found[role.value], role=role, site=site, by=by, at=moment(TODAY))
    return found


# --- copies ---

TABLES = ("trials", "patients", "labs", "dosing")
OUR_TRIGGERS = """
    SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relname = ANY(%s)
"""


def copy_study(study: Study, copies: int, owner_url: str) -> None:
    """So many further studies like this one, row by row in the database; the first few with their audit trail."""
    if copies == 0:
        return
    with psycopg.connect(owner_url) as owner:
        tables = _tables_in_order()
        for table in tables:
            owner.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
        owner.execute("SET CONSTRAINTS ALL DEFERRED")
        for number in range(1, copies + 1):
            for table in tables:
                owner.execute(_copy(table, study.pk, number * OFFSET))
            if number <= COPIES_OF_THE_TRAIL:
                owner.execute("SET ROLE rung_audit")
                owner.execute(_copy_of_the_trail(study.pk, number * OFFSET))
                owner.execute("RESET ROLE")
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, trigger in owner.execute(OUR_TRIGGERS, [tables]).fetchall():
            enable = sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}")
            owner.execute(enable.format(sql.Identifier(table), sql.Identifier(trigger)))
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("ANALYZE")


def _models() -> list[type]:
    found = [m for label in TABLES for m in apps.get_app_config(label).get_models()]
    return [m for m in found if m is Study or any(f.name == "study" for f in m._meta.fields)]


def _tables_in_order() -> list[str]:
    return [model._meta.db_table for model in _models()]


def _copy(table: str, study_id: int, offset: int) -> sql.Composed:
    model = next(m for m in _models() if m._meta.db_table == table)
    copied = {m._meta.db_table for m in _models()}
    columns, values = [], []
    for field in model._meta.concrete_fields:
        column = sql.Identifier(field.column)
        target = field.related_model._meta.db_table if field.is_relation else table if field.primary_key else ""
        columns.append(column)
        if target in copied:
            values.append(sql.SQL("{} + {}").format(column, offset))
        elif (table, field.column) in {("trials_study", "key"), ("labs_tube", "label")}:
            values.append(sql.SQL("{} || {}").format(column, f"-{offset // OFFSET}"))
        else:
            values.append(column)
    own = "id" if table == "trials_study" else "study_id"
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE {} = {}").format(
        sql.Identifier(table), sql.SQL(", ").join(columns), sql.SQL(", ").join(values), sql.Identifier(table),
        sql.Identifier(own), study_id,
    )  # fmt: skip


def _copy_of_the_trail(study_id: int, offset: int) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO audit.entry (study_id, position, at, operation, table_name, row_id, patient_id, old, new,"
        " actor_id, actor_name, reason, request_id, client_address, session_role, previous_hash, hash)"
        " SELECT study_id + {0}, position, at, operation, table_name, row_id, patient_id + {0}, old, new, actor_id,"
        " actor_name, reason, request_id, client_address, session_role, previous_hash, hash"
        " FROM audit.entry WHERE study_id = {1}"
    ).format(offset, study_id)
