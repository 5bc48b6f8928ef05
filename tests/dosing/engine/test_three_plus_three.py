"""3+3 against the escalation package, an exact reference and published rules."""

from typing import Any

import pytest

from dosing.engine import Action, DoseTally, StopReason, ThreePlusThreeDesign, dose_paths, operating_characteristics
from tests.dosing.engine.notation import tally_of
from tests.dosing.engine.reference import records


@pytest.mark.parametrize("de_escalate", [False, True])
def test_every_history_of_the_reference(de_escalate: bool) -> None:
    design = ThreePlusThreeDesign(de_escalate=de_escalate)
    histories = [r for r in records("three_plus_three") if r["allow_deescalate"] is de_escalate]
    assert len(histories) > 100
    for record in histories:
        tally, current = tally_of(record["outcomes"], record["num_doses"])
        advice = design.advise(tally, current)
        assert (advice.action is not Action.STOP) is record["continue"], record["outcomes"]
        recommended = advice.next_dose or design.select_mtd(tally).dose
        assert recommended == record["recommended_dose"], record["outcomes"]


@pytest.mark.parametrize(
    "record", [r for r in records("exact_paths") if r["id"].startswith("exact33")], ids=lambda r: r["id"]
)
def test_exact_characteristics_equal_the_reference(record: dict[str, Any]) -> None:
    design = ThreePlusThreeDesign(de_escalate=record["allow_deescalate"])
    ours = operating_characteristics(design, [record["true_prob_tox"]])
    assert ours.selection[0] == pytest.approx(record["prob_select"], abs=1e-9)
    assert ours.no_selection[0] == pytest.approx(record["prob_none"], abs=1e-9)
    assert ours.patients[0] == pytest.approx(record["expected_n_at_dose"], abs=1e-9)
    assert ours.dlts[0] == pytest.approx(record["expected_tox_at_dose"], abs=1e-9)


@pytest.mark.parametrize("name", ["exact-01", "exact-02"])
def test_exact_characteristics_equal_the_paths_of_the_package(name: str) -> None:
    record = next(r for r in records("exact_paths") if r["id"] == name)
    design = ThreePlusThreeDesign(de_escalate=name == "exact-02")
    ours = operating_characteristics(design, [record["true_prob_tox"]])
    assert [ours.no_selection[0], *ours.selection[0]] == pytest.approx(record["prob_recommend"], abs=1e-9)
    assert ours.patients[0] == pytest.approx(record["expected_n_at_dose"], abs=1e-9)


def test_dose_paths_have_the_reference_probabilities() -> None:
    """The first six cohorts of 3+3 with five doses: some paths go on after them."""
    record = next(r for r in records("exact_paths") if r["id"] == "exact-06")
    design = ThreePlusThreeDesign(de_escalate=False)
    tree = dose_paths(design, DoseTally.empty(5), 1, cohorts=6)
    ours = dict.fromkeys(record["prob_recommend_names"], 0.0)
    goes_on = 0.0
    for path in tree:
        chance = path.probability(record["true_prob_tox"])
        ours[str(path.advice.next_dose or design.select_mtd(path.tally).dose or "NoDose")] += chance
        goes_on += chance * (path.advice.next_dose is not None)
    assert list(ours.values()) == pytest.approx(record["prob_recommend"], abs=1e-9)
    assert goes_on == pytest.approx(record["prob_continue"], abs=1e-9)
    assert tree.nodes == record["num_nodes"]


def test_decision_table_of_the_authors_package() -> None:
    """S on 1 of 3 treats three more; on 6 patients E for at most 1, and DU means the dose is too toxic."""
    record = next(r for r in records("i3plus3") if r["design"] == "3+3")
    table = ThreePlusThreeDesign().boundaries()
    for n, y, decision in zip(record["n"][:90], record["y"][:90], record["decision"][:90], strict=True):
        if n not in (3, 6) or decision not in ("E", "S", "DU"):
            continue
        row = table.for_n(n)
        too_many = row.eliminate_if_at_least is not None and y >= row.eliminate_if_at_least
        up = row.escalate_if_at_most is not None and y <= row.escalate_if_at_most
        assert ("DU" if too_many else "E" if up else "S") == decision, (n, y)


@pytest.mark.parametrize(
    ("outcomes", "action", "next_dose", "size"),
    [
        ("", Action.STAY, 1, 3),
        ("1NNN", Action.ESCALATE, 2, 3),
        ("1NNT", Action.STAY, 1, 3),
        ("1NNT 1NNN", Action.ESCALATE, 2, 3),
        ("1NNN 2NTT", Action.DE_ESCALATE, 1, 3),
        ("1NN", Action.STAY, 1, 1),
        ("1NNT 1N", Action.STAY, 1, 2),
        ("1NNN 2TT", Action.DE_ESCALATE, 1, 3),
    ],
)
def test_the_next_cohort(outcomes: str, action: Action, next_dose: int, size: int) -> None:
    advice = ThreePlusThreeDesign().advise(*tally_of(outcomes, 3))
    assert (advice.action, advice.next_dose, advice.next_cohort_size) == (action, next_dose, size)


def test_reasons_and_stops() -> None:
    design, names = ThreePlusThreeDesign(), ("10 mg", "15 mg", "25 mg")
    tally, current = tally_of("1NNN 2NTT", 3)
    down = design.advise(tally, current, names)
    assert (
        down.reason
        == "2 of 3 had a DLT at 15 mg, which is too many, so de-escalate to 10 mg and treat 3 patients there"
    )
    assert down.eliminated == (2, 3)
    lowest = design.advise(*tally_of("1NTT", 3), names)
    assert (lowest.stop_reason, lowest.eliminated) == (StopReason.LOWEST_TOO_TOXIC, (1, 2, 3))
    done, _ = tally_of("1NNN 2NTT 1NNT", 3)
    assert design.advise(done, 1, names).stop_reason is StopReason.COMPLETE
    assert (
        design.select_mtd(done, names).reason
        == "10 mg is the MTD: the highest dose that is not too toxic (1 of 6 had a DLT)"
    )
    assert design.select_mtd(tally).dose is None
    assert ThreePlusThreeDesign(de_escalate=False).select_mtd(tally).dose == 1


def test_the_highest_dose_may_have_to_be_completed_to_six() -> None:
    top, current = tally_of("1NNN 2NNN", 2)
    assert ThreePlusThreeDesign().advise(top, current).stop_reason is StopReason.COMPLETE
    assert ThreePlusThreeDesign().select_mtd(top).dose == 2
    completing = ThreePlusThreeDesign(complete_highest=True)
    assert completing.advise(top, current).next_dose == 2
    assert completing.select_mtd(top).dose is None
    six, _ = tally_of("1NNN 2NNN 2NNT", 2)
    assert completing.select_mtd(six).dose == 2


@pytest.mark.parametrize(
    ("toxicity", "de_escalate", "none", "first"),
    [(0.0, True, 0.0, 0.0), (1.0, True, 1.0, 0.0), (0.5, False, 0.828125, 0.157707)],
)
def test_chance_of_stopping_at_the_lowest_dose(toxicity: float, de_escalate: bool, none: float, first: float) -> None:
    """By hand: at least 2 of 3, or 1 of 3 and then at least one of three (two of six), at toxicity p."""
    p = toxicity
    by_hand = 3 * p**2 * (1 - p) + p**3 + 3 * p * (1 - p) ** 2 * (1 - (1 - p) ** 3)
    design = ThreePlusThreeDesign(de_escalate=False)
    ours = operating_characteristics(design, [[p, 0.6, 0.7, 0.8, 0.9]])
    assert ours.no_selection[0] == pytest.approx(by_hand, abs=1e-12)
    assert ours.no_selection[0] == pytest.approx(none, abs=1e-12)
    if not de_escalate:
        assert ours.selection[0, 0] == pytest.approx(first, abs=1e-9)


def test_doses_that_have_six_are_passed_over_on_the_way_up() -> None:
    """1 of 6 at dose 2, then down by choice: after 0 of 6 at dose 1 the trial goes on at dose 3."""
    advice = ThreePlusThreeDesign().advise(DoseTally(treated=(6, 6, 0), dlts=(0, 1, 0)), 1)
    assert (advice.action, advice.next_dose, advice.next_cohort_size) == (Action.ESCALATE, 3, 3)
    done = ThreePlusThreeDesign().advise(DoseTally(treated=(6, 6), dlts=(0, 1)), 1)
    assert done.stop_reason is StopReason.COMPLETE


def test_estimates_are_shares_with_exact_intervals() -> None:
    """0 of 3: to 1 - 0.025^(1/3); 1 of 6: 0.0042 to 0.6412 by the tables of Clopper and Pearson."""
    selection = ThreePlusThreeDesign().select_mtd(DoseTally(treated=(3, 6, 0), dlts=(0, 1, 0)))
    assert selection.estimates == (0.0, 1 / 6, None)
    lowest, middle, untried = selection.intervals
    assert lowest == pytest.approx((0.0, 1 - 0.025 ** (1 / 3)))
    assert middle == pytest.approx((0.00421, 0.64123), abs=1e-5)
    assert untried is None
    assert selection.prob_above_target == (None, None, None)


def test_in_an_expansion_a_third_of_more_than_six_patients_is_too_many() -> None:
    table = ThreePlusThreeDesign().monitoring_boundaries(max_n=14)
    assert [row.eliminate_if_at_least for row in table] == [None, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5]
    assert [row.de_escalate_if_at_least for row in table] == [row.eliminate_if_at_least for row in table]
    assert table.rows[:6] == ThreePlusThreeDesign().boundaries().rows


def test_what_completes_three_or_six_has_room() -> None:
    design, tally = ThreePlusThreeDesign(), DoseTally(treated=(0, 2, 3, 4, 6), dlts=(0,) * 5)
    assert [design.room_at(tally, dose) for dose in range(1, 6)] == [3, 1, 3, 2, 0]
