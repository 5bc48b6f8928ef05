"""The CTCAE v5.0 table: whole, and found by what clinicians type."""

from collections import Counter

import pytest

from patients import ctcae


def test_it_holds_all_837_terms_of_26_classes_each_once() -> None:
    terms = ctcae.terms()
    assert len(terms) == 837
    assert len({t.soc for t in terms}) == 26
    assert [name for name, times in Counter(t.name.casefold() for t in terms).items() if times > 1] == []


def test_every_class_has_its_other_term_that_asks_to_specify() -> None:
    others = Counter(t.soc for t in ctcae.terms() if t.needs_detail)
    assert set(others) == {t.soc for t in ctcae.terms()}
    assert set(others.values()) == {1}


def test_every_term_has_five_grades_of_which_at_least_one_has_a_meaning() -> None:
    for term in ctcae.terms():
        assert len(term.grades) == 5, term.name
        assert term.possible_grades, term.name
        assert all(meaning is None or meaning.strip() for meaning in term.grades), term.name


def test_a_grade_that_ctcae_does_not_have_reads_as_a_dash_and_cannot_be_chosen() -> None:
    fatigue = ctcae.find("Fatigue")
    assert fatigue is not None
    assert fatigue.possible_grades == (1, 2, 3)
    assert fatigue.meaning(4) == "—"


def test_grade_5_means_death_wherever_it_exists() -> None:
    assert {t.grades[4] for t in ctcae.terms()} == {"Death", None}
    assert not any(meaning == "Death" for t in ctcae.terms() for meaning in t.grades[:4])


@pytest.mark.parametrize(
    ("term", "grades"),
    [
        (
            "Neutrophil count decreased",
            (
                "<LLN – 1500/mm³; <LLN – 1.5 × 10⁹/L",
                "<1500 – 1000/mm³; <1.5 – 1.0 × 10⁹/L",
                "<1000 – 500/mm³; <1.0 – 0.5 × 10⁹/L",
                "<500/mm³; <0.5 × 10⁹/L",
                None,
            ),
        ),
        (
            "Platelet count decreased",
            (
                "<LLN – 75,000/mm³; <LLN – 75.0 × 10⁹/L",
                "<75,000 – 50,000/mm³; <75.0 – 50.0 × 10⁹/L",
                "<50,000 – 25,000/mm³; <50.0 – 25.0 × 10⁹/L",
                "<25,000/mm³; <25.0 × 10⁹/L",
                None,
            ),
        ),
        (
            "Creatinine increased",
            (
                ">ULN – 1.5 × ULN",
                ">1.5 – 3.0 × baseline; >1.5 – 3.0 × ULN",
                ">3.0 × baseline; >3.0 – 6.0 × ULN",
                ">6.0 × ULN",
                None,
            ),
        ),
        (
            "Peripheral sensory neuropathy",
            (
                "Asymptomatic",
                "Moderate symptoms; limiting instrumental ADL",
                "Severe symptoms; limiting self care ADL",
                "Life-threatening consequences; urgent intervention indicated",
                None,
            ),
        ),
        (
            "Thromboembolic event",
            (
                "Medical intervention not indicated (e.g., superficial thrombosis)",
                "Medical intervention indicated",
                "Urgent medical intervention indicated (e.g., pulmonary embolism or intracardiac thrombus)",
                "Life-threatening consequences with hemodynamic or neurologic instability",
                "Death",
            ),
        ),
    ],
)
def test_grades_read_as_the_table_says(term: str, grades: tuple[str | None, ...]) -> None:
    found = ctcae.find(term)
    assert found is not None
    assert found.grades == grades


@pytest.mark.parametrize(
    "term", ["Neutrophil count decreased", "Platelet count decreased", "White blood cell decreased"]
)
def test_the_ranges_of_a_blood_count_tile_the_line(term: str) -> None:
    """Each grade begins where the one before ends: '<1500 – 1000' is followed by '<1000 – 500'."""
    found = ctcae.find(term)
    assert found is not None
    ranges = [str(meaning).split("/mm³")[0].lstrip("<").split(" – ") for meaning in found.grades[:4]]
    assert [low for _, low in ranges[:3]] == [bounds[0] for bounds in ranges[1:]]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("neutro", "Neutrophil count decreased"),
        ("neutropenia", "Neutrophil count decreased"),
        ("count decr neut", "Neutrophil count decreased"),
        ("thrombocytopenia", "Platelet count decreased"),
        ("ALT", "Alanine aminotransferase increased"),
        ("dvt", "Thromboembolic event"),
        ("FATIGUE", "Fatigue"),
        ("itching", "Pruritus"),
        ("pain", "Pain"),
        ("infections other", "Infections and infestations - Other, specify"),
    ],
)
def test_a_term_is_found_by_what_is_typed(typed: str, first: str) -> None:
    assert ctcae.search(typed)[0].name == first


@pytest.mark.parametrize("typed", ["", "   ", "zzz", "()"])
def test_nothing_is_found_for_nothing(typed: str) -> None:
    assert ctcae.search(typed) == []


def test_what_clinicians_call_it_belongs_to_a_term() -> None:
    assert [name for name in ctcae.ALSO_CALLED if ctcae.find(name) is None] == []


def test_a_name_is_spelled_as_ctcae_does() -> None:
    assert ctcae.spelled("  diarrhea ") == "Diarrhea"
    assert ctcae.spelled("sore  toe ") == "sore  toe"
