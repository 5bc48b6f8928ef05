"""The protocol appendix: its numbers are the engine's, its words hold every parameter, its bytes never change."""

import datetime as dt
import json
from typing import Any

import pytest

from accounts.models import User
from dosing.engine import (
    BoinDesign,
    CrmDesign,
    Design,
    DoseTally,
    I3Plus3Design,
    KeyboardDesign,
    Mtpi2Design,
    ThreePlusThreeDesign,
    TiteBoinDesign,
    design_from_parameters,
    operating_characteristics,
)
from dosing.models import Comparison
from dosing.workbench.appendix import appendix_of, appendix_pdf, render
from dosing.workbench.difference import answer_in_words
from dosing.workbench.question import Question
from dosing.workbench.reading import read
from dosing.workbench.section_text import statistical_section
from tests.dosing.workbench.comparing import BOIN, SAVED_AT, THREE_PLUS_THREE, question

LABELS = ("10 mg", "15 mg", "25 mg")
CRM = CrmDesign(target=0.30, max_patients=12, skeleton=(0.12, 0.30, 0.48), cohort_size=1)
TITE = TiteBoinDesign(target=0.30, max_patients=12)
DESIGNS: tuple[Design, ...] = (
    BOIN,
    THREE_PLUS_THREE,
    I3Plus3Design(target=0.30, max_patients=12),
    KeyboardDesign(target=0.30, max_patients=12),
    Mtpi2Design(target=0.30, max_patients=12),
    CRM,
    TITE,
)
# Another value of each parameter that is sure to read differently.
OTHERWISE: dict[str, Any] = {
    "target": 0.25, "max_patients": 15, "cohort_size": 2, "start_dose": 2, "p_saf": 0.1, "p_tox": 0.5,
    "elimination_cutoff": 0.9, "extra_safe": True, "extra_safe_offset": 0.04, "early_stop_n": 6, "titration": True,
    "bound_mtd": True, "margin_left": 0.04, "margin_right": 0.06, "epsilon1": 0.04, "epsilon2": 0.06,
    "skeleton": (0.1, 0.2, 0.3), "model": "logistic", "intercept": 2.5, "scale": 1.0, "no_skipping": False,
    "stop_cutoff": 0.9, "mtd_tried_only": False, "de_escalate": False, "complete_highest": False,
    "max_pending": 0.4, "rule": "effective_sample_size",
}  # fmt: skip


def comparison(*designs: Design, title: str = "BOIN or 3+3", **changed: Any) -> Comparison:
    """As saved and read again, without a database."""
    asked = json.loads(json.dumps(question(*designs, **changed).to_dict()))
    by = User(username="statistician", full_name="Sam Whitfield")
    return Comparison(
        pk=7,
        title=title,
        note="Twelve at most.",
        question=asked,
        engine_version="1.0.0",
        saved_at=SAVED_AT,
        saved_by=by,
    )


def same(numbers: Any) -> Any:
    """Scenarios that are answered together add up in another order: the last digit of sixteen may differ."""
    return pytest.approx(numbers, rel=1e-14, abs=1e-15)


# --- The numbers ---


@pytest.mark.req("P11-10b")
def test_every_number_is_the_engines() -> None:
    printed = appendix_of(comparison())
    for place, design in enumerate((BOIN, THREE_PLUS_THREE)):
        for scenario in printed["scenarios"]:
            engine = operating_characteristics(design, [scenario["toxicity"]], target=0.30)
            result = scenario["results"][place]
            for field in ("selection", "patients", "dlts"):
                assert result[field] == same(getattr(engine, field)[0].tolist())
            numbers = {name: value for name, value in result.items() if isinstance(value, float)}
            assert len(numbers) == 9
            assert numbers == same({name: float(getattr(engine, name)[0]) for name in numbers})
            assert scenario["true_mtd"] == engine.true_mtd[0]


def test_the_given_toxicity_comes_first_and_the_standard_scenarios_after_it() -> None:
    scenarios = appendix_of(comparison())["scenarios"]
    assert scenarios[0]["toxicity"] == [0.10, 0.30, 0.50]
    assert [s["true_mtd"] for s in scenarios if s["name"].startswith("MTD at")] == [1, 2, 3]


def test_the_decision_table_is_the_designs() -> None:
    [boin, _] = appendix_of(comparison())["designs"]
    [piece] = boin["boundaries"]
    rows = {line["label"]: line["cells"] for line in piece}
    table = BOIN.boundaries()
    assert rows["Escalate if DLTs ≤"] == [row.escalate_if_at_most for row in table]
    assert rows["De-escalate if DLTs ≥"] == [row.de_escalate_if_at_least for row in table]
    assert rows["Close the level if DLTs ≥"] == [row.eliminate_if_at_least for row in table]
    [grid] = boin["grid"]
    seen = {row["dlts"]: row["cells"] for row in grid["rows"]}
    assert seen["2"][:6] == ["", "D", "D", "D", "D", "S"]
    assert seen["3"][2:6] == ["DU", "DU", "D", "D"]


def test_a_long_table_is_cut_into_pieces_that_hold_every_column_once() -> None:
    [design] = appendix_of(comparison(BoinDesign(target=0.30, max_patients=40)))["designs"]
    assert [n for piece in design["boundaries"] for n in piece[0]["cells"]] == list(range(1, 41))
    assert [n for piece in design["grid"] for n in piece["patients"]] == list(range(1, 41))


def test_a_design_without_a_table_says_why() -> None:
    [crm] = appendix_of(comparison(CRM))["designs"]
    assert crm["boundaries"] == crm["grid"] == []
    assert "no decision table" in crm["without_table"]


def test_instead_of_a_table_stands_what_follows_from_the_first_cohorts() -> None:
    """Cohorts of one: three of them, two outcomes each."""
    [crm] = appendix_of(comparison(CRM))["designs"]
    steps = dict(crm["first_steps"])
    assert len(steps) == 2 + 4 + 8
    for seen, tally, current in (
        ("0 of 1 at 10 mg", DoseTally((1, 0, 0), (0, 0, 0)), 1),
        ("0 of 1 at 10 mg, then 1 of 1 at 15 mg", DoseTally((1, 1, 0), (0, 1, 0)), 2),
    ):
        following = CRM.advise(tally, current).next_dose
        assert following is not None
        assert steps[seen].endswith(f" {LABELS[following - 1]}")


def test_simulated_numbers_say_how_they_were_made() -> None:
    [design] = appendix_of(comparison(TITE))["designs"]
    assert "10,000 simulated trials per scenario (random seed 1)" in design["computed"]
    assert "standard error" in design["computed"]
    assert "mean rate of 0.1 per day" in design["computed"]


def test_what_exact_computation_cannot_reach_is_simulated() -> None:
    """Six doses of forty single patients have more states than are walked."""
    many = BoinDesign(target=0.30, max_patients=60, cohort_size=1)
    toxicity = (0.05, 0.1, 0.15, 0.2, 0.3, 0.45)
    asked = question(many, labels=tuple("abcdef"), toxicity=toxicity)
    [answer] = read(asked).answers
    assert (answer.exact, answer.problem) == (False, "")
    assert answer.characteristics is not None
    assert answer.characteristics.correct_selection[0] > 0.3


# --- The words ---


def test_the_answer_is_said_in_points_of_the_numbers_shown() -> None:
    asked = question()
    words = answer_in_words(asked, read(asked).answers)
    assert words == "BOIN selects the MTD, 15 mg, in 57.4 % of trials, 3+3 in 33.9 %: 23.5 points more often."


def test_where_all_doses_are_too_toxic_selecting_none_is_right() -> None:
    asked = question(BOIN, toxicity=(0.6, 0.7, 0.8))
    assert "rightly selects no dose" in answer_in_words(asked, read(asked).answers)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_every_parameter_can_be_read(design: Design) -> None:
    """Whatever is changed, what is printed about the design changes."""
    usual = design
    if "extra_safe" in design.parameters():
        usual = design_from_parameters(design.name, design.parameters() | {"extra_safe": True})
    if design.name in ("boin", "crm"):
        usual = design_from_parameters(usual.name, usual.parameters() | {"cohort_size": 3})
    for name in usual.parameters():
        changed = usual.parameters() | {name: OTHERWISE[name]}
        if name == "extra_safe":
            changed[name] = False
        if name == "intercept":  # of the logistic model alone
            continue
        assert _text(design_from_parameters(usual.name, changed)) != _text(usual), name


def _text(design: Design) -> str:
    section = statistical_section(design, LABELS)
    text = " ".join(p for passage in section.passages for p in passage.paragraphs)
    # 3+3's target says which dose is the MTD in the comparison only, and stands in the table of parameters.
    return f"{text} {design.target}" if isinstance(design, ThreePlusThreeDesign) else text


def test_the_section_holds_what_a_protocol_asks_for() -> None:
    section = statistical_section(BOIN, LABELS)
    assert [passage.heading for passage in section.passages] == [
        "Dose decisions",
        "Dose levels closed for toxicity",
        "Sample size and end of escalation",
        "Selection of the maximum tolerated dose",
    ]
    text = " ".join(p for passage in section.passages for p in passage.paragraphs)
    for said in (
        "λ_e = 0.236 and λ_d = 0.359",
        "Patients are treated one at a time. The first cohort is treated at 10 mg.",
        "Pr(p > φ | y, n) > 0.95",
        "when 12 evaluable patients have been treated",
        "isotonic regression",
    ):
        assert said in text
    assert section.references[0].startswith("Liu S, Yuan Y. Bayesian optimal interval designs")


def test_another_engine_than_that_of_saving_is_named() -> None:
    old = comparison()
    old.engine_version = "0.9.0"
    facts = dict(appendix_of(old)["facts"])
    assert facts["Dose-finding engine"].endswith("the comparison was saved with 0.9.0")


# --- The document ---


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_each_design_can_be_printed(design: Design) -> None:
    assert appendix_pdf(comparison(design)).startswith(b"%PDF-1.7")


def test_the_same_comparison_gives_the_same_bytes_at_any_time() -> None:
    assert appendix_pdf(comparison()) == appendix_pdf(comparison())


def test_another_time_of_saving_gives_other_bytes() -> None:
    printed = appendix_of(comparison())
    assert render(printed, SAVED_AT) != render(printed, SAVED_AT + dt.timedelta(minutes=1))


@pytest.mark.req("P11-10b")
def test_it_can_be_archived_and_read_aloud() -> None:
    """As PDF/A-2a and PDF/UA-1, which typst checks while it writes: tagged, with its language, title and fonts."""
    pdf = appendix_pdf(comparison())
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert b"BOIN or 3+3" in pdf
    assert pdf.count(b"/FontDescriptor") > 0


def test_one_design_alone_can_be_printed() -> None:
    assert [design["heading"] for design in appendix_of(comparison(), 1)["designs"]] == ["3+3"]
    assert len(appendix_pdf(comparison(), 1)) < len(appendix_pdf(comparison()))


def test_what_people_wrote_is_printed_as_they_wrote_it() -> None:
    title = '#panic("no") *bold* $x$ @ref <label> \\ "quoted" = µ'
    assert appendix_pdf(comparison(title=title, labels=("#1", "*2*", "= 3 µg"))).startswith(b"%PDF")


def test_the_largest_comparison_fits() -> None:
    labels = tuple(f"lenalidomide {5 * i} mg with cetuximab 250 mg/m²" for i in range(1, 11))
    wide = BoinDesign(target=0.30, max_patients=30)
    asked = Question(
        labels=labels,
        toxicity=tuple(0.05 * i for i in range(1, 11)),
        target=0.30,
        designs=(wide, wide, THREE_PLUS_THREE, KeyboardDesign(target=0.30, max_patients=30)),
    )
    big = comparison()
    big.question = json.loads(json.dumps(asked.to_dict()))
    assert appendix_of(big)["columns"] == [str(i) for i in range(1, 11)]
    assert appendix_pdf(big).startswith(b"%PDF")


# --- What the section says is what the engine does ---


def _said(design: Design) -> str:
    return " ".join(p for passage in statistical_section(design, LABELS).passages for p in passage.paragraphs)


@pytest.mark.parametrize(("target", "shown"), [(0.3, "0.30"), (0.175, "0.175"), (1 / 3, "0.3333")])
def test_the_target_is_printed_as_it_was_given(target: float, shown: str) -> None:
    design = BoinDesign(target=target, max_patients=12)
    assert f"is φ = {shown}." in _said(design)
    assert f"target of {shown} (" in design.select_mtd(DoseTally((3, 3, 0), (0, 1, 0))).reason
    assert appendix_of(comparison(design, target=target))["target"] == shown


@pytest.mark.parametrize("kind", [BoinDesign, Mtpi2Design, I3Plus3Design, KeyboardDesign])
def test_extra_safety_begins_with_the_patients_that_the_section_names(kind: Any) -> None:
    design = kind(target=0.30, max_patients=12, extra_safe=True, extra_safe_offset=0.3)
    assert "from 3 evaluable patients on, this probability exceeds 0.65" in _said(design)
    assert design.boundaries().for_n(2).stop_if_at_least is None
    assert design.boundaries().for_n(3).stop_if_at_least is not None


def test_3_plus_3_that_begins_above_the_lowest_dose_may_treat_below_it() -> None:
    """Two DLTs at the first dose: nobody has been at the dose below, which cannot be the MTD untried."""
    begins_at_two = ThreePlusThreeDesign(de_escalate=False, start_dose=2)
    assert begins_at_two.advise(DoseTally((0, 3, 0), (0, 2, 0)), 2).next_dose == 1
    assert "a lower level is treated only where nobody has been" in _said(begins_at_two)
    assert "no further patient is treated at a lower level" in _said(ThreePlusThreeDesign(de_escalate=False))


def test_what_a_share_of_the_patients_is_of_is_said() -> None:
    """BOIN's shares are of the maximum sample size, 3+3's of those treated: everybody above the MTD counts so."""
    found = [operating_characteristics(design, [[1.0, 1.0, 1.0]]) for design in (BOIN, THREE_PLUS_THREE)]
    assert [float(oc.overdose_60[0]) for oc in found] == [0.0, 1.0]
    definitions = " ".join(appendix_of(comparison())["definitions"])
    assert "of the maximum sample size where the design has one, else of the patients treated" in definitions
    assert "not of the same patients as those of the other designs" in definitions
