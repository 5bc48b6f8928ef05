"""Which rule of the anti-MAG protocol fires: a and b by term, c for all else from grade 3, d for death."""

import pytest

from patients.dlt_rules import rule_that_fires
from tests.patients.loaded import PROTOCOL

RELATED = {"lenalidomide": "possible", "dexamethasone": "unrelated"}


@pytest.mark.parametrize(
    ("term", "grade", "code"),
    [
        ("Neutrophil count decreased", 4, "a"),
        ("neutrophil count decreased", 4, "a"),
        ("Platelet count decreased", 4, "a"),
        ("Neutrophil count decreased", 3, None),
        ("Febrile neutropenia", 3, "b"),
        ("Febrile neutropenia", 4, "b"),
        ("Diarrhea", 3, "c"),
        ("Diarrhea", 2, None),
        ("Anemia", 3, None),
        ("Lymphocyte count decreased", 4, None),
        ("Anemia", 5, "d"),
        ("Sudden death NOS", 5, "c"),
    ],
)
def test_the_first_rule_in_the_protocols_order_fires(term: str, grade: int, code: str | None) -> None:
    fired = rule_that_fires(PROTOCOL, term, grade, RELATED)
    assert (fired.code if fired else None) == code


@pytest.mark.parametrize("relation", ["possible", "probable", "definite"])
def test_at_least_possibly_related_to_the_investigational_agent_is_related(relation: str) -> None:
    assert rule_that_fires(PROTOCOL, "Diarrhea", 3, {"lenalidomide": relation, "dexamethasone": "unrelated"})


@pytest.mark.parametrize("relation", ["unrelated", "unlikely"])
def test_unlikely_related_is_not_related(relation: str) -> None:
    assert rule_that_fires(PROTOCOL, "Diarrhea", 3, {"lenalidomide": relation, "dexamethasone": relation}) is None


def test_an_agent_that_is_not_investigational_does_not_make_it_related() -> None:
    relations = {"lenalidomide": "unrelated", "dexamethasone": "definite"}
    assert rule_that_fires(PROTOCOL, "Hyperglycemia", 3, relations) is None


def test_a_rule_that_does_not_ask_for_relation_fires_without_it() -> None:
    rules = tuple(r.model_copy(update={"related": False}) for r in PROTOCOL.dlt.rules)
    protocol = PROTOCOL.model_copy(update={"dlt": PROTOCOL.dlt.model_copy(update={"rules": rules})})
    fired = rule_that_fires(protocol, "Diarrhea", 3, {"lenalidomide": "unrelated"})
    assert fired is not None
    assert fired.code == "c"
