"""Designs and tallies for properties."""

from typing import Any

from hypothesis import strategies as st

from dosing.engine import (
    BoinDesign,
    CrmDesign,
    Design,
    DoseTally,
    I3Plus3Design,
    KeyboardDesign,
    Mtpi2Design,
    ThreePlusThreeDesign,
)

TARGETS = st.sampled_from([0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5])
SKELETONS = {2: (0.2, 0.4), 3: (0.1, 0.25, 0.4), 4: (0.08, 0.2, 0.35, 0.5)}


@st.composite
def interval_designs(draw: st.DrawFn, most: int) -> Design:
    shared: dict[str, Any] = {
        "target": draw(TARGETS),
        "max_patients": draw(st.integers(1, most)),
        "cohort_size": draw(st.integers(1, 4)),
        "elimination_cutoff": draw(st.sampled_from([0.7, 0.95])),
        "extra_safe": draw(st.booleans()),
        "early_stop_n": draw(st.sampled_from([None, 1, 2, 4])),
        "start_dose": draw(st.integers(1, 2)),
    }
    kind = draw(st.sampled_from([BoinDesign, KeyboardDesign, Mtpi2Design, I3Plus3Design]))
    if kind is BoinDesign:
        shared |= {"titration": draw(st.booleans()), "bound_mtd": draw(st.booleans())}
    return kind(**shared)


@st.composite
def crm_designs(draw: st.DrawFn, doses: int, most: int) -> Design:
    return CrmDesign(
        target=draw(TARGETS),
        skeleton=SKELETONS[doses],
        max_patients=draw(st.integers(1, most)),
        cohort_size=draw(st.integers(1, 4)),
        model=draw(st.sampled_from(["empiric", "logistic"])),
        no_skipping=draw(st.booleans()),
        mtd_tried_only=draw(st.booleans()),
        stop_cutoff=draw(st.sampled_from([None, 0.8, 0.95])),
        early_stop_n=draw(st.sampled_from([None, 2, 4])),
        start_dose=draw(st.integers(1, 2)),
    )


def three_plus_three() -> st.SearchStrategy[Design]:
    return st.builds(
        ThreePlusThreeDesign,
        de_escalate=st.booleans(),
        complete_highest=st.booleans(),
        start_dose=st.integers(1, 2),
    )


@st.composite
def designs(draw: st.DrawFn, doses: int, most: int = 9) -> Design:
    return draw(st.one_of(interval_designs(most), crm_designs(doses, most), three_plus_three()))


@st.composite
def tallies(draw: st.DrawFn, doses: int, most: int = 7) -> DoseTally:
    treated = [draw(st.integers(0, most)) for _ in range(doses)]
    return DoseTally(tuple(treated), tuple(draw(st.integers(0, n)) for n in treated))
