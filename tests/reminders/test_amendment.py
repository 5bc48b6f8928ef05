"""An amendment in the middle of cycle 2: what it says beforehand, what it changes, and what it leaves as it was."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import User
from audit.models import Entry
from dosing.models import Recommendation
from dosing.operations import approve_amendment, issue_recommendation
from dosing.queries import where_we_stand
from dosing.queries.replay import replay
from labs.models import Collection
from labs.queries import samples_of, with_samples
from labs.schedule import DueCollection
from patients.models import Patient
from reminders.amendment_preview import preview
from reminders.candidates import candidates
from reminders.items import Kind
from tests.cast import moment
from tests.dosing.steps import as_if_committed, decide, evaluated, on_treatment, window_closed, with_dlt
from tests.patients.steps import day
from tests.reminders.amended_trial import APPROVED, LATER, change, in_cycle_2, with_narrow_windows, with_windows
from trials.errors import Refused
from trials.models import ProtocolVersion, Site, Study
from trials.operations import (
    follow_version,
    move_rehearsal_day,
    start_amendment,
    withdraw_amendment,
)
from trials.protocol import Protocol

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(draft_study: Study, rung: User, at: dt.datetime) -> Study:
    return with_narrow_windows(draft_study, rung, at)


@pytest.fixture
def trial(
    study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User, coordinator_b: User
) -> Study:
    return in_cycle_2(study, coordinator_a, coordinator_b)


@pytest.fixture
def amendment(trial: Study, data_manager: User) -> ProtocolVersion:
    """Cohorts of three, windows of five days, and one more sample after cycle 4."""
    draft = start_amendment(study=trial, by=data_manager, at=moment(APPROVED))
    escalation = {**draft.definition["escalation"], "cohort_size": 3}
    change(trial, "escalation", escalation, data_manager, APPROVED)
    samples = with_windows(draft.definition["samples"], 5)
    after_3 = next(point for point in samples["timepoints"] if point["code"] == "after-3")
    new = {**after_3, "code": "after-4", "title": "After cycle 4", "cycle": 4}
    samples["timepoints"] = [*samples["timepoints"], new]
    return change(trial, "samples", samples, data_manager, APPROVED)


def approve(amendment: ProtocolVersion, by: User, **from_days: dt.date) -> ProtocolVersion:
    return approve_amendment(
        study=amendment.study, from_days=from_days, seen_sha256=amendment.sha256, by=by, at=moment(APPROVED)
    )


def samples(code: str, today: dt.date = APPROVED) -> dict[str, DueCollection]:
    [patient] = with_samples(Patient.objects.filter(code=code)).select_related("continuation_review")
    return {due.code: due for due in samples_of(patient, today)}


def around(due: DueCollection) -> tuple[int, int]:
    return (due.planned_on - due.window_from).days, (due.window_to - due.planned_on).days


def test_it_says_beforehand_what_it_will_change(trial: Study, amendment: ProtocolVersion, site_a: Site) -> None:
    told = preview(trial, Protocol.model_validate(amendment.definition), amendment, {site_a.pk: APPROVED})
    [one] = told.patients
    moves = {move.what: (move.before, move.after) for move in one.moves}
    assert one.patient.code == "A-001"
    assert moves["Sample after cycle 2"] == (
        "1 Mar 2026, possible 26 Feb – 4 Mar 2026: edta, serum",
        "1 Mar 2026, possible 24 Feb – 6 Mar 2026: edta, serum",
    )
    assert moves["Sample after cycle 4"][0] == ""
    assert "26 Apr 2026" in moves["Sample after cycle 4"][1]
    assert "Sample after cycle 1" not in moves, "it is collected"
    assert not any("starts" in what for what in moves), "no cycle moves"
    assert any("3 places" in sentence and "Cohort 2" in sentence for sentence in told.study)
    assert told.table == ()
    assert Entry.objects.filter(table_name="trials_versionatsite").count() == 0


def test_what_was_recorded_is_unchanged_and_new_windows_come_with_each_sites_day(
    trial: Study, amendment: ProtocolVersion, data_manager: User
) -> None:
    recorded = list(Collection.objects.order_by("pk").values())
    cohort = trial.cohorts.open().values().get()
    version = approve(amendment, data_manager, A=APPROVED, B=LATER)
    assert list(Collection.objects.order_by("pk").values()) == recorded
    assert trial.cohorts.open().values().get() == cohort
    a, b = samples("A-001"), samples("B-001")
    assert around(a["after-1"]) == (3, 3)
    assert around(a["after-2"]) == (5, 5)
    assert around(a["after-4"]) == (5, 5)
    assert around(b["after-1"]) == (3, 3), "planned on day 57, before the site follows"
    assert around(b["after-2"]) == (5, 5), "planned on day 85"
    assert [(row.site.code, row.from_day) for row in version.at_sites.order_by("site__code")] == [
        ("A", APPROVED),
        ("B", LATER),
    ]
    assert replay(trial) == []


def test_a_site_without_a_day_goes_on_as_before_until_it_has_one(
    trial: Study, amendment: ProtocolVersion, data_manager: User, site_b: Site
) -> None:
    version = approve(amendment, data_manager, A=APPROVED)
    assert around(samples("B-001")["after-2"]) == (3, 3)
    assert "after-4" not in samples("B-001")
    follow_version(version=version, site=site_b, from_day=LATER, by=data_manager, at=moment(day(50)))
    assert around(samples("B-001")["after-2"]) == (5, 5)
    assert "after-4" in samples("B-001")


def test_the_next_cohort_has_the_new_size_and_who_is_registered_follows_the_sites_version(
    trial: Study, amendment: ProtocolVersion, data_manager: User, coordinator_a: User, coordinator_b: User
) -> None:
    approve(amendment, data_manager, A=APPROVED)
    after = window_closed(Patient.objects.get(code="B-001"), coordinator_b)
    decide(Study.objects.get(pk=trial.pk), after, size=3)
    a, b = (on_treatment(trial, by, after, site=site) for by, site in ((coordinator_a, "A"), (coordinator_b, "B")))
    assert (a.version.number, b.version.number) == (2, 1)
    assert replay(trial) == []


def test_a_recommendation_that_waits_is_made_anew_under_the_amended_protocol(
    trial: Study, data_manager: User, pi: User, coordinator_b: User
) -> None:
    on = window_closed(Patient.objects.get(code="B-001"), coordinator_b)
    old = issue_recommendation(study=trial, by=pi, at=moment(on))
    draft = start_amendment(study=trial, by=data_manager, at=moment(on))
    design = draft.definition["design"]
    parameters = {**design["parameters"], "target": 0.25}
    draft = change(trial, "design", {**design, "parameters": parameters}, data_manager, on)
    version = approve_amendment(study=trial, from_days={}, seen_sha256=draft.sha256, by=data_manager, at=moment(on))
    newest = Recommendation.objects.order_by("number").last()
    assert newest is not None
    assert (newest.number, newest.version) == (old.number + 1, version)
    assert newest.inputs["design"]["parameters"]["target"] == 0.25
    old.refresh_from_db()
    assert old.inputs["protocol_version"] == 1
    assert replay(trial) == []
    situation = where_we_stand(Study.objects.get(pk=trial.pk), moment(on))
    assert situation.newest == newest
    assert not situation.reconsider, "what was signed before is not touched by rules that came later"


def test_a_design_that_stops_earlier_closes_levels_with_the_approval(
    study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User, data_manager: User
) -> None:
    as_if_committed()
    _, after = evaluated(study, coordinator_a, day(1))
    decide(study, after, size=3)
    three = [on_treatment(study, coordinator_a, day(30)) for _ in range(3)]
    with_dlt(three[0], coordinator_a, day(35))
    for patient in three[1:]:
        window_closed(patient, coordinator_a)
    assert not study.levels.filter(closed_at__isnull=False).exists()
    draft = start_amendment(study=study, by=data_manager, at=moment(LATER))
    design = draft.definition["design"]
    parameters = {**design["parameters"], "target": 0.1, "elimination_cutoff": 0.6}
    draft = change(study, "design", {**design, "parameters": parameters}, data_manager, LATER)
    version = approve_amendment(study=study, from_days={}, seen_sha256=draft.sha256, by=data_manager, at=moment(LATER))
    assert version.boundaries.get(n=3).eliminate_if_at_least == 1
    assert list(study.levels.filter(closed_at__isnull=False).values_list("ordinal", flat=True)) == [2, 3]


def test_whom_the_calendar_looks_at_follows_the_site_too(
    trial: Study, amendment: ProtocolVersion, data_manager: User, site_a: Site
) -> None:
    """The window of the sample after cycle 2 opens on day 53, with the amendment on day 51."""
    before = candidates(trial, [site_a.pk], day(51))
    approve(amendment, data_manager, A=APPROVED)
    after = candidates(trial, [site_a.pk], day(51))
    assert [Kind.SAMPLE in one.kinds for one in before] == [False]
    assert [Kind.SAMPLE in one.kinds for one in after] == [True]


def test_a_withdrawn_amendment_changes_nothing(trial: Study, amendment: ProtocolVersion, data_manager: User) -> None:
    withdraw_amendment(study=trial, reason="The committee declined.", by=data_manager, at=moment(APPROVED))
    assert around(samples("A-001")["after-2"]) == (3, 3)
    with pytest.raises(Refused) as refused:
        approve(amendment, data_manager, A=APPROVED)
    assert refused.value.code == "no-amendment"


def text_of(reader: User, name: str, *args: object, **query: str) -> str:
    client = Client()
    client.force_login(reader)
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.content.decode()).split())


def test_the_history_tells_the_whole_story(
    trial: Study, amendment: ProtocolVersion, data_manager: User, pi: User
) -> None:
    approve(amendment, data_manager, A=APPROVED, B=LATER)
    told = text_of(data_manager, "reminders:history", trial.key)
    assert "Protocol version live" in told
    assert "Protocol version at a site" in told
    assert "Samples" in told
    changed = text_of(pi, "reminders:version", trial.key, 2)
    assert "After cycle 4" in changed
    page = text_of(pi, "labs:patient", trial.key, "A-001")
    assert "Will follow protocol version 2 from 13 Feb 2026." in page
    move_rehearsal_day(study=trial, days=60, by=pi, at=moment(APPROVED))
    page = text_of(pi, "labs:patient", trial.key, "A-001")
    assert "Follows protocol version 2 since 13 Feb 2026." in page
    assert "before that, version 1 from registration" in page
