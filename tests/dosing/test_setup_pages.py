"""The pages of a study's set-up: started in four ways, completed, its people and sites, signed, let go live."""

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Signature, User
from tests.cast import ANTI_MAG, DAY_ONE, PASSWORD, moment, person
from trials.models import Role, Study
from trials.operations import add_site, edit_section, grant_role
from trials.protocol_checks import read_study_file

pytestmark = pytest.mark.django_db
RECORD = Path(__file__).parent.parent / "trials" / "records" / "NCT05990001.json"
SHIPPED = sorted(ANTI_MAG.parent.glob("*.yaml"))


@pytest.fixture
def dana(rung: User) -> User:
    return person("dana", "Dana Petrov")


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def get(user: User, path: str, status: int = 200) -> str:
    answer = browser_of(user).get(path)
    assert answer.status_code == status, answer.status_code
    return unescape(answer.content.decode())


def post(user: User, path: str, data: dict[str, Any]) -> tuple[int, str]:
    answer = browser_of(user).post(path, data)
    return answer.status_code, unescape(answer.content.decode()) if answer.status_code != 302 else answer["Location"]


def file(text: str, name: str = "study.yaml") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


@pytest.fixture
def imported(dana: User) -> Study:
    """The anti-MAG study as its data manager imported it."""
    assert post(dana, "/start-a-study/file/", {"file": file(ANTI_MAG.read_text())})[0] == 302
    return Study.objects.get()


@pytest.fixture
def staffed(imported: Study, dana: User) -> Study:
    at = moment(DAY_ONE)
    add_site(study=imported, code="A", name="Northfield", time_zone="America/New_York", by=dana, at=at)
    for role in (Role.PRINCIPAL_INVESTIGATOR, Role.STATISTICIAN, Role.MEDICAL_MONITOR):
        someone = person(role.value, f"Dr {role.label.title()}")
        grant_role(study=imported, person=someone, role=role, by=dana, at=at)
    return imported


def holder(role: Role) -> User:
    return User.objects.get(username=role.value)


def setup(study: Study, rest: str = "") -> str:
    return f"/studies/{study.key}/setup/{rest}"


# --- starting ---


def test_a_blank_study_is_started_and_leads_to_its_set_up(dana: User) -> None:
    assert "/start-a-study/" in get(dana, "/studies/")
    given = {"key": "NEW-01", "title": "A new study", "time_zone": "Europe/Stockholm"}
    assert post(dana, "/start-a-study/blank/", given) == (302, "/studies/NEW-01/setup/")
    page = get(dana, "/studies/NEW-01/setup/")
    assert "to be filled in" in page
    assert "Complete 11 parts of the study file" in page
    assert "Add at least one site" in page


def test_a_refused_start_keeps_what_was_typed(dana: User, imported: Study) -> None:
    given = {"key": "LEN-MAG-01", "title": "My own title", "time_zone": "Mars/Olympus", "rehearsal": "on"}
    status, page = post(dana, "/start-a-study/blank/", given)
    assert status == 409
    assert "Mars/Olympus' is not possible" in page
    for value in ("LEN-MAG-01", "My own title", "Mars/Olympus"):
        assert f'value="{value}"' in page
    status, page = post(dana, "/start-a-study/blank/", {**given, "time_zone": "UTC"})
    assert "There is a study 'LEN-MAG-01' already" in page
    assert Study.objects.count() == 1


def test_a_rehearsal_is_started_on_a_day_of_its_own(dana: User) -> None:
    given = {"key": "TRY-01", "title": "To try it", "time_zone": "UTC", "rehearsal": "on"}
    post(dana, "/start-a-study/blank/", given)
    assert Study.objects.get().is_rehearsal


def test_a_copy_is_made_of_a_study_in_which_one_has_a_role(study: Study, pi: User, outsider: User) -> None:
    given = {"source": study.key, "key": "COPY-01", "title": "The copy"}
    assert post(pi, "/start-a-study/copy/", given) == (302, "/studies/COPY-01/setup/")
    assert Study.objects.get(key="COPY-01").versions.get().definition["dlt"] == study.version.definition["dlt"]
    status, page = post(outsider, "/start-a-study/copy/", {**given, "key": "COPY-02"})
    assert status == 200
    assert "Select a valid choice" in page
    assert not Study.objects.filter(key="COPY-02").exists()


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda path: path.stem)
def test_an_exported_file_that_is_imported_gives_the_same_definition(dana: User, shipped: Path) -> None:
    post(dana, "/start-a-study/file/", {"file": file(shipped.read_text())})
    study = Study.objects.get()
    answer = browser_of(dana).get(setup(study, "study-file/"))
    assert f'filename="{study.key}-version-1.yaml"' in answer["Content-Disposition"]
    exported = answer.content.decode()
    post(dana, "/start-a-study/file/", {"text": exported, "key": "AGAIN-01"})
    first, again = study.versions.get(), Study.objects.get(key="AGAIN-01").versions.get()
    assert again.definition == {**first.definition, "study": {**first.definition["study"], "key": "AGAIN-01"}}
    assert read_study_file(exported)[0] == first.definition == read_study_file(shipped.read_text())[0]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Choose a file, or paste its text"),
        ({"file": SimpleUploadedFile("x.yaml", b"\xff\xfe\x00")}, "is not a text in UTF-8"),
        ({"file": SimpleUploadedFile("x.yaml", b"a" * 200_001)}, "at most 200000 are read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(dana: User, data: dict[str, Any], sentence: str) -> None:
    status, page = post(dana, "/start-a-study/file/", data)
    assert status == 200
    assert sentence in page
    assert not Study.objects.exists()


def test_a_record_of_clinicaltrials_gov_is_a_start(dana: User) -> None:
    assert post(dana, "/start-a-study/record/", {"file": file(RECORD.read_text(), "r.json")})[0] == 302
    study = Study.objects.get()
    assert study.title.startswith("Lenalidomide and Cetuximab")
    definition = study.versions.get().definition
    assert (len(definition["agents"]), len(definition["eligibility"])) == (2, 6)
    assert "6 assumed" in get(dana, setup(study))


def test_a_faulty_record_is_refused_with_its_path(dana: User) -> None:
    record = json.loads(RECORD.read_text())
    record["protocolSection"]["identificationModule"]["nctId"] = "12345"
    status, page = post(dana, "/start-a-study/record/", {"file": file(json.dumps(record), "r.json")})
    assert status == 422
    assert "protocolSection.identificationModule.nctId" in page
    assert "12345" in page


def test_nobody_starts_a_study_without_signing_in(db: None) -> None:
    for path in ("/start-a-study/", "/start-a-study/blank/", "/studies/"):
        assert Client().get(path).status_code == 302


# --- a study that is being set up ---


def test_the_pages_of_a_study_that_runs_lead_to_the_set_up(imported: Study, dana: User) -> None:
    for path in ("", "study/", "patients/", "samples/", "decisions/", "decision/", "reminders/", "accrual/"):
        page = get(dana, f"/studies/{imported.key}/{path}")
        assert "LEN-MAG-01 is being set up" in page, path
        assert setup(imported) in page
    assert "being set up" in get(dana, "/studies/")
    assert "Dose levels" in get(dana, f"/studies/{imported.key}/protocol/")
    assert "Set-up" in get(dana, f"/studies/{imported.key}/history/")


def test_they_do_so_while_the_draft_is_incomplete(imported: Study, dana: User) -> None:
    seen = imported.versions.get().sha256
    edit_section(study=imported, section="dlt", content=None, by=dana, at=moment(DAY_ONE), seen_sha256=seen)
    for path in ("", "protocol/", "study/"):
        assert "is being set up" in get(dana, f"/studies/{imported.key}/{path}")
    assert "Set-up changed" in get(dana, f"/studies/{imported.key}/history/")
    page = get(dana, setup(imported))
    assert "Complete 1 part of the study file: Dose-limiting toxicity" in page
    assert "Read as a protocol" not in page
    assert post(dana, setup(imported, "sign/"), {}) == (302, setup(imported))


def test_a_fault_is_shown_at_its_part(imported: Study, dana: User) -> None:
    version, content = imported.versions.get(), {"name": "boin", "parameters": {"target": 0.95}}
    edit_section(
        study=imported, section="design", content=content, by=dana, at=moment(DAY_ONE), seen_sha256=version.sha256
    )
    page = get(dana, setup(imported))
    assert "1 fault" in page
    assert "design.parameters.target: 0.95 is not allowed" in page


def test_the_overview_tells_who_changed_what(imported: Study, dana: User) -> None:
    version = imported.versions.get()
    edit_section(
        study=imported, section="delay", content={"limit_days": 14}, by=dana, at=moment(DAY_ONE),
        seen_sha256=version.sha256,
    )  # fmt: skip
    changes = get(dana, setup(imported)).partition("Changes of the draft")[2]
    assert changes.index("Delay") < changes.index("Started")
    assert "Dana Petrov" in changes


def test_somebody_without_a_role_finds_no_set_up(imported: Study, outsider: User) -> None:
    for rest in ("", "study-file/", "people/", "sign/", "go-live/"):
        get(outsider, setup(imported, rest), status=404)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PRINCIPAL_INVESTIGATOR, Role.MONITOR])
def test_others_read_the_set_up_and_do_not_manage_it(imported: Study, dana: User, role: Role) -> None:
    reader = person("reader", "Rita Reader")
    grant_role(study=imported, person=reader, role=role, by=dana, at=moment(DAY_ONE))
    page = get(reader, setup(imported))
    assert "What stands between here and live" in page
    assert setup(imported, "people/") not in page
    for rest in ("people/", "go-live/"):
        get(reader, setup(imported, rest), status=403)
        assert post(reader, setup(imported, rest), {"add": "site", "site-code": "A"})[0] == 403


# --- sites and people ---


def test_sites_are_added_and_roles_given_and_ended(imported: Study, dana: User) -> None:
    person("rivera", "Dr Ana Rivera")
    given = {"add": "site", "site-code": "A", "site-name": "Northfield", "site-time_zone": "America/New_York"}
    assert post(dana, setup(imported, "people/"), given)[0] == 302
    given = {"add": "role", "role-username": "rivera", "role-role": "investigator", "role-site": "A"}
    assert post(dana, setup(imported, "people/"), given)[0] == 302
    held = imported.memberships.get(role="investigator")
    assert (held.user.full_name, held.site) == ("Dr Ana Rivera", imported.sites.get())
    assert post(dana, setup(imported, f"people/{held.pk}/end/"), {"reason": "left"})[0] == 302
    assert not imported.memberships.in_force().filter(pk=held.pk).exists()
    get(dana, setup(imported, f"people/{held.pk}/end/"), status=404)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"add": "site", "site-code": "A-1", "site-name": "My site", "site-time_zone": "UTC"}, "is no code"),
        ({"add": "site", "site-code": "A", "site-name": "My site", "site-time_zone": "Mars"}, "is no time zone"),
        ({"add": "role", "role-username": "nobody", "role-role": "monitor"}, "There is no person 'nobody'"),
        ({"add": "role", "role-username": "rung", "role-role": "monitor"}, "There is no person 'rung'"),
        ({"add": "role", "role-username": "dana", "role-role": "edc"}, "Select a valid choice"),
        ({"add": "role", "role-username": "dana", "role-role": "monitor", "role-site": "Z"}, "Select a valid choice"),
    ],
)
def test_a_refused_site_or_role_keeps_what_was_typed(
    imported: Study, dana: User, given: dict[str, str], sentence: str
) -> None:
    status, page = post(dana, setup(imported, "people/"), given)
    assert status in (409, 422)
    assert sentence in page
    typed = given.get("site-name") or given["role-username"]
    assert f'value="{typed}"' in page


def test_the_last_data_manager_stays(imported: Study, dana: User) -> None:
    held = imported.memberships.get()
    status, page = post(dana, setup(imported, f"people/{held.pk}/end/"), {"reason": "leaving the trial"})
    assert status == 409
    assert "keeps a data manager" in page
    assert "leaving the trial" in page


# --- signing and going live ---


def sign(study: Study, role: Role, password: str = PASSWORD, seen: str = "") -> tuple[int, str]:
    given = {"role": role.value, "password": password, "seen_sha256": seen or study.versions.get().sha256}
    return post(holder(role), setup(study, "sign/"), given)


def test_it_is_read_signed_by_both_and_goes_live(staffed: Study, dana: User) -> None:
    page = get(dana, setup(staffed))
    assert "2 things to do before the study goes live" in page
    assert "The statistician has to sign the set-up" in page
    page = get(holder(Role.STATISTICIAN), setup(staffed, "sign/"))
    for words in ("Dose levels", "Decision table", "assumption", staffed.versions.get().sha256, "and approve it"):
        assert words in page
    assert sign(staffed, Role.STATISTICIAN) == (302, setup(staffed))
    assert sign(staffed, Role.PRINCIPAL_INVESTIGATOR) == (302, setup(staffed))
    assert "Ready to go live" in get(dana, setup(staffed))
    page = get(dana, setup(staffed, "go-live/"))
    assert "Cohort 1 opens at 10 mg with 1 place: Northfield can register patients" in page
    seen = staffed.versions.get().sha256
    assert post(dana, setup(staffed, "go-live/"), {"seen_sha256": seen}) == (302, f"/studies/{staffed.key}/study/")
    assert "10 mg" in get(dana, f"/studies/{staffed.key}/study/")
    page = get(dana, setup(staffed))
    assert "Live since" in page
    assert "Dr Statistician" in page
    assert post(dana, setup(staffed, "go-live/"), {"seen_sha256": seen}) == (302, setup(staffed))


def test_a_wrong_password_is_told_at_its_field(staffed: Study) -> None:
    status, page = sign(staffed, Role.STATISTICIAN, password="wrong")
    assert status == 409
    assert "The password is not right" in page
    assert not Signature.objects.exists()


def test_a_draft_that_was_changed_meanwhile_is_shown_anew_and_not_signed(staffed: Study, dana: User) -> None:
    seen = staffed.versions.get().sha256
    edit_section(
        study=staffed, section="delay", content={"limit_days": 14}, by=dana, at=moment(DAY_ONE), seen_sha256=seen
    )
    status, page = sign(staffed, Role.STATISTICIAN, seen=seen)
    assert status == 409
    assert "was changed since this page was opened" in page
    assert f'value="{staffed.versions.get().sha256}"' in page
    assert not Signature.objects.exists()


def test_an_earlier_signature_is_shown_as_covering_the_draft_no_longer(staffed: Study, dana: User) -> None:
    sign(staffed, Role.STATISTICIAN)
    version = staffed.versions.get()
    edit_section(
        study=staffed, section="delay", content={"limit_days": 14}, by=dana, at=moment(DAY_ONE),
        seen_sha256=version.sha256,
    )  # fmt: skip
    page = get(dana, setup(staffed))
    assert "no longer covers this" in page
    assert "it has to be signed again" in page


def test_who_signs_nothing_gets_no_form(staffed: Study) -> None:
    page = get(holder(Role.MEDICAL_MONITOR), setup(staffed, "sign/"))
    assert "none of your roles signs the set-up" in page
    assert sign(staffed, Role.MEDICAL_MONITOR)[0] == 200
    assert not Signature.objects.exists()


def test_going_live_too_early_is_refused_with_what_is_missing(staffed: Study, dana: User) -> None:
    seen = staffed.versions.get().sha256
    status, page = post(dana, setup(staffed, "go-live/"), {"seen_sha256": seen})
    assert status == 409
    assert "The principal investigator has to sign the set-up" in page
    assert "cannot go live yet" in page
    assert staffed.versions.get().status == "draft"


def test_a_file_that_was_mended_in_the_page_starts_the_study(dana: User) -> None:
    content = yaml.safe_load(ANTI_MAG.read_text())
    content["delay"]["limit_days"] = -1
    assert post(dana, "/start-a-study/file/", {"text": yaml.safe_dump(content)})[0] == 422
    content["delay"]["limit_days"] = 28
    assert post(dana, "/start-a-study/file/", {"text": yaml.safe_dump(content)})[0] == 302
