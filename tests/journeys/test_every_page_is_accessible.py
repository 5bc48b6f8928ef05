"""Every page, at a desk and on a phone, light and dark: no fault that axe-core finds, nothing wider than the screen.

And by keyboard alone: an event is recorded and a decision signed.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.urls import URLPattern, get_resolver, reverse
from playwright.sync_api import Locator, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from dosing.operations import issue_recommendation
from patients.models import Patient
from patients.operations import interrupt_dosing, record_follow_up
from reminders.demo.load import make_study
from reminders.demo.people import PASSWORD as DEMO_PASSWORD
from tests.browser import faults, looked_at
from tests.cast import ANTI_MAG, DAY_ONE, PASSWORD, moment
from tests.dosing.steps import evaluated, on_treatment
from tests.journeys.conftest import SignIn
from tests.journeys.people import Someone
from tests.journeys.story import SHORT
from trials import clock
from trials.models import Membership, Role, Study
from trials.operations import move_rehearsal_day

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MANY_TABS = 80
SHOWS_FOCUS = """element => [element, element.closest("label")].filter(Boolean).some(shown => {
    const style = getComputedStyle(shown);
    return style.outlineStyle !== "none" || style.boxShadow !== "none";
})"""
OUR_PAGES = ("reminders", "labs", "dosing", "patients", "trials", "accounts")
# Addresses that only take what is sent, lead on, answer a program, or are a part of another page.
NOT_PAGES = {
    "accounts:change-person",
    "accounts:new-link",
    "accounts:sign-out",
    "accounts:still-here",
    "dosing:appendix-csv",
    "dosing:appendix-pdf",
    "dosing:compare-results",
    "dosing:comparison-put-away",
    "dosing:delegation-pdf",
    "dosing:dossier",
    "dosing:dossier-zip",
    "dosing:propose",
    "dosing:recommend",
    "dosing:setup-file",
    "dosing:sign",
    "dosing:simulation-cancel",
    "dosing:simulation-progress",
    "dosing:withdraw",
    "patients:event-judge",
    "patients:event-resolve",
    "patients:terms",
    "reminders:calendar-address",
    "reminders:casebook-pdf",
    "reminders:feed",
    "reminders:history-export",
    "reminders:home",
    "reminders:rehearsal-play",
    "reminders:rehearsal-progress",
    "reminders:rehearsal-stop",
    "reminders:settle",
    "reminders:this-week",
    "trials:move-day",
}
# Pages that need a story of their own, by the file that tells it and looks at them with the same eyes.
LOOKED_AT_IN = {
    "dosing/test_setup_in_a_browser.py": {
        "dosing:setup-decline",
        "dosing:setup-live",
        "dosing:setup-preview",
        "dosing:setup-section",
        "dosing:setup-sign",
    },
    "dosing/workbench/test_comparisons_in_a_browser.py": {
        "dosing:comparison",
        "dosing:comparison-save",
        "dosing:use-design",
    },
    "dosing/workbench/test_simulation_in_a_browser.py": {"dosing:simulation", "dosing:simulation-start"},
    "patients/test_dose_browser.py": {
        "patients:correct-infusion",
        "patients:correct-measurement",
        "patients:infusion",
        "patients:measure",
    },
    "patients/test_lead_in_browser.py": {
        "patients:activity",
        "patients:correct-activity",
        "patients:miss-activity",
    },
    "reminders/test_amendment_pages.py": {
        "reminders:amendment",
        "reminders:amendment-approve",
        "reminders:amendment-withdraw",
        "reminders:version",
        "reminders:version-site",
        "reminders:versions",
    },
    "journeys/test_trust.py": {
        "accounts:invitation",
        "accounts:invite",
        "accounts:lockouts",
        "accounts:password",
        "accounts:people",
        "accounts:person",
        "accounts:sign-ins",
        "trials:access-review",
        "trials:who-has-access",
    },
    # Declining is looked at where a decision is signed by keyboard, below.
    "journeys/test_every_page_is_accessible.py": {"dosing:decline"},
    "reminders/rehearsal/test_in_a_browser.py": {"reminders:rehearsal", "reminders:try"},
}


@dataclass(frozen=True)
class Example:
    """A page with something on it: its name, the address, and who looks at it (None: nobody who is signed in)."""

    name: str
    url: str
    reader: Role | None = Role.COORDINATOR


@pytest.fixture
def short_study(live_server: LiveServer) -> Study:
    """The short story, with one visit of event monitoring and one interruption that has not ended."""
    study = make_study(SHORT, ANTI_MAG.read_text(), lambda said: None)
    by, at = User.objects.system(), clock.now(study)
    left, treated = study.patients.get(code="A-002"), study.patients.get(code="A-001")
    why = "Came early, before a long journey"
    record_follow_up(patient=left, done_on=study.rehearsal_day, alive=True, out_of_window_reason=why, by=by, at=at)
    last, day = treated.cycles.order_by("number").last(), study.rehearsal_day
    interrupt_dosing(cycle=last, agent="lenalidomide", from_day=day, to_day=None, reason="Fever", by=by, at=at)
    return study


def examples(study: Study) -> Iterator[Example]:
    """One of each page, more than one where a page looks very different."""
    key = study.key
    yield Example("accounts:sign-in", reverse("accounts:sign-in"), None)
    treated, left, reduced, screened = (study.patients.get(code=c) for c in ("A-001", "A-002", "B-001", "A-003"))
    for name in ("today", "messages", "history"):
        yield Example(f"reminders:{name}", reverse(f"reminders:{name}", args=[key]))
    yield from examples_of_the_history(study)
    yield Example("dosing:study", reverse("dosing:study", args=[key]), Role.PRINCIPAL_INVESTIGATOR)
    yield Example("dosing:decision", reverse("dosing:decision", args=[key]), Role.PRINCIPAL_INVESTIGATOR)
    yield Example("dosing:decisions", reverse("dosing:decisions", args=[key]), Role.PRINCIPAL_INVESTIGATOR)
    yield Example("dosing:decision-detail", reverse("dosing:decision-detail", args=[key, 1]))
    for name in ("designs", "compare", "design-table", "design-paths"):
        yield Example(f"dosing:{name}", reverse(f"dosing:{name}"), Role.PRINCIPAL_INVESTIGATOR)
    for name in ("protocol", "accrual"):
        yield Example(f"trials:{name}", reverse(f"trials:{name}", args=[key]), Role.PRINCIPAL_INVESTIGATOR)
    yield Example("reminders:studies", reverse("reminders:studies"))
    yield Example("reminders:to-sign", reverse("reminders:to-sign"), Role.PRINCIPAL_INVESTIGATOR)
    yield Example("dosing:start-study", reverse("dosing:start-study"))
    yield Example("dosing:start-study-by", reverse("dosing:start-study-by", args=["blank"]))
    yield Example("dosing:setup", reverse("dosing:setup", args=[key]))
    for name in ("delegation", "who-may"):
        yield Example(f"dosing:{name}", reverse(f"dosing:{name}", args=[key]), Role.DATA_MANAGER)
    yield Example("dosing:setup-people", reverse("dosing:setup-people", args=[key]), Role.DATA_MANAGER)
    held = study.memberships.in_force().filter(role=Role.COORDINATOR)[0]
    yield Example("dosing:setup-end-role", reverse("dosing:setup-end-role", args=[key, held.pk]), Role.DATA_MANAGER)
    for name in ("samples", "label-sheet"):
        yield Example(f"labs:{name}", reverse(f"labs:{name}", args=[key]))
    yield from _of("labs:patient", treated, left, screened)
    yield from _of("labs:collect", treated, more=["after-3"])
    yield from _of("labs:miss", treated, more=["after-3"])
    yield from _of("labs:correct", treated, more=["after-1"])
    yield from _of("labs:label", treated, more=["after-3"])
    for name in ("list", "screen"):
        yield Example(f"patients:{name}", reverse(f"patients:{name}", args=[key]))
    for name in ("consent", "eligibility", "reserve", "screen-failure", "register"):
        yield from _of(f"patients:{name}", screened)
    for name in ("regimen", "start-cycle", "doses", "interruption", "reduce", "discontinue"):
        yield from _of(f"patients:{name}", treated)
    for name in ("continuation", "outcome", "event", "window", "replace"):
        yield from _of(f"patients:{name}", treated)
    for name in ("follow-up", "retreat", "correct-discontinuation"):
        yield from _of(f"patients:{name}", left)
    yield from _of("patients:correct-follow-up", left, more=[left.follow_up_visits.get().number])
    yield from _of("patients:correct-cycle", treated, more=[1])
    yield from _of("patients:resume", treated, more=[treated.interruptions.get().pk])
    yield from _of("patients:correct-outcome", treated, more=[treated.outcomes.earliest("pk").pk])
    yield from _of("patients:event-detail", left, more=[left.adverse_events.get().pk])
    yield from _of("patients:event-correct", treated, more=[treated.adverse_events.get().pk])
    yield Example("labs:patient", reverse("labs:patient", args=[key, reduced.code]), Role.PRINCIPAL_INVESTIGATOR)
    casebook = reverse("reminders:casebook", args=[key, left.code])
    yield Example("reminders:casebook", casebook, Role.PRINCIPAL_INVESTIGATOR)


def examples_of_the_history(study: Study) -> Iterator[Example]:
    event = study.patients.get(code="A-001").adverse_events.get()
    record = reverse("reminders:history-record", args=[study.key, "patients_adverseevent", event.pk])
    yield Example("reminders:history-record", record, Role.PRINCIPAL_INVESTIGATOR)
    yield Example("reminders:history-record", f"{record}?field=grade", Role.PRINCIPAL_INVESTIGATOR)
    for name, more in (
        ("patient-as-it-was", ["A-001"]),
        ("decision-as-it-was", [1]),
        ("access-log", []),
        ("history-review", []),
    ):
        yield Example(
            f"reminders:{name}", reverse(f"reminders:{name}", args=[study.key, *more]), Role.PRINCIPAL_INVESTIGATOR
        )


def _of(name: str, *patients: Patient, more: list[object] | None = None) -> Iterator[Example]:
    for patient in patients:
        yield Example(name, reverse(name, args=[patient.study.key, patient.code, *(more or [])]))


def page_names() -> set[str]:
    """All addresses of ours that show a page."""
    ours = [entry for entry in get_resolver().url_patterns if getattr(entry, "app_name", None) in OUR_PAGES]
    found = {
        f"{entry.app_name}:{pattern.name}"
        for entry in ours
        for pattern in entry.url_patterns
        if isinstance(pattern, URLPattern)
    }
    return found - NOT_PAGES - set().union(*LOOKED_AT_IN.values())


@pytest.mark.parametrize("file", LOOKED_AT_IN)
def test_pages_with_a_story_of_their_own_are_looked_at_there(file: str) -> None:
    story = (Path(__file__).parents[1] / file).read_text()
    assert "looked_at(" in story


def test_every_page_is_accessible_light_and_dark_at_a_desk_and_on_a_phone(
    short_study: Study, sign_in: SignIn, window: Callable[[], Page], settings: Settings
) -> None:
    settings.ZEAL_RAISE = True  # these only read
    pages = list(examples(short_study))
    assert page_names() == {page.name for page in pages}
    found: dict[str, list[str]] = {}
    nobody = {None: window()}
    roles = {page.reader for page in pages if page.reader}
    readers = {role: sign_in(_holder(short_study, role), short_study, DEMO_PASSWORD).page for role in roles}
    for example in pages:
        page = (nobody | readers)[example.reader]
        answer = page.goto(example.url)
        assert answer is not None
        assert page.url.endswith(example.url), page.url
        found[example.url] = [f"answered {answer.status}"] if answer.status != 200 else looked_at(page)
    assert not any(found.values()), "\n".join(f"{url} {fault}" for url, wrong in found.items() for fault in wrong)


def _holder(study: Study, role: Role) -> User:
    held = Membership.objects.in_force().filter(study=study, role=role).select_related("user").order_by("pk")
    return held[0].user


def test_an_event_is_recorded_by_keyboard_alone(study: Study, rung: User, coordinator_a: User, mia: Someone) -> None:
    patient = on_treatment(study, coordinator_a, DAY_ONE)
    move_rehearsal_day(study=study, days=9, by=rung, at=moment(DAY_ONE))
    page = mia.page
    mia.open(f"patients/{patient.code}/")
    tab_to(page, page.get_by_role("link", name="Record event"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("combobox", name="What happened"))
    with page.expect_response(lambda answer: answer.url.endswith("=Febrile+neu")):  # not that for a part of it
        page.keyboard.type("Febrile neu")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    grades = page.get_by_role("group", name="Grade")
    expect(grades).to_contain_text("ANC <1000/mm")
    tab_to(page, grades.get_by_role("radio", name="3"))  # CTCAE has no grade 1 or 2 of it
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("Related to lenalidomide"))
    page.keyboard.type("prob")
    tab_to(page, page.get_by_label("Related to dexamethasone"))
    page.keyboard.type("unr")
    expect(page.get_by_role("heading", name="This looks like a DLT")).to_be_visible()
    tab_to(page, page.get_by_role("radio", name="It is a DLT"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Save", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Febrile neutropenia, grade 3")).to_be_visible()


def test_a_decision_is_signed_by_keyboard_alone(
    study: Study, rung: User, coordinator_a: User, pi: User, rivera: Someone, okafor: Someone
) -> None:
    _, on = evaluated(study, coordinator_a, DAY_ONE)
    move_rehearsal_day(study=study, days=(on - DAY_ONE).days, by=rung, at=moment(on))
    issue_recommendation(study=study, by=pi, at=moment(on) - dt.timedelta(minutes=1))
    page = rivera.page
    rivera.open("decision/")
    assert looked_at(page) == []  # the form of whoever decides first
    tab_to(page, page.get_by_role("radio", name="Escalate to 15 mg"))
    page.keyboard.press("ArrowDown")  # 25 mg cannot be chosen and is passed over
    expect(page.get_by_role("radio", name="Stay at 10 mg")).to_be_checked()
    tab_to(page, page.get_by_label("Patients in the next cohort"))
    page.keyboard.press("ArrowUp")
    tab_to(page, page.get_by_label("Comment"))
    page.keyboard.type("The first patient was unusually fit.")
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type("not my password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    assert faults(page) == []
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    tab_to(page, page.get_by_role("button", name="Sign as Dr Ana Rivera"))
    page.keyboard.press("Enter")
    rivera.sees("You have signed.", "10 mg, lower than recommended, 2 patients in the next cohort")
    okafor.open("decisions/1/decline/")
    assert looked_at(okafor.page) == []


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the element has the focus, and see that the focus can be seen."""
    expect(wanted.first).to_be_attached()
    for _ in range(MANY_TABS):
        page.keyboard.press("Tab")
        if wanted.first.evaluate("element => element === document.activeElement"):
            assert wanted.first.evaluate(SHOWS_FOCUS), "nothing shows where the focus is"
            return
    raise AssertionError(f"Tab never comes to {wanted}; it is on {page.evaluate('document.activeElement.outerHTML')}")
