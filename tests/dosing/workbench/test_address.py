"""The workbench's address: every question can be sent as a link, and a bad one says what is wrong with it."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from dosing.engine import (
    BoinDesign,
    CrmDesign,
    Design,
    I3Plus3Design,
    KeyboardDesign,
    Mtpi2Design,
    ThreePlusThreeDesign,
    Timing,
    TiteBoinDesign,
)
from dosing.workbench.address import Faulty, draft_from_query, draft_to_query, question_from_query, question_to_query
from dosing.workbench.draft import Fault
from dosing.workbench.question import Question

LABEL = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12).map(str.strip).filter(bool)
PROBABILITY = st.floats(0, 1)
TARGET = st.floats(0.1, 0.5)
MAYBE_N = st.none() | st.integers(1, 30)
FLAG = st.booleans()


def _sizes(**more: Any) -> dict[str, Any]:
    return {"target": TARGET, "max_patients": st.integers(1, 60), "cohort_size": st.integers(1, 6)} | more


def _interval(**more: Any) -> dict[str, Any]:
    return (
        _sizes(
            elimination_cutoff=st.floats(0.8, 0.99),
            extra_safe=FLAG,
            extra_safe_offset=st.floats(0, 0.5),
            early_stop_n=MAYBE_N,
        )
        | more
    )


NARROW = st.floats(0.001, 0.09)
SAFE, TOXIC = st.none() | st.floats(0.01, 0.08), st.none() | st.floats(0.6, 0.95)
INTERVAL_DESIGNS = st.one_of(
    st.builds(BoinDesign, **_interval(p_saf=SAFE, p_tox=TOXIC, titration=FLAG, bound_mtd=FLAG)),
    st.builds(KeyboardDesign, **_interval(margin_left=NARROW, margin_right=NARROW)),
    st.builds(Mtpi2Design, **_interval(epsilon1=NARROW, epsilon2=NARROW)),
    st.builds(I3Plus3Design, **_interval(epsilon1=NARROW, epsilon2=NARROW)),
    st.builds(ThreePlusThreeDesign, target=TARGET, de_escalate=FLAG, complete_highest=FLAG),
    st.builds(
        TiteBoinDesign,
        **_interval(
            p_saf=SAFE, max_pending=PROBABILITY, rule=st.sampled_from(["single_imputation", "effective_sample_size"])
        ),
    ),
)
TIMINGS = st.builds(
    Timing,
    window=st.floats(1, 100),
    accrual_rate=st.floats(0.01, 2),
    arrivals=st.sampled_from(["exponential", "uniform"]),
    toxicity_times=st.sampled_from(["uniform", "weibull"]),
    late=st.floats(0.01, 0.99),
)


@st.composite
def crm_designs(draw: st.DrawFn, doses: int) -> Design:
    skeleton = draw(st.lists(st.floats(0.01, 0.9), min_size=doses, max_size=doses, unique=True))
    more = {
        name: draw(how) for name, how in _sizes(early_stop_n=MAYBE_N, no_skipping=FLAG, mtd_tried_only=FLAG).items()
    }
    stop = draw(st.none() | st.floats(0.5, 0.99, exclude_min=True))
    model = draw(st.sampled_from(["empiric", "logistic"]))
    return CrmDesign(skeleton=tuple(sorted(skeleton)), stop_cutoff=stop, model=model, **more)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    labels = draw(st.lists(LABEL, min_size=1, max_size=10, unique=True))
    return Question(
        labels=tuple(labels),
        toxicity=tuple(draw(st.lists(PROBABILITY, min_size=len(labels), max_size=len(labels)))),
        target=draw(st.floats(0.05, 0.6)),
        designs=tuple(draw(st.lists(INTERVAL_DESIGNS | crm_designs(len(labels)), min_size=1, max_size=4))),
        timing=draw(TIMINGS),
    )


def faults_of(query: str) -> tuple[Fault, ...]:
    with pytest.raises(Faulty) as refused:
        question_from_query(QueryDict(query))
    return refused.value.faults


@given(questions())
def test_an_address_gives_the_question_back_that_it_was_made_of(question: Question) -> None:
    assert question_from_query(QueryDict(question_to_query(question))) == question


@given(questions())
def test_an_address_is_the_same_after_the_fields_were_filled_from_it(question: Question) -> None:
    query = question_to_query(question)
    assert draft_to_query(draft_from_query(QueryDict(query))) == query


def test_nothing_given_is_a_new_comparison_of_boin_with_3_plus_3() -> None:
    question = question_from_query(QueryDict(""))
    assert [design.name for design in question.designs] == ["boin", "three_plus_three"]
    assert question.toxicity == (0.11, 0.18, 0.3, 0.45, 0.61)


def test_defaults_are_left_out_and_the_size_of_the_trial_never() -> None:
    designs = (BoinDesign(target=0.3, max_patients=30),)
    assert question_to_query(Question(("a",), (0.1,), 0.3, designs)) == (
        "dose=a&p=0.1&target=0.3&kind=boin&1-max_patients=30"
    )


def test_an_empty_parameter_means_what_its_field_says() -> None:
    crm, boin = question_from_query(QueryDict("kind=crm&1-stop_cutoff=&kind=boin&2-p_saf=&target=0.25")).designs
    assert isinstance(crm, CrmDesign)
    assert crm.stop_cutoff is None
    assert isinstance(boin, BoinDesign)
    assert boin.p_saf == 0.6 * 0.25


def test_a_crm_is_calibrated_to_the_ladder_until_a_skeleton_is_typed() -> None:
    calibrated = question_from_query(QueryDict("dose=a&p=0.1&dose=b&p=0.3&kind=crm&1-halfwidth=0.05&1-prior_mtd=2"))
    assert calibrated.designs[0] == CrmDesign.calibrated(
        target=0.3, doses=2, halfwidth=0.05, prior_mtd=2, max_patients=30
    )
    typed = question_from_query(QueryDict("dose=a&p=0.1&dose=b&p=0.3&kind=crm&1-skeleton=0.1; 0.3"))
    assert isinstance(typed.designs[0], CrmDesign)
    assert typed.designs[0].skeleton == (0.1, 0.3)


def test_a_decimal_comma_is_a_decimal_point() -> None:
    assert question_from_query(QueryDict("target=0,25")).target == 0.25


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("dose=a&p=1.2", "p-1", "1.2"),
        ("dose=a&p=", "p-1", ""),
        ("dose=a&p=nan", "p-1", "nan"),
        ("dose=&p=0.1", "dose-1", ""),
        ("dose=a&p=0.1&dose=a&p=0.2", "dose-2", "a"),
        ("target=0.9", "target", "0.9"),
        ("kind=best", "kind-1", "best"),
        ("kind=boin&1-cohort_size=", "1-cohort_size", ""),
        ("kind=boin&1-cohort_size=0", "1-cohort_size", "0"),
        ("kind=boin&1-cohort_size=2.5", "1-cohort_size", "2.5"),
        ("kind=boin&kind=boin&2-p_saf=0.29", "2-p_saf", "0.29"),
        ("kind=boin&1-start_dose=6", "1-start_dose", "6"),
        ("kind=boin&1-titration=maybe", "1-titration", "maybe"),
        ("kind=crm&1-skeleton=0.1, 0.2", "1-skeleton", "0.1, 0.2"),
        ("kind=crm&1-skeleton=0.1, x", "1-skeleton", "0.1, x"),
        ("kind=crm&1-skeleton=0.2, 0.1, 0.3, 0.4, 1.5", "1-skeleton", "0.2, 0.1, 0.3, 0.4, 1.5"),
        ("kind=crm&1-halfwidth=0.4", "1-halfwidth", "0.4"),
        ("kind=crm&1-prior_mtd=7", "1-prior_mtd", "7"),
        ("kind=crm&1-model=cubic", "1-model", "cubic"),
        ("kind=tite_boin&window=0", "window", "0"),
        ("kind=tite_boin&window=long", "window", "long"),
        ("kind=tite_boin&arrivals=monthly", "arrivals", "monthly"),
    ],
)
def test_a_bad_value_is_named_with_its_field_and_what_is_allowed(query: str, field: str, value: str) -> None:
    (fault,) = faults_of(query)
    assert (fault.field, fault.value) == (field, value)
    assert fault.allowed


@pytest.mark.parametrize("label", ["\0", "a\x01b", "\x1b[0m", "\ufffe", "10\u200bmg\x7f"])
def test_a_name_that_cannot_be_drawn_is_refused(label: str) -> None:
    """The plotting library would end the whole process over it."""
    (fault,) = faults_of(urlencode({"dose": label, "p": "0.1"}))
    assert (fault.field, fault.allowed) == ("dose-1", "a name without control characters")
    with pytest.raises(ValueError, match="control characters"):
        Question((label,), (0.1,), 0.3, (BoinDesign(target=0.3, max_patients=12),))


def test_all_faults_are_told_at_once() -> None:
    found = faults_of("dose=a&p=2&target=7&kind=boin&1-cohort_size=x&1-max_patients=")
    assert [fault.field for fault in found] == ["p-1", "target", "1-max_patients", "1-cohort_size"]


def test_too_many_designs_and_doses_are_refused() -> None:
    assert faults_of("kind=boin" + 4 * "&kind=boin")[0].allowed == "1 to 4 designs"
    assert faults_of("&".join(f"dose={i}&p=0.1" for i in range(11)))[0].allowed == "1 to 10 doses"


@pytest.mark.parametrize("kind", ["", "bion"])
def test_what_was_typed_for_a_design_that_does_not_exist_is_kept(kind: str) -> None:
    draft = draft_from_query(QueryDict(f"dose=10 mg&p=0.1&target=0.3&kind={kind}&1-cohort_size=3&1-p_tox=0.4"))
    again = draft_from_query(QueryDict(draft_to_query(draft)))
    assert again == draft
    assert again.designs[0].given == {"cohort_size": "3", "p_tox": "0.4"}
