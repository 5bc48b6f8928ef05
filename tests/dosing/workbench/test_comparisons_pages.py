"""The pages of saved comparisons: saving, reading, printing, putting away, and starting a study from one."""

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.context import acting
from dosing.engine import BoinDesign, CrmDesign, TiteBoinDesign
from dosing.models import Comparison
from dosing.queries.draft import faults_of_draft
from dosing.queries.inputs import design_of_protocol
from dosing.workbench.address import question_from_query, question_to_query
from dosing.workbench.question import Question
from tests.dosing.workbench.comparing import BOIN, THREE_PLUS_THREE, question, saved
from trials.models import ProtocolVersion, Role, Study

pytestmark = pytest.mark.django_db
SAVE = "/designs/comparisons/save/"


def client(user: User) -> Client:
    signed_in = Client()
    signed_in.force_login(user)
    return signed_in


def page(user: User, path: str, status: int = 200) -> str:
    answer = client(user).get(path)
    assert answer.status_code == status
    return answer.content.decode(errors="replace")


def send(user: User, path: str, status: int = 200, **fields: str) -> str:
    answer = client(user).post(path, fields, follow=True)
    assert answer.status_code == status
    return answer.content.decode(errors="replace")


def at(kept: Comparison, rest: str = "") -> str:
    return f"/designs/comparisons/{kept.pk}/{rest}"


# --- Saving ---


def test_saving_keeps_the_question_of_the_address(statistician: User, study: Study) -> None:
    path = f"{SAVE}?{question_to_query(question())}"
    form = page(statistician, path)
    assert "BOIN and 3+3, 3 doses, target 0.30" in form
    text = send(statistician, path, title="Ours", note="Because.", study=study.key)
    kept = Comparison.objects.get()
    assert Question.from_dict(kept.question) == question()
    assert (kept.title, kept.note, kept.study, kept.saved_by) == ("Ours", "Because.", study, statistician)
    assert "The comparison is saved." in text


def test_saving_for_oneself_needs_no_study(outsider: User) -> None:
    send(outsider, f"{SAVE}?{question_to_query(question())}", title="Mine", note="", study="")
    assert Comparison.objects.get().study is None


def test_a_refused_save_keeps_what_was_typed_and_what_was_asked(statistician: User, study: Study) -> None:
    query = question_to_query(question())
    text = send(statistician, f"{SAVE}?{query}", 409, title="", note="Because it is small.", study=study.key)
    assert "Because it is small." in text
    assert f'value="{study.key}" selected' in text
    assert query.replace("&", "&amp;") in text
    assert not Comparison.objects.exists()


def test_a_question_that_cannot_be_asked_leads_back_to_its_fields(statistician: User) -> None:
    text = page(statistician, f"{SAVE}?{question_to_query(question()).replace('p=0.3', 'p=3')}", 409)
    assert "a probability from 0 to 1" in text
    assert "p=3" in text


def test_nobody_saves_for_a_study_of_others(outsider: User, study: Study) -> None:
    text = send(outsider, f"{SAVE}?{question_to_query(question())}", 409, title="Ours", note="", study=study.key)
    assert "Select a valid choice" in text
    assert not Comparison.objects.exists()


# --- Reading ---


def test_the_answer_stands_first_in_words(statistician: User, study: Study) -> None:
    text = page(statistician, at(saved(statistician, study=study)))
    assert "BOIN selects the MTD, 15 mg, in 57.4 % of trials, 3+3 in 33.9 %: 23.5 points more often." in text
    assert "Sam Whitfield" in text
    assert "Twelve patients at most." in text
    assert "2 March 2026, 09:30 UTC" in text


def test_every_parameter_is_shown(statistician: User) -> None:
    text = page(statistician, at(saved(statistician)))
    for label in ("Patients at most", "Elimination cut-off", "Complete the highest dose"):
        assert label in text


def test_it_opens_in_the_workbench_as_it_was_asked(statistician: User) -> None:
    text = page(statistician, at(saved(statistician))).replace("&amp;", "&")
    query = question_to_query(question())
    assert f'{reverse("dosing:compare")}?{query}"' in text
    assert question_from_query(QueryDict(query)) == question()


def test_it_says_when_the_engine_is_another_one_now(statistician: User) -> None:
    kept = saved(statistician)
    assert "Saved with version" not in page(statistician, at(kept))
    with acting(statistician, "an older one"):
        older = Comparison.objects.create(
            title="Old", question=kept.question, engine_version="0.9.0", saved_at=kept.saved_at, saved_by=statistician
        )
    assert "Saved with version 0.9.0 of the engine" in page(statistician, at(older))


@pytest.mark.parametrize("rest", ["", "appendix.pdf", "appendix.csv", "use/0/"])
def test_who_may_not_see_it_does_not_learn_that_it_exists(
    statistician: User, outsider: User, pi: User, study: Study, rest: str
) -> None:
    page(outsider, at(saved(statistician, study=study), rest), 404)
    page(pi, at(saved(statistician), rest), 404)
    page(pi, at(saved(statistician, study=study), rest))


def test_one_has_to_sign_in(statistician: User) -> None:
    for rest in ("", "appendix.pdf", "appendix.csv", "use/0/", "put-away/"):
        assert "/sign-in/" in Client().get(at(saved(statistician), rest)).headers["Location"]


# --- Printing ---


def test_the_appendix_is_the_same_file_each_time(statistician: User) -> None:
    kept = saved(statistician, title="BOIN or 3+3?")
    first, second = (client(statistician).get(at(kept, "appendix.pdf")) for _ in range(2))
    assert first.content == second.content
    assert first.headers["Content-Type"] == "application/pdf"
    assert first.headers["Content-Disposition"] == f'inline; filename="appendix-{kept.pk}-boin-or-33.pdf"'


def test_the_file_of_numbers_can_be_had_for_one_design(statistician: User) -> None:
    kept = saved(statistician)
    assert "three_plus_three" in page(statistician, at(kept, "appendix.csv"))
    assert "three_plus_three" not in page(statistician, at(kept, "appendix.csv?design=0"))


@pytest.mark.parametrize("design", ["2", "-1", "x", "", "²"])
def test_a_design_that_is_not_compared_has_no_appendix(statistician: User, design: str) -> None:
    kept = saved(statistician)
    for rest in ("appendix.pdf", "appendix.csv"):
        page(statistician, at(kept, f"{rest}?design={design}"), 404)


# --- Putting away ---


def test_putting_away_is_asked_once_more(statistician: User, study: Study) -> None:
    kept = saved(statistician, study=study)
    assert "Put this comparison away?" in send(statistician, at(kept, "put-away/"))
    assert not Comparison.objects.filter(put_away_at__isnull=False).exists()
    assert kept.title in page(statistician, "/designs/")
    send(statistician, at(kept, "put-away/"), confirm="yes")
    assert Comparison.objects.get().put_away_at is not None
    assert at(kept) not in page(statistician, "/designs/")
    assert "has been put away" in page(statistician, at(kept))


def test_the_studys_history_tells_of_both(statistician: User, study: Study) -> None:
    kept = saved(statistician, study=study)
    send(statistician, at(kept, "put-away/"), confirm="yes")
    text = page(statistician, f"/studies/{study.key}/history/")
    assert "Comparison of designs put away" in text
    assert "BOIN or 3+3" in text


def test_putting_away_is_refused_to_others(statistician: User, pi: User, study: Study) -> None:
    kept = saved(statistician, study=study)
    assert "Put away" not in page(pi, at(kept))
    send(pi, at(kept, "put-away/"), 403, confirm="yes")


# --- Starting a study ---

HEADING = {"key": "NEW-01", "title": "A new trial", "time_zone": "Europe/Berlin"}


def draft(key: str = "NEW-01") -> ProtocolVersion:
    return ProtocolVersion.objects.get(study__key=key)


def test_a_study_started_from_a_study_lacks_nothing(statistician: User, study: Study) -> None:
    """All but the design comes from the study: the same ladder has the same regimens."""
    other = BoinDesign(target=0.30, max_patients=18, cohort_size=3, p_tox=0.45, start_dose=2)
    kept = saved(statistician, question(BOIN, other), study=study)
    text = send(statistician, at(kept, "use/1/"), **HEADING, source=f"study:{study.key}")
    assert "NEW-01 is started as a draft" in text
    version = draft()
    assert version.definition["design"]["parameters"] == {"target": 0.3, "p_tox": 0.45}
    assert faults_of_draft(version.definition) == []
    assert design_of_protocol(version.protocol) == other
    assert [level["doses"] for level in version.definition["levels"]] == [
        level["doses"] for level in study.version.definition["levels"]
    ]
    assert "“BOIN or 3+3”" in version.definition["design"]["note"]
    begun = Study.objects.get(key="NEW-01")
    assert (begun.title, begun.time_zone) == ("A new trial", "Europe/Berlin")
    assert begun.memberships.get().role == Role.DATA_MANAGER


def test_a_study_started_from_nothing_has_the_ladder_the_design_and_its_sizes(statistician: User) -> None:
    send(statistician, at(saved(statistician), "use/1/"), **HEADING, source="")
    definition = draft().definition
    assert [level["label"] for level in definition["levels"]] == ["10 mg", "15 mg", "25 mg"]
    assert definition["design"]["name"] == "three_plus_three"
    assert definition["design"]["parameters"] == {"complete_highest": True}
    assert definition["escalation"] == {
        "maximum_patients": 18,
        "cohort_size": 3,
        "maximum_cohort_size": 3,
        "start_level": 1,
    }


def test_a_study_started_from_a_protocol_of_rungs_own_with_3_plus_3_can_be_run(statistician: User) -> None:
    kept = saved(statistician, question(THREE_PLUS_THREE))
    send(statistician, at(kept, "use/0/"), **HEADING, source="file:anti-mag-lenalidomide")
    assert faults_of_draft(draft().definition) == []
    assert design_of_protocol(draft().protocol) == THREE_PLUS_THREE


def test_doses_of_another_ladder_are_not_guessed(statistician: User) -> None:
    asked = question(BOIN, labels=("5 mg", "15 mg", "20 mg"))
    send(statistician, at(saved(statistician, asked), "use/0/"), **HEADING, source="file:anti-mag-lenalidomide")
    levels = draft().definition["levels"]
    assert ["doses" in level for level in levels] == [False, True, False]
    assert "ladder" not in draft().definition["reductions"]


def test_a_key_that_is_taken_keeps_what_was_typed(statistician: User, study: Study) -> None:
    fields = {**HEADING, "key": study.key, "source": "file:anti-mag-lenalidomide"}
    text = send(statistician, at(saved(statistician), "use/0/"), 409, **fields)
    assert "already" in text
    assert "A new trial" in text
    assert 'value="file:anti-mag-lenalidomide" selected' in text
    assert Study.objects.count() == 1


def test_a_rehearsal_can_be_started(statistician: User) -> None:
    send(statistician, at(saved(statistician), "use/0/"), **HEADING, source="", rehearsal="on")
    assert Study.objects.get(key="NEW-01").is_rehearsal


def test_nothing_is_taken_from_a_study_of_others(outsider: User, study: Study) -> None:
    text = send(outsider, at(saved(outsider), "use/0/"), 409, **HEADING, source=f"study:{study.key}")
    assert "Select a valid choice" in text
    assert not Study.objects.filter(key="NEW-01").exists()


@pytest.mark.parametrize(
    "design",
    [CrmDesign(target=0.30, max_patients=12, skeleton=(0.12, 0.30, 0.48)), TiteBoinDesign(target=0.30, max_patients=6)],
    ids=["crm", "tite_boin"],
)
def test_a_design_that_cannot_run_a_study_says_so_before_anything_is_made(
    statistician: User, design: CrmDesign | TiteBoinDesign
) -> None:
    kept = saved(statistician, question(design))
    assert "cannot run a study yet" in page(statistician, at(kept, "use/0/"))
    assert "No study can be started with it yet" in page(statistician, at(kept))
    send(statistician, at(kept, "use/0/"), 409, **HEADING, source="")
    assert not Study.objects.filter(key="NEW-01").exists()


def test_a_design_that_is_not_compared_starts_nothing(statistician: User) -> None:
    page(statistician, at(saved(statistician), "use/2/"), 404)
