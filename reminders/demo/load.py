"""Makes the demonstration's data by playing its plots, day by day, as people would have done."""

import datetime as dt
from collections.abc import Callable

from accounts.models import User
from dosing.operations import go_live, load_protocol
from patients.models import Patient
from reminders.demo import people
from reminders.demo.script import Plot
from reminders.rehearsal.course import Course
from reminders.rehearsal.days import most_days_before_start
from reminders.rehearsal.player import Cast, Player, middle_of
from trials.models import Role, Study
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
ONE_DAY = dt.timedelta(days=1)


def make_study(plot: Plot, study_file: str, say: Callable[[str], None]) -> Study:
    """Run a plot from its first day to the day on which the demonstration begins."""
    play = Play(plot, study_file)
    play.live_one_day()
    while play.today < plot.stops_on:
        play.move_on()
        if play.today < plot.stops_on or not plot.last_day_is_left:
            play.live_one_day()
        if play.today.day == 1:
            say(f"{plot.key}: {play.today:%B %Y}, {len(play.courses)} patients")
    return play.player.study


class Play:
    """A plot being played. Who comes, when and what becomes of them stands in it; the rest is the player's."""

    def __init__(self, plot: Plot, study_file: str) -> None:
        self.plot = plot
        self.courses: dict[int, Course] = {}
        self.waiting_patient: Patient | None = None
        self.next_registration = plot.starts_on
        rung, at = User.objects.system(), middle_of(plot.starts_on, "UTC")
        text = _renamed(study_file, plot)
        study = load_protocol(text=text, rehearsal_day=plot.starts_on, by=rung, at=at).study
        for code, name, zone in SITES:
            add_site(study=study, code=code, name=name, time_zone=zone, by=rung, at=at)
        self.people = people.cast(by=rung, at=at)
        people.give_roles(study, self.people, by=rung, at=at)
        go_live(study=study, by=self.people["petrov"], at=at)
        study = Study.objects.get(pk=study.pk)
        self.days_before_start = most_days_before_start(study.protocol)
        self.player = Player(
            study,
            self._cast(),
            course_of=lambda patient: self.courses[patient.pk],
            quiet_from=plot.stops_on - dt.timedelta(days=plot.quiet),
            leaves_last_signature=self._is_the_last,
        )

    @property
    def today(self) -> dt.date:
        return self.player.today

    def live_one_day(self) -> None:
        self.player.patients()
        if self.player.something_changed:
            self.player.decisions()
            self._arrivals()

    def move_on(self) -> None:
        study = self.player.study
        move_rehearsal_day(study=study, days=1, by=self.people["petrov"], at=self.player.now())
        self.player.study = Study.objects.get(pk=study.pk)

    def _cast(self) -> Cast:
        return Cast(
            coordinators={site: self.people[name] for site, name in COORDINATOR.items()},
            investigators={site: self.people[name] for site, name in INVESTIGATOR.items()},
            signers={role: self.people[name] for role, name in SIGNER.items()},
            password_of=lambda person: people.PASSWORD,
        )

    def _arrivals(self) -> None:
        """The next one of the plot is screened, and registered once there is a place and the time has come."""
        more = len(self.courses) < len(self.plot.courses)
        if more and self.waiting_patient is None:
            self.waiting_patient = self.player.screen(self.plot.courses[len(self.courses)].site)
        if self.waiting_patient is not None and self.player.has_a_place():
            if self.today >= self.next_registration:
                self._register(self.waiting_patient)
            else:
                self.player.something_changed = True  # so that tomorrow looks again

    def _register(self, screened: Patient) -> None:
        patient = Patient.objects.select_related("site").get(pk=screened.pk)
        self.player.register(patient, self.today + self.days_before_start * ONE_DAY)
        self.courses[patient.pk] = self.plot.courses[len(self.courses)]
        self.next_registration = self.today + dt.timedelta(days=self.plot.days_between)
        self.waiting_patient = None

    def _is_the_last(self) -> bool:
        """The last signer waits: everybody in the plot but the one who is in screening has been registered."""
        return self.plot.last_signer_waits and len(self.courses) == len(self.plot.courses) - 1


def _renamed(study_file: str, plot: Plot) -> str:
    """The study file under the plot's own key and title."""
    heading = read_study_file(study_file)[1].study
    return study_file.replace(f"key: {heading.key}", f"key: {plot.key}", 1).replace(
        f"title: {heading.title}", f"title: {plot.title}", 1
    )
