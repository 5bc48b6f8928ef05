"""Makes the demonstration's data by calling the operations, day by day, as people would have done."""

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.db.models import Prefetch

from accounts.models import User
from dosing.models import Decision, Recommendation
from dosing.operations import go_live, issue_recommendation, load_protocol, propose_and_sign, sign_decision
from dosing.queries import Stage, where_we_stand
from labs.models import Collection
from patients.evaluability import Standing, standing_of
from patients.models import Patient
from patients.operations import check_eligibility, record_consent, register_patient, screen_patient
from patients.operations.assessments import replace_patient
from patients.queries import with_dlt_data
from reminders.demo import people
from reminders.demo.agenda import agenda
from reminders.demo.script import Course, Plot
from trials.models import Role, Slot, Study
from trials.operations import add_site, move_rehearsal_day
from trials.protocol_checks import read_study_file

SITES = (
    ("A", "Northfield University Hospital", "America/New_York"),
    ("B", "Lindby University Hospital", "Europe/Stockholm"),
)
COORDINATOR = {"A": "castellano", "B": "lindqvist"}
INVESTIGATOR = {"A": "baptiste", "B": "holm"}
SIGNER = {
    Role.PRINCIPAL_INVESTIGATOR: "rivera",
    Role.MEDICAL_MONITOR: "okafor",
    Role.STATISTICIAN: "whitfield",
}
NEVER = dt.date.max
ONE_DAY = dt.timedelta(days=1)


def make_study(plot: Plot, study_file: str, say: Callable[[str], None]) -> Study:
    """Run a plot from its first day to the day on which the demonstration begins."""
    play = Play(plot, study_file)
    play.live_one_day()
    while play.today < plot.stops_on:
        play.move_on()
        play.live_one_day()
        if play.today.day == 1:
            say(f"{plot.key}: {play.today:%B %Y}, {len(play.courses)} patients")
    return play.study


class Play:
    """A study being played through. Each day: what is due for the patients, then what is due for the study."""

    def __init__(self, plot: Plot, study_file: str) -> None:
        self.plot = plot
        self.today = plot.starts_on
        self.rung = User.objects.system()
        self.courses: dict[int, Course] = {}
        self.next_day: dict[int, dt.date] = {}
        self.waiting_patient: Patient | None = None
        self.next_registration = plot.starts_on
        at = _at(self.today, "UTC")
        text = _renamed(study_file, plot)
        version = load_protocol(text=text, rehearsal_day=self.today, by=self.rung, at=at)
        self.study = version.study
        for code, name, zone in SITES:
            add_site(study=self.study, code=code, name=name, time_zone=zone, by=self.rung, at=at)
        self.people = people.cast(by=self.rung, at=at)
        people.give_roles(self.study, self.people, by=self.rung, at=at)
        go_live(study=self.study, by=self.people["petrov"], at=at)
        self.sites = {site.code: site for site in self.study.sites.all()}
        self.something_changed = True

    def live_one_day(self) -> None:
        self._patients()
        if self.something_changed:
            self.something_changed = False
            self._study()

    def move_on(self) -> None:
        move_rehearsal_day(study=self.study, days=1, by=self.people["petrov"], at=self._now("A"))
        self.study = Study.objects.get(pk=self.study.pk)
        self.today += ONE_DAY

    # --- patients ---

    def _patients(self) -> None:
        for pk in [pk for pk, day in self.next_day.items() if day <= self.today]:
            self._one_patient(pk)

    def _one_patient(self, pk: int) -> None:
        """Do what is due, then look when the next thing is. A task may bring up another one for the same day."""
        quiet_from = self.plot.stops_on - dt.timedelta(days=self.plot.quiet)
        while True:
            patient = _loaded(pk)
            site = patient.site.code
            tasks = agenda(patient, self.courses[pk], self.people[COORDINATOR[site]], self.people[INVESTIGATOR[site]])
            ahead = sorted((t for t in tasks if not (t.routine and t.on >= quiet_from)), key=lambda t: t.on)
            due = [task for task in ahead if task.on <= self.today]
            if not due:
                self.next_day[pk] = ahead[0].on if ahead else NEVER
                return
            # Routine tasks change no other task; after any other the agenda is looked at anew.
            for task in [task for task in due if task.routine] or due[:1]:
                task.do(at=self._now(site))
            self.something_changed = True

    def _screen_next(self) -> None:
        course = self.plot.courses[len(self.courses)]
        site, by = self.sites[course.site], self.people[COORDINATOR[course.site]]
        at = self._now(site.code)
        patient = screen_patient(study=self.study, site=site, screened_on=self.today, by=by, at=at)
        record_consent(patient=patient, signed_on=self.today, form_version="1.0", by=by, at=at)
        answers = {criterion.code: True for criterion in self.study.protocol.eligibility}
        check_eligibility(
            patient=patient, answers=answers, checked_on=self.today, by=self.people[INVESTIGATOR[site.code]], at=at
        )
        self.waiting_patient = patient

    def _register(self) -> None:
        assert self.waiting_patient is not None
        patient = Patient.objects.select_related("site").get(pk=self.waiting_patient.pk)
        by, at = self.people[COORDINATOR[patient.site.code]], self._now(patient.site.code)
        register_patient(patient=patient, planned_start=self.today + 2 * ONE_DAY, by=by, at=at)
        self.courses[patient.pk] = self.plot.courses[len(self.courses)]
        self.next_day[patient.pk] = self.today
        self.next_registration = self.today + dt.timedelta(days=self.plot.days_between)
        self.waiting_patient = None
        self.something_changed = True

    # --- the study ---

    def _study(self) -> None:
        self._replace()
        situation = where_we_stand(self.study, self._now("A"))
        if situation.stage == Stage.DECIDABLE:
            self._decide()
        more = len(self.courses) < len(self.plot.courses)
        if more and self.waiting_patient is None:
            self._screen_next()
        slots = Slot.objects.unused().filter(cohort__study=self.study, cohort__closed_at__isnull=True)
        if self.waiting_patient is not None and slots.exists():
            if self.today >= self.next_registration:
                self._register()
            else:
                self.something_changed = True  # so that tomorrow looks again

    def _replace(self) -> None:
        for patient in with_dlt_data(Patient.objects.filter(pk__in=self.courses, slot__cohort__closed_at__isnull=True)):
            standing = standing_of(patient, self.today)
            if standing.standing == Standing.NOT_EVALUABLE and not standing.replaced:
                by = self.people[INVESTIGATOR[patient.site.code]]
                replace_patient(patient=patient, by=by, at=self._now(patient.site.code))
                self.something_changed = True

    def _decide(self) -> None:
        at = self._now("A")
        recommendation = issue_recommendation(study=self.study, by=self.people["castellano"], at=at)
        mtd = recommendation.kind == Recommendation.Kind.MTD
        signatures = self.study.protocol.signatures
        roles = [Role(r) for r in (signatures.mtd if mtd else signatures.dose_decision)]
        roles.sort(key=lambda role: role == Role.PRINCIPAL_INVESTIGATOR)
        decision = propose_and_sign(
            recommendation=recommendation,
            choice=Decision.Choice.ACCEPT,
            level=recommendation.level,
            cohort_size=self.study.protocol.escalation.cohort_size,
            comment="",
            role=roles[0],
            password=people.PASSWORD,
            by=self.people[SIGNER[roles[0]]],
            at=at,
        )
        if self.plot.last_signer_waits and self._is_the_last():
            return
        for role in roles[1:]:
            sign_decision(decision=decision, role=role, password=people.PASSWORD, by=self.people[SIGNER[role]], at=at)
        self.something_changed = True

    def _is_the_last(self) -> bool:
        """Everybody in the plot but the one who is in screening has been registered."""
        return len(self.courses) == len(self.plot.courses) - 1

    def _now(self, site: str) -> dt.datetime:
        zone = next(zone for code, _, zone in SITES if code == site)
        return _at(self.today, zone)


def _at(day: dt.date, zone: str) -> dt.datetime:
    """The middle of the day where it happens."""
    return dt.datetime.combine(day, dt.time(10, 30), tzinfo=ZoneInfo(zone))


def _renamed(study_file: str, plot: Plot) -> str:
    """The study file under the plot's own key and title."""
    heading = read_study_file(study_file)[1].study
    return study_file.replace(f"key: {heading.key}", f"key: {plot.key}", 1).replace(
        f"title: {heading.title}", f"title: {plot.title}", 1
    )


def _loaded(pk: int) -> Patient:
    """A patient with all that the agenda reads."""
    return (
        with_dlt_data(Patient.objects.filter(pk=pk))
        .prefetch_related(
            "cycles__doses_taken",
            "follow_up_visits",
            "outcomes",
            Prefetch("collections", queryset=Collection.objects.prefetch_related("tubes")),
        )
        .get()
    )
