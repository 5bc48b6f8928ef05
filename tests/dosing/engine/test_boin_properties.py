"""What must hold for every tally: advice is safe, monotone, and look-ahead equals asking for each outcome."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from dosing.engine import Action, BoinDesign, DoseTally, StopReason, lookahead


@st.composite
def designs(draw: st.DrawFn) -> BoinDesign:
    target = draw(st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5, 0.6]))
    return BoinDesign(
        target=target,
        max_patients=draw(st.integers(1, 40)),
        cohort_size=draw(st.integers(1, 6)),
        p_saf=draw(st.sampled_from([None, 0.5 * target, 0.9 * target])),
        elimination_cutoff=draw(st.sampled_from([0.8, 0.95, 0.99])),
        extra_safe=draw(st.booleans()),
        early_stop_n=draw(st.sampled_from([None, 3, 9])),
        titration=draw(st.booleans()),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[DoseTally, int]:
    treated = draw(st.lists(st.integers(0, 9), min_size=1, max_size=5))
    dlts = tuple(draw(st.integers(0, n)) for n in treated)
    return DoseTally(tuple(treated), dlts), draw(st.integers(1, len(treated)))


@settings(max_examples=400, deadline=None)
@given(design=designs(), situation=situations())
def test_advice_is_never_more_than_one_up_nor_at_a_closed_dose(
    design: BoinDesign, situation: tuple[DoseTally, int]
) -> None:
    tally, current = situation
    advice = design.advise(tally, current)
    if advice.next_dose is None:
        assert advice.action is Action.STOP
        return
    assert 1 <= advice.next_dose <= min(current + 1, tally.doses)
    assert advice.next_dose not in advice.eliminated
    assert 1 <= advice.next_cohort_size <= design.cohort_size
    assert tally.total_treated + advice.next_cohort_size <= design.max_patients
    table = design.elimination_table(max_n=40)
    first = next((d for d in range(1, tally.doses + 1) if tally.at(d)[1] >= table.get(tally.at(d)[0], 99)), None)
    closed = () if first is None else tuple(range(first, tally.doses + 1))
    assert advice.eliminated == closed


@settings(max_examples=400, deadline=None)
@given(design=designs(), situation=situations(), data=st.data())
def test_one_more_dlt_never_gives_a_higher_dose(
    design: BoinDesign, situation: tuple[DoseTally, int], data: st.DataObject
) -> None:
    tally, current = situation
    room = [d for d in range(tally.doses) if tally.dlts[d] < tally.treated[d]]
    if not room:
        return
    place = data.draw(st.sampled_from(room))
    worse = DoseTally(tally.treated, tuple(y + (d == place) for d, y in enumerate(tally.dlts)))
    before, after = design.advise(tally, current), design.advise(worse, current)
    if before.stop_reason is not None and before.stop_reason.no_dose_is_safe:
        assert after.stop_reason is not None
        assert after.stop_reason.no_dose_is_safe
    elif before.next_dose is not None and after.next_dose is not None:
        assert after.next_dose <= before.next_dose
    assert set(before.eliminated) <= set(after.eliminated)


@settings(max_examples=150, deadline=None)
@given(design=designs(), situation=situations(), data=st.data())
def test_look_ahead_is_the_advice_for_each_outcome(
    design: BoinDesign, situation: tuple[DoseTally, int], data: st.DataObject
) -> None:
    tally, current = situation
    pending = tuple(data.draw(st.integers(0, 2)) for _ in range(tally.doses))
    future = lookahead(design, tally, current, pending)
    expected = {}
    for outcome in product((0, 1), repeat=sum(pending)):
        patients = iter(outcome)
        dlts = tuple(sum(next(patients) for _ in range(m)) for m in pending)
        then = DoseTally(
            tuple(n + m for n, m in zip(tally.treated, pending, strict=True)),
            tuple(y + k for y, k in zip(tally.dlts, dlts, strict=True)),
        )
        expected[dlts] = design.advise(then, current)
    assert {o.dlts: o.advice for o in future.outcomes} == expected
    assert len(future.outcomes) == len(expected)
    answers = {(a.action, a.next_dose, a.stop_reason) for a in expected.values()}
    assert future.decided is (len(answers) == 1)


def test_look_ahead_decides_before_everybody_is_evaluable() -> None:
    design = BoinDesign(target=0.30, max_patients=30, cohort_size=3)
    open_question = lookahead(design, DoseTally((3, 1), (0, 0)), 2, pending=(0, 2))
    assert not open_question.decided
    assert open_question.possible_doses == (1, 2)
    settled = lookahead(design, DoseTally((3, 2, 0), (0, 2, 0)), 2, pending=(0, 1, 0))
    assert settled.decided
    assert settled.possible_doses == (1,)
    assert [o.advice.eliminated for o in settled.outcomes] == [(), (2, 3)]


def test_look_ahead_at_several_doses_and_with_nobody_pending() -> None:
    design = BoinDesign(target=0.30, max_patients=12, cohort_size=1)
    several = lookahead(design, DoseTally((2, 2, 0), (0, 0, 0)), 2, pending=(1, 1, 0))
    assert [o.dlts for o in several.outcomes] == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0)]
    nobody = lookahead(design, DoseTally((3, 0), (0, 0)), 1, pending=(0, 0))
    assert nobody.decided
    assert nobody.outcomes[0].advice.next_dose == 2


def test_look_ahead_tells_a_stop_for_safety_from_a_stop_at_the_maximum() -> None:
    design = BoinDesign(target=0.30, max_patients=3, cohort_size=1)
    future = lookahead(design, DoseTally((2, 0), (2, 0)), 1, pending=(1, 0))
    assert [o.advice.stop_reason for o in future.outcomes] == [
        StopReason.MAX_PATIENTS,
        StopReason.LOWEST_ELIMINATED,
    ]
    assert not future.decided
