"""The decision table: its cells against the design's own advice, and published rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing.engine import (
    Action,
    Advice,
    BoinDesign,
    CrmDesign,
    Design,
    DoseTally,
    I3Plus3Design,
    KeyboardDesign,
    Mtpi2Design,
    StopReason,
    ThreePlusThreeDesign,
    TiteBoinDesign,
)
from dosing.workbench.decision_table import Place, Verdict, decision_table, why_no_table

INTERVAL = (BoinDesign, KeyboardDesign, Mtpi2Design, I3Plus3Design, TiteBoinDesign)
MIDDLE, LARGE = 2, 200


def advised(advice: Advice, stay: Verdict = Verdict.STAY) -> Verdict:
    """What advice at the middle of three doses means, in the table's words. stay: what it calls to stay."""
    if MIDDLE in advice.eliminated:
        return Verdict.ELIMINATE
    return {
        Action.ESCALATE: Verdict.ESCALATE,
        Action.STAY: stay,
        Action.DE_ESCALATE: Verdict.DE_ESCALATE,
    }[advice.action]


designs = st.builds(
    lambda kind, target, cutoff, extra: kind(
        target=target, max_patients=LARGE, elimination_cutoff=cutoff, extra_safe=extra
    ),
    st.sampled_from(INTERVAL),
    st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.33, 0.4, 0.5]),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
    st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(design=designs, n=st.integers(1, 40))
def test_every_cell_is_what_the_design_advises_at_a_middle_dose(design: Design, n: int) -> None:
    table = decision_table(design, n, every=n)
    for y in range(n + 1):
        advice = design.advise(DoseTally(treated=(0, n, 0), dlts=(0, y, 0)), MIDDLE)
        assert table.at(n, y) == advised(advice), (design, n, y)


@pytest.mark.parametrize("design", [ThreePlusThreeDesign(), ThreePlusThreeDesign(complete_highest=True)])
def test_every_cell_of_three_plus_three_is_what_it_advises(design: ThreePlusThreeDesign) -> None:
    table = decision_table(design, 6, every=1)
    for n in range(1, 7):
        for y in range(n + 1):
            advice = design.advise(DoseTally(treated=(3, n, 0), dlts=(0, y, 0)), MIDDLE)
            assert table.at(n, y) == advised(advice, stay=Verdict.TREAT_MORE), (n, y)


@settings(max_examples=25, deadline=None)
@given(design=designs, most=st.integers(1, 30))
def test_cells_and_boundaries_say_the_same(design: Design, most: int) -> None:
    table = decision_table(design, most)
    assert table.boundaries == design.boundaries(max_n=most).rows
    for row in table.boundaries:
        letters = [table.at(row.n, y).letter for y in range(row.n + 1)]
        assert row.escalate_if_at_most == last(letters, {"E"})
        assert row.de_escalate_if_at_least == first(letters, {"D", "DU"})
        assert row.eliminate_if_at_least == first(letters, {"DU"})


def first(letters: list[str], wanted: set[str]) -> int | None:
    return next((y for y, letter in enumerate(letters) if letter in wanted), None)


def last(letters: list[str], wanted: set[str]) -> int | None:
    return max((y for y, letter in enumerate(letters) if letter in wanted), default=None)


@settings(max_examples=25, deadline=None)
@given(target=st.sampled_from([0.2, 0.25, 0.3]), n=st.integers(1, 30))
def test_the_stop_at_the_lowest_dose_is_where_extra_safety_stops(target: float, n: int) -> None:
    design = BoinDesign(target=target, max_patients=LARGE, extra_safe=True)
    limit = decision_table(design, n, every=n).boundaries[0].stop_if_at_least
    stops = [design.advise(DoseTally(treated=(n, 0), dlts=(y, 0)), 1).stop_reason for y in range(n + 1)]
    assert limit == next((y for y, why in enumerate(stops) if why in SAFETY), None)


SAFETY = (StopReason.EXTRA_SAFE, StopReason.LOWEST_ELIMINATED)


def test_boins_published_rows_for_target_030() -> None:
    """The table that the R package BOIN prints (get.boundary, one to nine patients)."""
    table = decision_table(BoinDesign(target=0.30, max_patients=30), 9)
    assert [row.escalate_if_at_most for row in table.boundaries] == [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert [row.de_escalate_if_at_least for row in table.boundaries] == [1, 1, 2, 2, 2, 3, 3, 3, 4]
    assert [row.eliminate_if_at_least for row in table.boundaries] == [None, None, 3, 3, 4, 4, 5, 5, 5]
    assert [cell.verdict.letter for cell in table.rows[3].cells if cell] == ["DU", "DU", "D", "D", "D", "D", "S"]
    assert table.rows[3].cells[:2] == (None, None)


def test_columns_after_whole_cohorts_only() -> None:
    table = decision_table(BoinDesign(target=0.30, max_patients=12), 10, every=3)
    assert table.columns == (3, 6, 9)
    assert len(table.rows) == 10
    assert decision_table(BoinDesign(target=0.30, max_patients=12), 2, every=3).columns == (3,)


def test_three_plus_three_has_its_two_columns_and_its_rules() -> None:
    table = decision_table(ThreePlusThreeDesign(), 30)
    assert table.columns == (3, 6)
    assert [table.at(3, y).letter for y in range(4)] == ["E", "S", "DU", "DU"]
    assert [table.at(6, y).letter for y in range(7)] == ["E", "E", "DU", "DU", "DU", "DU", "DU"]
    rules = dict(table.rules)
    assert "three more" in rules["1 of 3"]
    assert "six patients" in rules["2 or 3 of 3"]
    assert "six patients" not in dict(decision_table(ThreePlusThreeDesign(de_escalate=False), 6).rules)["2 or 3 of 3"]


def test_the_legend_names_what_occurs() -> None:
    short = decision_table(BoinDesign(target=0.30, max_patients=12), 2)
    assert [(verdict.letter, verdict.kind) for verdict in short.legend] == [("E", "up"), ("D", "down")]
    full = decision_table(BoinDesign(target=0.30, max_patients=12), 6)
    assert [verdict.letter for verdict in full.legend] == ["E", "S", "D", "DU"]
    assert all(verdict.meaning for verdict in full.legend)


def test_the_last_rows_that_only_eliminate_are_one_row() -> None:
    table = decision_table(BoinDesign(target=0.30, max_patients=12), 12)
    clipped = table.clipped()
    assert [row.label for row in clipped.rows] == ["0", "1", "2", "3", "4", "5", "6", "7 or more"]
    assert len(table.rows) == 13
    assert len(table.marked([Place(12, 9, "25 mg")]).clipped().rows) == 10


def test_levels_stand_in_their_cells() -> None:
    places = [Place(1, 0, "10 mg"), Place(6, 2, "15 mg", current=True), Place(1, 0, "12 mg"), Place(0, 0, "25 mg")]
    marked = decision_table(BoinDesign(target=0.30, max_patients=12), 6).marked(places)
    standing = {(c.n, c.y): c for row in marked.rows for c in row.cells if c and c.places}
    assert set(standing) == {(1, 0), (6, 2)}
    assert [place.name for place in standing[1, 0].places] == ["10 mg", "12 mg"]
    assert (standing[1, 0].here, standing[6, 2].here) == (False, True)


def test_notes_tell_what_the_table_does_not_show() -> None:
    plain = BoinDesign(target=0.30, max_patients=30)
    cautious = BoinDesign(target=0.30, max_patients=30, extra_safe=True, early_stop_n=9, titration=True)
    assert not decision_table(plain, 12).stops_earlier_at_the_lowest
    assert decision_table(cautious, 12).stops_earlier_at_the_lowest
    words = " ".join(decision_table(cautious, 12).notes)
    assert "probability of more than 0.9;" in words
    assert "once 9 patients" in words
    assert "titration" in words
    keyboard = KeyboardDesign(target=0.30, max_patients=30, early_stop_n=9)
    assert "to remain" not in " ".join(decision_table(keyboard, 12).notes)
    pending = " ".join(decision_table(TiteBoinDesign(target=0.30, max_patients=30, max_pending=0.25), 12).notes)
    assert "more than 25 % of the patients" in pending


def test_the_crm_says_why_it_has_no_table() -> None:
    crm = CrmDesign(target=0.30, max_patients=30, skeleton=(0.1, 0.2, 0.3))
    assert "all doses together" in why_no_table(crm)
    assert why_no_table(BoinDesign(target=0.30, max_patients=30)) == ""
    with pytest.raises(ValueError, match="no decision table"):
        decision_table(crm, 12)


@pytest.mark.parametrize(("most", "every"), [(0, 1), (101, 1), (12, -1), (True, 1)])
def test_sizes_outside_the_range_are_refused(most: int, every: int) -> None:
    with pytest.raises(ValueError, match="is not allowed"):
        decision_table(BoinDesign(target=0.30, max_patients=12), most, every=every)


def test_a_cell_outside_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="a cell of the table"):
        decision_table(BoinDesign(target=0.30, max_patients=12), 6).at(7, 1)
