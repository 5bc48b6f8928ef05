"""Plots: one a measure, drawn of the designs' own numbers, in the page's colours and without styles of their own."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from dosing.engine import BoinDesign, Design, ThreePlusThreeDesign, TiteBoinDesign
from dosing.workbench.measures import PER_DOSE, SHARES, TOTALS, value_of
from dosing.workbench.plots import characteristics_panels, characteristics_plots
from dosing.workbench.question import Question
from dosing.workbench.results import answers

BOIN = BoinDesign(target=0.3, max_patients=12, cohort_size=3)
STEM = re.compile(r'<line transform="translate\(([\d.]+),([\d.]+)\)" x2="0" y2="([\d.-]+)"')


def asked(*designs: Design, toxicity: tuple[float, ...] = (0.1, 0.3, 0.5), labels: tuple[str, ...] = ()) -> Question:
    return Question(labels or ("10 mg", "15 mg", "25 mg")[: len(toxicity)], toxicity, 0.3, designs)


def panels(question: Question) -> dict[str, str]:
    return {panel.title: panel.svg for panel in characteristics_panels(question, answers(question))}


def test_there_is_a_panel_for_each_measure() -> None:
    titles = [panel.title for panel in characteristics_panels(asked(BOIN), answers(asked(BOIN)))]
    assert titles == [*(measure.title for measure in PER_DOSE), "Share of trials"]


def test_stems_are_as_long_as_the_shares_they_stand_for() -> None:
    question = asked(BOIN)
    (answer,) = answers(question)
    selected = panels(question)["Selected as the MTD, share of trials"]
    lengths = [float(y2) / 150 for _, _, y2 in STEM.findall(selected)]
    expected = [value_of(answer, PER_DOSE[0], place)[0] for place in range(4)]
    assert lengths == pytest.approx(expected, abs=1e-3)


def test_a_moved_slider_moves_the_marks_and_leaves_the_axes() -> None:
    before, after = (panels(asked(BOIN, toxicity=(p, 0.3, 0.5))) for p in (0.1, 0.12))
    for title in before:
        assert before[title] != after[title]
        texts = [re.findall("<text.*?</text>", svgs[title]) for svgs in (before, after)]
        assert texts[0] == texts[1] != []


def test_marks_of_a_design_keep_their_colour_and_shape_when_another_has_no_answer() -> None:
    question = asked(BOIN, ThreePlusThreeDesign())
    first, second = answers(question)
    out_of_reach = replace(first, characteristics=None, problem="Out of reach.")
    (panel, *_) = characteristics_panels(question, (out_of_reach, second))
    assert "var(--design-2)" in panel.svg
    assert "var(--design-1)" not in panel.svg


def test_simulated_values_have_their_interval_and_exact_ones_have_none() -> None:
    exact = panels(asked(BOIN))["Share of trials"]
    simulated = panels(asked(TiteBoinDesign(target=0.3, max_patients=12)))["Share of trials"]
    assert exact.count('stroke="var(--ink)"') == 0
    assert simulated.count('stroke="var(--ink)"') > 0


@pytest.mark.parametrize(("toxicity", "shown"), [((0.1, 0.3, 0.5), 3), ((0.6, 0.7, 0.8), 0)])
def test_the_true_mtd_is_shown_behind_the_doses_where_there_is_one(toxicity: tuple[float, ...], shown: int) -> None:
    assert sum(svg.count("var(--stay-soft)") for svg in panels(asked(BOIN, toxicity=toxicity)).values()) == shown


def test_a_page_may_show_the_svg_under_a_strict_policy() -> None:
    for svg in panels(asked(BOIN, ThreePlusThreeDesign())).values():
        ElementTree.fromstring(svg)
        assert "style=" not in svg
        assert "<script" not in svg
        assert "#0a0b" not in svg


def test_what_was_typed_as_a_label_is_text_and_nothing_else() -> None:
    bad = '<b onclick="x">"];alert(1)//</b>'
    svg = panels(asked(BOIN, toxicity=(0.3,), labels=(bad,)))["Patients treated, expected"]
    texts = ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter()]
    assert bad in texts or any(text.startswith("<b onclick") for text in texts)
    assert "<b " not in svg


def test_all_panels_on_paper_are_one_picture_with_titles_and_fixed_colours() -> None:
    question = asked(BOIN, ThreePlusThreeDesign())
    printed = characteristics_plots(question, answers(question), printed=True)
    ElementTree.fromstring(printed)
    assert "var(" not in printed
    assert "#0a0b" not in printed
    for words in ("● BOIN", "■ 3+3", *(measure.title for measure in PER_DOSE), "25 mg", SHARES[0].label):
        assert words in printed


def test_values_are_those_of_the_characteristics() -> None:
    question = asked(BOIN, TiteBoinDesign(target=0.3, max_patients=12))
    exact, simulated = answers(question)
    assert exact.characteristics is not None
    assert value_of(exact, TOTALS[1]) == (float(exact.characteristics.total_dlts[0]), 0.0)
    assert value_of(exact, PER_DOSE[0], 3) == (float(exact.characteristics.no_selection[0]), 0.0)
    assert simulated.errors is not None
    assert value_of(simulated, SHARES[0])[1] == float(simulated.errors.correct_selection[0]) > 0


def test_no_value_is_read_where_there_is_none() -> None:
    (answer,) = answers(asked(BOIN))
    with pytest.raises(ValueError, match="Out of reach"):
        value_of(replace(answer, characteristics=None, problem="Out of reach."), SHARES[0])
