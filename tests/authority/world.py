"""One world for the tests of authority: a study that runs with two sites, another one, one being set up; all roles.

Words are planted in the free texts of each site and of the other study, so that an answer can be searched for them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from accounts.operations import create_person
from dosing.models import Comparison, Decision, Simulation
from dosing.operations import go_live, load_protocol, save_comparison
from patients.models import Patient
from patients.operations import correct_adverse_event, record_adverse_event, record_screen_failure, screen_patient
from reminders.demo.load import make_study
from reminders.models import Reminder
from reminders.operations import feed_of
from tests.cast import ANTI_MAG, DAY_ONE, PASSWORD, ApiClient, moment
from tests.dosing.workbench.comparing import question
from tests.journeys.story import SHORT
from tests.patients.steps import treated
from trials import clock
from trials.models import Role, Site, Study
from trials.operations import add_site, grant_role

PLANTED = {"A": "quagga", "B": "zebrule", "other study": "okapi"}
LIVE, OTHER, DRAFT = "LEN-MAG-09", "OTHER-01", "DRAFT-01"
PERSONS_ROLES = [role for role in Role if role is not Role.EDC]


@dataclass(frozen=True)
class Someone:
    """Somebody who asks: a role at site A (`site`) or in the whole study; neither: nobody of the study."""

    name: str
    role: Role | None = None
    site: str = ""

    def __str__(self) -> str:
        return self.name


ANYBODY = Someone("nobody signed in")
OUTSIDER = Someone("somebody without a role")
STAFF = [Someone(f"{r.value} at site A", r, "A") for r in PERSONS_ROLES] + [
    Someone(f"{r.value} of the study", r) for r in PERSONS_ROLES
]
CLIENTS = [Someone("edc at site A", Role.EDC, "A"), Someone("edc of the study", Role.EDC)]


@dataclass
class World:
    """What the tests ask for: the studies, who asks, and the clients' way to ask."""

    live: Study
    other: Study
    draft: Study
    users: dict[Someone, User]
    api: dict[Someone, ApiClient]
    feed_token: str

    def patient(self, study: Study, site: str) -> str:
        return f"{site}-001" if study != self.other else "A-001"

    def arguments(self, name: str, study: Study, site: str) -> dict[str, Any]:
        """What an address of this name is made of: an example that is there, as far as one is."""
        code = self.patient(study, site)
        patient = Patient.objects.get(study=study, code=code) if study != self.draft else None
        known: dict[str, Any] = {
            "key": study.key,
            "study_key": study.key,
            "code": code,
            "patient_code": code,
            "number": 1,
            "ordinal": 1,
            "timepoint": "after-1",
            "which": "visit.1",
            "kind": "csv",
            "table": "trials_site",
            "row_id": study.sites.earliest("pk").pk,
            "username": "rivera",
            "act": "release",
            "what": "cancel",
            "way": "blank",
            "place": 1,
            "section": "dlt",
            "token": self.feed_token,
            "pk": 0,
            "reminder_id": 0,
            "membership_id": 0,
        }
        return known | _rows_of(name, study, patient)


def _rows_of(name: str, study: Study, patient: Patient | None) -> dict[str, Any]:
    """Keys of rows, by what the address is about."""
    if name == "dosing:setup-end-role":
        return {"membership_id": _key_of(study.memberships.all())}
    if name == "reminders:settle":
        return {"reminder_id": _key_of(Reminder.objects.filter(study=study))}
    if name == "reminders:version-site":
        return {"code": "A"}
    if name.startswith(("dosing:comparison", "dosing:appendix", "dosing:use-")):
        return {"pk": _key_of(Comparison.objects.filter(study=study))}
    if name.startswith("dosing:simulation"):
        return {"pk": _key_of(Simulation.objects.all())}
    if name.startswith("decision-"):
        return {"pk": _key_of(Decision.objects.filter(study=study))}
    if patient is None:
        return {}
    for words, rows in (
        (("event", "dlt-"), patient.adverse_events),
        (("patients:resume",), patient.interruptions),
        (("outcome",), patient.outcomes),
        (("collection",), patient.collections),
        (("measurement",), patient.measurements),
        (("infusion", "administration"), patient.administrations),
    ):
        if any(word in name for word in words):
            return {"pk": _key_of(rows.all())}
    return {}


def _key_of(rows: Any) -> int:
    found = rows.order_by("pk").values_list("pk", flat=True).first()
    return found or 0


def build() -> World:
    """Make it all, by the operations. It takes some seconds: once for all tests of a file."""
    rung = User.objects.system()
    live = make_study(SHORT, ANTI_MAG.read_text(), lambda said: None)
    at = clock.now(live)
    other, draft = _other_study(rung, at), _draft(rung, at)
    users = {OUTSIDER: _person("outsider", "Otto Fremd", rung, at)}
    api = {}
    for someone in [*STAFF, *CLIENTS]:
        users[someone] = user = _person(someone.name.replace(" ", "-"), someone.name.title(), rung, at, someone)
        for study in (live, draft):
            site = study.sites.filter(code=someone.site).first()
            assert someone.role
            grant_role(study=study, person=user, role=someone.role, site=site, by=rung, at=at)
        if someone in CLIENTS:
            api[someone] = ApiClient(user)
    for site in live.sites.all():
        _plant(live, site, PLANTED[site.code], rung, at)
    _plant(other, other.sites.get(), PLANTED["other study"], rung, at)
    feed = feed_of(study=live, by=users[STAFF[0]], at=at)
    for study in (live, other):
        title = f"The designs of {study.key}"
        kept = save_comparison(question=question(), title=title, note="", study=study, by=rung, at=at)
    simulation = {"question": kept.question, "trials": 1000, "seed": 1, "engine_version": kept.engine_version}
    Simulation.objects.create(**simulation, started_by=rung)
    return World(live, other, draft, users, api, feed.token)


def _person(username: str, name: str, rung: User, at: dt.datetime, someone: Someone | None = None) -> User:
    is_person = someone is None or someone.role is not Role.EDC
    return create_person(
        username=username,
        full_name=name,
        email=f"{username}@example.org" if is_person else "",
        password=PASSWORD if is_person else None,
        is_person=is_person,
        by=rung,
        at=at,
    )


def _other_study(rung: User, at: dt.datetime) -> Study:
    """A study that runs as well, in which nobody who asks has a role, with a patient of the same code."""
    text = ANTI_MAG.read_text().replace("key: LEN-MAG-01", f"key: {OTHER}", 1)
    study = load_protocol(text=text, rehearsal_day=DAY_ONE, by=rung, at=at).study
    add_site(study=study, code="A", name="Okapi Hospital", time_zone="UTC", by=rung, at=at)
    go_live(study=study, by=rung, at=moment(DAY_ONE))
    study = Study.objects.get(pk=study.pk)
    treated(study.sites.get(), rung)
    return study


def _draft(rung: User, at: dt.datetime) -> Study:
    text = ANTI_MAG.read_text().replace("key: LEN-MAG-01", f"key: {DRAFT}", 1)
    study = load_protocol(text=text, by=rung, at=at).study
    for code, zone in (("A", "America/New_York"), ("B", "Europe/Stockholm")):
        add_site(study=study, code=code, name=f"Site {code}", time_zone=zone, by=rung, at=at)
    return study


def _plant(study: Study, site: Site, word: str, rung: User, at: dt.datetime) -> None:
    """The word in what is typed freely about the site's patients: an event, why it was corrected, a reason."""
    at = clock.now(study)
    patient = study.patients.get(code=f"{site.code}-001")
    event = record_adverse_event(
        patient=patient,
        term="Headache",
        grade=1,
        onset_on=patient.cycles.earliest("number").started_on,
        relations={"lenalidomide": "unlikely", "dexamethasone": "unrelated"},
        detail=f"after a walk with a {word}",
        rationale=f"not of the drug but of the {word}",
        by=rung,
        at=at,
    )
    correct_adverse_event(event=event, changes={"grade": 2}, reason=f"the {word} says so", by=rung, at=at)
    day = clock.day_of(at, site.time_zone)
    left = screen_patient(study=study, site=site, screened_on=day, by=rung, at=at)
    record_screen_failure(patient=left, reason=f"afraid of the {word}", by=rung, at=at)
