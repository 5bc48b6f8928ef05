"""Plays invented studies a day at a time: what is due for the patients, then what is due for the study.

Everything is done by the operations that people's pages call, so that every rule holds.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from zoneinfo import ZoneInfo

from django.db.models import Prefetch

from accounts.models import User
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation, propose_and_sign, sign_decision
from dosing.queries import Situation, Stage, where_we_stand
from dosing.queries.choices import most_in_next_cohort
from dosing.queries.record import roles_waiting, signatures_of
from labs.models import Collection
from patients.evaluability import MissingKind, PatientStanding, Standing, newest_judgement
from patients.models import Patient
from patients.operations import assess_dlt, check_eligibility, record_consent, register_patient, screen_patient
from patients.operations.assessments import replace_patient
from patients.queries import load_doses, with_dlt_data
from reminders.rehearsal.agenda import agenda
from reminders.rehearsal.course import Course
from reminders.rehearsal.tasks import Task
from trials.models import Role, Site, Slot, Study

NEVER = dt.date.max
# A decision can make the next one possible on the same day: stop, then the MTD. More than this is a fault.
MOST_DECISIONS_A_DAY = 8


@dataclass(frozen=True)
class Cast:
    """Who does it. By site code: who enters data, and who judges; by role: who signs, each with a password."""

    coordinators: Mapping[str, User]
    investigators: Mapping[str, User]
    signers: Mapping[str, User]
    password_of: Callable[[User], str]


class Player:
    """A study being played. It remembers when something is next due for whom, so that a quiet day costs little.

    What others do in the study meanwhile is noticed by a new player. course_of: of a loaded patient.
    quiet_from: from this day on routine tasks are left undone. leaves_last_signature: whether the next decision is to
    wait for its last signer.
    """

    def __init__(
        self,
        study: Study,
        cast: Cast,
        course_of: Callable[[Patient], Course],
        quiet_from: dt.date = NEVER,
        leaves_last_signature: Callable[[], bool] = lambda: False,
    ) -> None:
        self.study, self.cast, self.course_of = study, cast, course_of
        self.quiet_from, self.leaves_last_signature = quiet_from, leaves_last_signature
        self.sites: dict[str, Site] = {site.code: site for site in study.sites.order_by("code")}
        self.home = next(iter(self.sites))
        registered = Patient.objects.registered().filter(study=study).order_by("pk")
        # What each patient's site has to do, by day; None where that has to be looked at.
        self.ahead: dict[int, list[Task] | None] = dict.fromkeys(registered.values_list("pk", flat=True))
        self.situation: Situation | None = None
        self.something_changed = True

    @property
    def today(self) -> dt.date:
        assert self.study.rehearsal_day is not None  # only rehearsals are played
        return self.study.rehearsal_day

    def now(self, site: str = "") -> dt.datetime:
        """The middle of the day at a site."""
        return middle_of(self.today, self.sites[site or self.home].time_zone)

    def patients(self) -> None:
        """Whatever is due today, or was due before, for everybody."""
        for pk, tasks in list(self.ahead.items()):
            if tasks is None or (tasks and tasks[0].on <= self.today):
                self._one_patient(pk)

    def decisions(self) -> Situation:
        """Patients judged and replaced, and the dose decided on, as far as that goes. Where the study then stands."""
        if self.situation is not None and not self.something_changed:
            return self.situation
        for _ in range(MOST_DECISIONS_A_DAY):
            situation = where_we_stand(self.study, self.now())
            if self._judge(situation) or self._replace(situation):
                situation = where_we_stand(self.study, self.now())
            if not self._decide(situation):
                self.situation, self.something_changed = situation, False
                return situation
        raise RuntimeError(f"{self.study.key}: decision follows decision on {self.today}, and none is the last")

    def has_a_place(self) -> bool:
        """Whether a slot of the open cohort is unused; whether somebody gets it, registration says."""
        return Slot.objects.unused().filter(cohort__study=self.study, cohort__closed_at__isnull=True).exists()

    def screen(self, site: str) -> Patient:
        """Somebody who has consented and is eligible."""
        by, at = self.cast.coordinators[site], self.now(site)
        patient = screen_patient(study=self.study, site=self.sites[site], screened_on=self.today, by=by, at=at)
        record_consent(patient=patient, signed_on=self.today, form_version="1.0", by=by, at=at)
        answers = {criterion.code: True for criterion in self.study.protocol.eligibility}
        check_eligibility(
            patient=patient, answers=answers, checked_on=self.today, by=self.cast.investigators[site], at=at
        )
        return patient

    def register(self, patient: Patient, planned_start: dt.date) -> Patient:
        site = patient.site.code
        registered = register_patient(
            patient=patient, planned_start=planned_start, by=self.cast.coordinators[site], at=self.now(site)
        )
        self.ahead[patient.pk] = None
        self.something_changed = True
        return registered

    def _one_patient(self, pk: int) -> None:
        """Do what is due, then look what is next. A task may bring up another one for the same day."""
        while True:
            tasks = self.ahead[pk]
            if tasks is None:
                tasks = self.ahead[pk] = self._look_ahead(pk)
            due = [task for task in tasks if task.on <= self.today]
            if not due:
                return
            self.ahead[pk] = None
            site = Patient.objects.values_list("site__code", flat=True).get(pk=pk)
            for task in _at_once(due):
                task.do(at=self.now(site))
                self.something_changed |= task.changes_others

    def _look_ahead(self, pk: int) -> list[Task]:
        patient = loaded(pk)
        site = patient.site.code
        tasks = agenda(patient, self.course_of(patient), self.cast.coordinators[site], self.cast.investigators[site])
        return sorted((t for t in tasks if not (t.routine and t.on >= self.quiet_from)), key=lambda t: t.on)

    def _judge(self, situation: Situation) -> bool:
        """Events that somebody else entered and nobody has judged: as the protocol's rules say."""
        judged = False
        for standing in situation.tally.standings:
            judged = any([self._judge_events_of(standing), judged])
        return judged

    def _judge_events_of(self, standing: PatientStanding) -> bool:
        by, at = self.cast.investigators[standing.patient.site.code], self.now(standing.patient.site.code)
        judged = False
        for missing in standing.missing:
            if missing.event is None:
                continue
            before = newest_judgement(missing.event)
            confirms = missing.kind == MissingKind.CONFIRMATION and before is not None
            inside = standing.window is not None and standing.window[0] <= missing.event.onset_on <= standing.window[1]
            rationale = before.rationale if confirms and before is not None else "" if inside else "Outside the window"
            is_dlt = inside and not confirms
            assess_dlt(event=missing.event, is_dlt=is_dlt, rationale=rationale, by=by, at=at)
            judged = True
        return judged

    def _replace(self, situation: Situation) -> bool:
        """A place for somebody else, for everybody in the open cohort who does not count."""
        replaced = False
        for standing in situation.tally.of_cohort if situation.tally.open_cohort else ():
            if standing.standing == Standing.NOT_EVALUABLE and not standing.replaced:
                site = standing.patient.site.code
                replace_patient(patient=standing.patient, by=self.cast.investigators[site], at=self.now(site))
                replaced = True
        return replaced

    def _decide(self, situation: Situation) -> bool:
        """Ask for the recommendation, and sign it as recommended. Whether that changed where the study stands."""
        if situation.stage == Stage.SIGNING and situation.decision is not None:
            return self._sign(situation.decision)
        newest = situation.newest if situation.stage == Stage.RECOMMENDED else None
        if newest is None:
            if situation.stage not in (Stage.DECIDABLE, Stage.OUTDATED) or not situation.decidable:
                return False
            by = self.cast.coordinators[self.home]
            newest = issue_recommendation(study=self.study, by=by, at=self.now())
        return self._sign(self._propose(newest))

    def _propose(self, recommendation: Recommendation) -> Decision:
        signatures = self.study.protocol.signatures
        mtd = recommendation.kind == Recommendation.Kind.MTD
        role = _in_order(signatures.mtd if mtd else signatures.dose_decision)[0]
        by = self.cast.signers[role]
        return propose_and_sign(
            recommendation=recommendation,
            choice=Decision.Choice.ACCEPT,
            level=recommendation.level,
            cohort_size=self._cohort_size(recommendation),
            comment="",
            role=role,
            password=self.cast.password_of(by),
            by=by,
            at=self.now(),
        )

    def _cohort_size(self, recommendation: Recommendation) -> int | None:
        """The protocol's, or what is left of its largest number of patients."""
        if recommendation.level is None or recommendation.kind != Recommendation.Kind.DOSE:
            return None
        most = most_in_next_cohort(recommendation, self.study, recommendation.level)
        return min(most, self.study.protocol.escalation.cohort_size)

    def _sign(self, decision: Decision) -> bool:
        """The signatures that are missing; the last one may be left to wait."""
        waiting = _in_order(roles_waiting(decision, signatures_of(decision)))
        if self.leaves_last_signature():
            waiting = waiting[:-1]
        for role in waiting:
            by = self.cast.signers[role]
            decision = sign_decision(
                decision=decision, role=role, password=self.cast.password_of(by), by=by, at=self.now()
            )
        return decision.status == Decision.Status.SIGNED


def _at_once(due: list[Task]) -> list[Task]:
    """Those that can be done before the agenda is looked at anew: all of routine, and what changes others alone."""
    rest = [task for task in due if not task.routine]
    first = list(takewhile(lambda task: not task.changes_others, rest)) or rest[:1]
    return [*(task for task in due if task.routine), *first]


def _in_order(roles: list[str] | tuple[str, ...]) -> list[str]:
    """The principal investigator signs last."""
    return sorted(roles, key=lambda role: role == Role.PRINCIPAL_INVESTIGATOR)


def middle_of(day: dt.date, zone: str) -> dt.datetime:
    """The middle of the day where it happens."""
    return dt.datetime.combine(day, dt.time(10, 30), tzinfo=ZoneInfo(zone))


def loaded(pk: int) -> Patient:
    """A patient with all that the agenda reads."""
    patient = (
        with_dlt_data(Patient.objects.filter(pk=pk))
        .prefetch_related(
            "cycles__doses_taken",
            "follow_up_visits",
            "outcomes",
            "activities",
            Prefetch("collections", queryset=Collection.objects.prefetch_related("tubes")),
        )
        .get()
    )
    load_doses(patient)
    return patient
