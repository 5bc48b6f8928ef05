"""The pages of a large simulation: start, progress, answer; the starter's alone."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError

from accounts.models import User
from dosing import simulation_views, tasks
from dosing.engine import BoinDesign, Design, ThreePlusThreeDesign, TiteBoinDesign, simulate_trials
from dosing.models import Simulation
from dosing.operations.simulations import Left, start_simulation, work_on_simulation
from dosing.simulation_page import duration_words
from dosing.workbench.address import question_to_query
from dosing.workbench.question import Question
from tests.cast import person

pytestmark = pytest.mark.django_db
Status = Simulation.Status
SIMULATIONS = "/designs/simulations/"
BOIN, STORER = BoinDesign(target=0.30, max_patients=12), ThreePlusThreeDesign()
TOXICITY = (0.05, 0.15, 0.30)
HTMX = {"HX-Request": "true"}


def ask(*designs: Design) -> Question:
    return Question(("10 mg", "15 mg", "25 mg"), TOXICITY, 0.30, designs)


@pytest.fixture
def reader(outsider: User) -> Client:
    """Signed in, without a role in any study."""
    client = Client()
    client.force_login(outsider)
    return client


@pytest.fixture
def handed_out(monkeypatch: Any) -> list[int]:
    """Simulations that workers were asked to work on."""
    asked: list[int] = []
    monkeypatch.setattr(simulation_views, "hand_out", asked.append)
    return asked


def running(by: User, *designs: Design, trials: int = 60_000, blocks: int = 0) -> Simulation:
    question = ask(*(designs or (BOIN, STORER)))
    simulation = start_simulation(question=question, trials=trials, seed=7, by=by, at=dt.datetime.now(dt.UTC))
    work(simulation, blocks)
    return simulation


def work(simulation: Simulation, blocks: int) -> None:
    for _ in range(blocks):
        work_on_simulation(simulation_id=simulation.pk, by=User.objects.system(), at=dt.datetime.now(dt.UTC))


def done(by: User, *designs: Design, trials: int = 60_000) -> Simulation:
    simulation = running(by, *designs, trials=trials)
    rung = User.objects.system()
    while work_on_simulation(simulation_id=simulation.pk, by=rung, at=dt.datetime.now(dt.UTC)) is Left.MORE:
        pass
    simulation.refresh_from_db()
    assert simulation.status == Status.DONE
    return simulation


def page_of(reader: Client, simulation: Simulation) -> str:
    return reader.get(f"{SIMULATIONS}{simulation.pk}/").content.decode()


def form(**given: Any) -> dict[str, Any]:
    return {"q": question_to_query(ask(BOIN, STORER)), "trials": "1000000", "seed": "20", **given}


# --- starting ---


def test_the_workbench_s_question_is_asked_how_often(reader: Client) -> None:
    page = reader.get(f"{SIMULATIONS}?{question_to_query(ask(BOIN, STORER))}").content.decode()
    assert "BOIN; 3+3" in page
    assert "10 mg 0.05, 15 mg 0.15, 25 mg 0.3" in page
    assert 'value="1000000"' in page


def test_a_start_is_written_down_handed_out_and_shown(reader: Client, outsider: User, handed_out: list[int]) -> None:
    answer = reader.post(SIMULATIONS, form())
    simulation = Simulation.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{SIMULATIONS}{simulation.pk}/")
    assert handed_out == [simulation.pk]
    assert Question.from_dict(simulation.question) == ask(BOIN, STORER)
    assert (simulation.trials, simulation.seed, simulation.started_by) == (1_000_000, 20, outsider)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"trials": "9999"}, "9,999 trials are not possible here: choose from 10,000 to 10,000,000."),
        ({"trials": "9" * 30}, "are not possible here"),
        ({"trials": "many"}, "Enter a whole number"),
        ({"trials": ""}, "This field is required"),
        ({"seed": "-1"}, "A seed is a whole number from 0 to 999,999,999."),
    ],
)
def test_a_refused_start_says_why_and_keeps_what_was_typed(
    reader: Client, handed_out: list[int], given: dict[str, str], sentence: str
) -> None:
    answer = reader.post(SIMULATIONS, form(**given))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert sentence in page
    assert "BOIN; 3+3" in page
    assert all(f'value="{typed}"' in page for typed in given.values() if typed)
    assert handed_out == []
    assert not Simulation.objects.exists()


def test_a_third_running_one_is_refused_with_links_to_the_two(
    reader: Client, outsider: User, handed_out: list[int]
) -> None:
    two = [running(outsider), running(outsider)]
    answer = reader.post(SIMULATIONS, form())
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "2 simulations of yours are running. Wait until one has ended, or cancel one." in page
    assert all(f'href="{SIMULATIONS}{one.pk}/"' in page for one in two)


@pytest.mark.parametrize("query", ["dose=10+mg&p=2", "kind=none", "dose=&p=0.1"])
def test_a_question_that_cannot_be_asked_leads_back_to_the_workbench(
    reader: Client, handed_out: list[int], query: str
) -> None:
    for answer in (reader.get(f"{SIMULATIONS}?{query}"), reader.post(SIMULATIONS, form(q=query))):
        assert "These designs cannot be simulated as they are described" in answer.content.decode()
    assert handed_out == []
    assert not Simulation.objects.exists()


def test_where_the_queue_cannot_be_reached_it_starts_all_the_same(reader: Client, monkeypatch: Any) -> None:
    def unreachable(*args: Any, **how: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.work_on_simulation, "apply_async", unreachable)
    assert reader.post(SIMULATIONS, form()).status_code == 302
    assert Simulation.objects.get().status == Status.RUNNING


def test_without_signing_in_nothing_is_to_be_had() -> None:
    assert Client().get(SIMULATIONS).headers["Location"].startswith("/sign-in/")
    assert Client().post(SIMULATIONS, form()).headers["Location"].startswith("/sign-in/")


# --- while it runs ---


def test_a_running_one_says_how_far_it_is_and_shows_the_numbers_so_far(reader: Client, outsider: User) -> None:
    page = page_of(reader, running(outsider, blocks=2))
    assert "Simulating: 83 %" in page
    assert '<progress class="simulation-bar" max="120000" value="100000"' in page
    assert "<b>100,000</b> of 120,000 trials" in page
    assert "a second · about" in page
    assert page.count("50,000 trials so far") == 2
    assert "Exact" not in page
    assert 'hx-trigger="every 1s"' in page
    assert ">Cancel</button>" in page


def test_without_script_there_is_a_link_to_look_again(reader: Client, outsider: User) -> None:
    simulation = running(outsider)
    link = f'<noscript><p><a href="{SIMULATIONS}{simulation.pk}/">Look again how far it is</a></p></noscript>'
    assert link in page_of(reader, simulation)
    work(simulation, 4)
    assert "<noscript>" not in page_of(reader, simulation)


def test_one_that_no_worker_takes_up_says_so(reader: Client, outsider: User) -> None:
    simulation = running(outsider)
    assert "No worker has taken it up yet" not in page_of(reader, simulation)
    Simulation.objects.update(started_at=simulation.started_at - dt.timedelta(minutes=1))
    page = page_of(reader, simulation)
    assert "No worker has taken it up yet" in page
    assert "No trial of it has been simulated yet" in page


def test_the_moving_part_asks_for_itself_and_brings_the_heading(reader: Client, outsider: User) -> None:
    simulation = running(outsider, blocks=1)
    part = reader.get(f"{SIMULATIONS}{simulation.pk}/progress/", headers=HTMX).content.decode()
    assert "<html" not in part
    assert 'hx-swap-oob="true">Simulating: 41 %</span>' in part
    assert 'hx-trigger="every 1s"' in part


def test_at_the_end_the_moving_part_calls_for_the_whole_page(reader: Client, outsider: User) -> None:
    simulation = done(outsider)
    answer = reader.get(f"{SIMULATIONS}{simulation.pk}/progress/", headers=HTMX)
    assert (answer.headers["HX-Refresh"], answer.content) == ("true", b"")


def test_the_moving_part_by_itself_is_no_page(reader: Client, outsider: User) -> None:
    simulation = running(outsider)
    answer = reader.get(f"{SIMULATIONS}{simulation.pk}/progress/")
    assert answer.headers["Location"] == f"{SIMULATIONS}{simulation.pk}/"


def test_signed_out_meanwhile_the_page_is_loaded_again_and_so_leads_to_signing_in(outsider: User) -> None:
    simulation = running(outsider)
    answer = Client().get(f"{SIMULATIONS}{simulation.pk}/progress/", headers=HTMX)
    assert answer.headers["HX-Refresh"] == "true"


# --- when it has ended ---


def test_the_answer_comes_first_with_standard_errors_beside_the_exact_values(reader: Client, outsider: User) -> None:
    page = page_of(reader, done(outsider))
    shares = [
        f"{100 * simulate_trials(design, TOXICITY, trials=60_000, seed=7).correct_selection[0]:.1f} %"
        for design in (BOIN, STORER)
    ]
    assert f"BOIN selects the MTD, 25 mg, in {shares[0]} of trials, 3+3 in {shares[1]}</span>" in page
    assert "hx-trigger" not in page
    assert "Cancel" not in page
    assert page.count("Diff., SE") == 2
    assert page.count('data-label="Correct selection"') == 2
    assert "values the one furthest from its exact value lies" in page
    assert "Time taken" in page
    assert "Start again with the same seed" in page


def test_where_nothing_is_exact_it_says_so_and_tells_how_long_trials_last(reader: Client, outsider: User) -> None:
    page = page_of(reader, done(outsider, TiteBoinDesign(target=0.30, max_patients=6), trials=10_000))
    assert "Exact values are out of reach for it" in page
    assert " days long on average" in page
    assert "Diff., SE" not in page
    assert "Side by side" not in page
    assert "DLT window" in page


def test_no_dose_is_rightly_selected_where_all_are_too_toxic(reader: Client, outsider: User) -> None:
    toxic = Question(("10 mg", "15 mg"), (0.6, 0.8), 0.30, (BOIN,))
    simulation = start_simulation(question=toxic, trials=10_000, seed=1, by=outsider, at=dt.datetime.now(dt.UTC))
    work(simulation, 1)
    none = simulate_trials(BOIN, (0.6, 0.8), trials=10_000, seed=1).no_selection[0]
    assert f"BOIN rightly selects no dose in {100 * none:.1f} % of trials</span>" in page_of(reader, simulation)


def test_the_same_seed_again_is_one_button(reader: Client, outsider: User, handed_out: list[int]) -> None:
    first = done(outsider)
    again = {"q": question_to_query(Question.from_dict(first.question)), "trials": first.trials, "seed": first.seed}
    page = page_of(reader, first)
    assert all(f'name="{name}"' in page for name in again)
    reader.post(SIMULATIONS, again)
    second = Simulation.objects.latest("pk")
    assert second.pk != first.pk
    assert (second.question, second.trials, second.seed) == (first.question, first.trials, first.seed)


def test_a_cancelled_one_keeps_the_numbers_that_it_had(reader: Client, outsider: User) -> None:
    simulation = running(outsider, blocks=1)
    answer = reader.post(f"{SIMULATIONS}{simulation.pk}/cancel/")
    assert answer.headers["Location"] == f"{SIMULATIONS}{simulation.pk}/"
    page = page_of(reader, simulation)
    assert "Cancelled after 50,000 of 120,000 trials" in page
    assert "hx-trigger" not in page
    assert "No trial of it was simulated" in page


def test_cancelling_one_that_has_ended_shows_it_as_it_is(reader: Client, outsider: User) -> None:
    simulation = done(outsider, BOIN, trials=10_000)
    reader.post(f"{SIMULATIONS}{simulation.pk}/cancel/")
    simulation.refresh_from_db()
    assert simulation.status == Status.DONE


def test_a_failed_one_says_why(reader: Client, outsider: User) -> None:
    simulation = running(outsider)
    sentence = "A block of 50,000 trials of design 1 (boin) could not be simulated (MemoryError: no room)."
    Simulation.objects.update(status=Status.FAILED, failure=sentence, ended_at=simulation.started_at)
    page = page_of(reader, simulation)
    assert "The simulation could not be finished" in page
    assert sentence in page


# --- refused by person ---


@pytest.mark.parametrize(("method", "end"), [("get", ""), ("get", "progress/"), ("post", "cancel/")])
def test_nobody_else_learns_that_it_exists(reader: Client, method: str, end: str) -> None:
    simulation = running(person("another", "Ann Other"))
    assert getattr(reader, method)(f"{SIMULATIONS}{simulation.pk}/{end}").status_code == 404
    simulation.refresh_from_db()
    assert simulation.status == Status.RUNNING


# --- in the list of the workbench ---


def test_the_workbench_lists_the_person_s_own_with_how_far_they_are(reader: Client, outsider: User) -> None:
    others = running(person("another", "Ann Other"))
    half, whole = running(outsider, blocks=2), done(outsider, BOIN, trials=10_000)
    page = reader.get("/designs/").content.decode()
    assert f'href="{SIMULATIONS}{half.pk}/"' in page
    assert ">83 %<" in page
    assert f'href="{SIMULATIONS}{whole.pk}/"' in page
    assert ">done<" in page
    assert f'href="{SIMULATIONS}{others.pk}/"' not in page


# --- how much is asked of the database ---


def test_a_page_asks_as_little_for_many_blocks_as_for_one(reader: Client, outsider: User) -> None:
    few, many = running(outsider, trials=10_000, blocks=1), running(outsider, trials=1_000_000, blocks=20)
    asked = []
    for simulation in (few, many):
        with CaptureQueriesContext(connection) as queries:
            page_of(reader, simulation)
        asked.append(len(queries))
    assert asked == [4, 4]  # session, person, simulation, blocks


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (59.4, "59 s"), (60, "1 min 0 s"), (125, "2 min 5 s"), (3_840, "1 h 4 min")]
)
def test_a_duration_in_words(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words
