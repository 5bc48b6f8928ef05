"""The cetuximab study file says what the protocol says; a lead-in or a schedule that does not fit is refused."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import yaml

from tests.patients.cetuximab import CETUXIMAB
from tests.trials.test_protocol import Change, drop, put
from trials import protocol_words as words
from trials.errors import InvalidProtocol
from trials.protocol import AnchorKind, LeadIn, Protocol, Timepoint
from trials.protocol_checks import read_study_file
from trials.protocol_page import ProtocolPage, protocol_page
from trials.protocol_schedule import shifted, signed_words


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return read_study_file(CETUXIMAB.read_text())[1]


@pytest.fixture(scope="module")
def page(protocol: Protocol) -> ProtocolPage:
    return protocol_page(protocol)


def said(page: ProtocolPage, section: str, label: str) -> str:
    """The words of one line."""
    lines = [line for s in page.sections if s.key == section for line in s.lines if line.label == label]
    assert len(lines) == 1, (section, label)
    return " | ".join(f"{item.text} {item.detail} {item.note}".strip() for item in lines[0].items)


# --- what the protocol's text says ---


def test_3_plus_3_in_cohorts_of_three(protocol: Protocol) -> None:
    assert protocol.design.name == "three_plus_three"
    assert not protocol.design.assumed
    assert (protocol.escalation.cohort_size, protocol.escalation.maximum_cohort_size) == (3, 3)
    assert protocol.design.parameters["complete_highest"] is True  # no more than 1 of 6, at the highest level too


def test_21_days_of_lenalidomide_alone_come_first(protocol: Protocol) -> None:
    assert protocol.lead_in is not None
    assert (protocol.lead_in.length_days, protocol.lead_in.agents) == (21, ("lenalidomide",))
    assert protocol.lead_in.days == tuple(range(-21, 0))
    assert (protocol.first_cycle, protocol.cycle_length(0), protocol.cycle_length(1)) == (0, 21, 28)


def test_then_the_combination_for_28_days(protocol: Protocol) -> None:
    lenalidomide, cetuximab = protocol.cycle_doses(1, protocol.rung_of_level(1))
    assert lenalidomide.days == tuple(range(1, 29))
    assert (cetuximab.loading_amount, cetuximab.amount, cetuximab.unit) == (Decimal(400), Decimal(250), "mg/m2")
    assert (cetuximab.route, cetuximab.days) == ("intravenous", (1, 8, 15, 22))
    [alone] = protocol.cycle_doses(0, protocol.rung_of_level(1))
    assert (alone.agent, alone.days) == ("lenalidomide", tuple(range(1, 22)))


def test_the_window_is_the_first_cycle_of_the_combination(protocol: Protocol) -> None:
    assert (protocol.dlt.window.cycle, protocol.dlt.window.from_day, protocol.dlt.window.to_day) == (1, 1, 28)
    assert not protocol.dlt.window.assumed


def test_the_biopsies_have_the_windows_of_the_text(protocol: Protocol) -> None:
    [biopsy] = [a for a in protocol.activities if a.kind == "biopsy"]
    told = [(t.anchor, t.cycle, t.day, t.window.before, t.window.after) for t in biopsy.timepoints]
    assert told == [
        (AnchorKind.LEAD_IN_DAY, None, -25, 0, 3),
        (AnchorKind.CYCLE_DAY, 1, -3, 0, 2),
        (AnchorKind.CYCLE_DAY, 1, 21, 0, 7),
    ]
    assert not any(t.assumed or t.window.assumed for t in biopsy.timepoints)


def test_safety_is_assessed_at_every_visit(protocol: Protocol) -> None:
    [safety] = [a for a in protocol.activities if a.kind == "safety-assessment"]
    assert safety.timepoints == protocol.visits


def test_treatment_ends_for_three_reasons(protocol: Protocol) -> None:
    assert [r.code for r in protocol.discontinuation] == ["disease-progression", "unacceptable-toxicity", "other"]


def test_what_the_text_does_not_say_is_marked(protocol: Protocol) -> None:
    assert all(level.assumed for level in protocol.levels)
    for part in (protocol.calculation, protocol.delay, protocol.reductions, protocol.expansion, protocol.signatures):
        assert part is not None
        assert part.assumed
        assert part.note


# --- days ---


def test_there_is_no_day_0() -> None:
    assert [shifted(-2, by) for by in range(4)] == [-2, -1, 1, 2]
    assert [shifted(2, -by) for by in range(4)] == [2, 1, -1, -2]
    assert [shifted(day, 7) for day in (-14, -7, 1)] == [-7, 1, 8]
    for day in (*range(-30, 0), *range(1, 30)):
        for by in range(-20, 20):
            assert shifted(day, by) != 0
            assert shifted(shifted(day, by), -by) == day


def test_the_lead_in_is_counted_down() -> None:
    lead_in = LeadIn(length_days=21, agents=("lenalidomide",), days=(-21, -1))
    assert [lead_in.place_of(day) for day in (-21, -20, -1)] == [1, 2, 21]
    assert [lead_in.day_at(place) for place in (1, 2, 21)] == [-21, -20, -1]


@pytest.mark.parametrize(
    ("written", "read", "in_words"),
    [
        ("-3 to -1", (-3, -2, -1), "days −3 to −1"),
        ("-21–-19", (-21, -20, -19), "days −21 to −19"),
        ([-21, -14, -7], (-21, -14, -7), "days −21, −14, −7"),
        ([-21, "-3 to -1"], (-21, -3, -2, -1), "days −21, −3, −2, −1"),
        (-1, (-1,), "day −1"),
    ],
)
def test_days_of_the_lead_in_are_written_as_people_write_them(
    written: object, read: tuple[int, ...], in_words: str
) -> None:
    lead_in = LeadIn.model_validate({"length_days": 21, "agents": ["lenalidomide"], "days": written})
    assert (lead_in.days, lead_in.days_words) == (read, in_words)


def test_without_days_it_is_every_day() -> None:
    lead_in = LeadIn.model_validate({"length_days": 3, "agents": ["lenalidomide"]})
    assert lead_in.days == (-3, -2, -1)


def test_a_day_below_0_has_a_minus_sign() -> None:
    assert [signed_words(day) for day in (-21, 1)] == ["−21", "1"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"anchor": "lead-in-day", "day": -25, "window": {"after": 3}},
         "Day −25 to −22, counted from the start of the lead-in"),
        ({"anchor": "cycle-day", "cycle": 1, "day": -3, "window": {"after": 2}},
         "Day −3 to −1, counted back from the start of cycle 1"),
        ({"anchor": "cycle-day", "cycle": 1, "day": 21, "window": {"after": 7}}, "Day 21 to 28 of cycle 1"),
        ({"anchor": "every-cycle-day", "day": 8, "window": {"before": 1, "after": 1}},
         "Day 7 to 9, planned for day 8 of every cycle"),
        ({"anchor": "every-cycle-day", "day": 1, "window": {"before": 1}},
         "Day −1 to 1, planned for day 1 of every cycle"),
        ({"anchor": "cycle-day", "cycle": 2, "day": 15}, "On day 15 of cycle 2"),
        ({"anchor": "registration"}, "On the day of registration"),
        ({"anchor": "end-of-treatment", "window": {"after": 30}},
         "On the last day of treatment or up to 30 days after"),
    ],
)  # fmt: skip
def test_when_something_is_due_in_words(told: dict[str, Any], expected: str) -> None:
    assert words.when_words(Timepoint(code="x", title="X", **told)) == expected


# --- faults ---

BIOPSY = "activities.0.timepoints"
FAULTS: list[tuple[Change, str]] = [
    (put("lead_in.length_days", 0), "lead_in.length_days"),
    (put("lead_in.length_days", 14), "lead_in.days"),
    (put("lead_in.days", [-1, 0]), "lead_in.days.1"),
    (put("lead_in.days", [-1, -2]), "lead_in.days"),
    (put("lead_in.days", "always"), "lead_in.days.0"),
    (put("lead_in.days", [3]), "lead_in.days.0"),
    (put("lead_in.agents", []), "lead_in.agents"),
    (put("lead_in.agents", ["thalidomide"]), "lead_in.agents.0"),
    (put("lead_in.agents", ["lenalidomide", "lenalidomide"]), "lead_in.agents"),
    (put("lead_in.surprise", 1), "lead_in.surprise"),
    (drop("lead_in"), "visits.0.anchor"),
    (drop("lead_in"), f"{BIOPSY}.0.anchor"),
    (put(f"{BIOPSY}.0.day", 0), f"{BIOPSY}.0"),
    (put(f"{BIOPSY}.0.day", 3), f"{BIOPSY}.0"),
    (put(f"{BIOPSY}.0.day", None), f"{BIOPSY}.0"),
    (put(f"{BIOPSY}.0.day", -400), f"{BIOPSY}.0.day"),
    (put(f"{BIOPSY}.0.window.after", 4), f"{BIOPSY}.0.window.after"),
    (put(f"{BIOPSY}.1.window.after", 3), f"{BIOPSY}.1.window.after"),
    (put(f"{BIOPSY}.1.cycle", 2), f"{BIOPSY}.1"),
    (put(f"{BIOPSY}.1.cycle", None), f"{BIOPSY}.1"),
    (put(f"{BIOPSY}.2.day", 29), f"{BIOPSY}.2.day"),
    (put(f"{BIOPSY}.2.anchor", "cycle-dusk"), f"{BIOPSY}.2.anchor"),
    (put(f"{BIOPSY}.2.parts", []), f"{BIOPSY}.2.parts"),
    (put(f"{BIOPSY}.2.parts", ["escalation", "escalation"]), f"{BIOPSY}.2.parts"),
    (put("visits.4.day", -8), "visits.4"),
    (put("visits.4.day", 29), "visits.4.day"),
    (put("visits.4.code", "day-15"), "visits"),
    (put("activities.1.code", "biopsy"), "activities"),
    (put("activities.1.code", "visits"), "activities.1.code"),
    (put("activities.0.kind", "tattoo"), "activities.0.kind"),
    (put("activities.0.timepoints", []), "activities.0.timepoints"),
    (put(f"{BIOPSY}.1.code", "before-lead-in"), "activities.0.timepoints"),
    (drop("expansion"), "activities.2.timepoints.3.parts"),
]


@pytest.mark.parametrize(("change", "path"), FAULTS, ids=[f"{n}-{path}" for n, (_, path) in enumerate(FAULTS)])
def test_a_fault_is_named_by_its_path_with_what_is_allowed(change: Callable[..., object], path: str) -> None:
    content = yaml.safe_load(CETUXIMAB.read_text())
    change(content)
    with pytest.raises(InvalidProtocol) as refused:
        read_study_file(yaml.safe_dump(content))
    assert any(fault.path.startswith(path) for fault in refused.value.faults), refused.value
    assert all(fault.allowed for fault in refused.value.faults)


def test_a_rung_without_the_agents_of_the_lead_in_is_a_fault() -> None:
    content = yaml.safe_load(CETUXIMAB.read_text())
    del content["reductions"]["ladder"][4]["doses"][0]
    with pytest.raises(InvalidProtocol, match=r"reductions.ladder.4.doses.*one of the agents of the lead-in too"):
        read_study_file(yaml.safe_dump(content))


def test_a_measure_that_comes_back_every_cycle_is_a_fault() -> None:
    content = yaml.safe_load(CETUXIMAB.read_text())
    content["outcome_measures"] = [
        {
            "code": "pain", "title": "Pain", "domain": "pain", "better": "lower",
            "timepoints": [{"code": "d8", "title": "Day 8", "anchor": "every-cycle-day", "day": 8}],
        }
    ]  # fmt: skip
    with pytest.raises(InvalidProtocol, match=r"outcome_measures.0.timepoints.0.anchor"):
        read_study_file(yaml.safe_dump(content))


# --- the Protocol page ---


@pytest.mark.parametrize(
    ("section", "label", "expected"),
    [
        ("lead-in", "Given", "Lenalidomide alone on days −21 to −1, at the amount of the dose level."),
        ("lead-in", "Length", "21 days Day −1 is followed by day 1"),
        ("lead-in", "Start", "Cycle 1 is due 21 days later."),
        ("dlt", "DLT window", "Days 1–28 of cycle 1"),
        ("design", "Design", "3+3"),
        ("activities", "Tumor biopsy", "Biopsy"),
        ("activities", "Tumor biopsy: Before the lead-in, day −25 to −22", "Day −25 to −22, counted from the start"),
        ("activities", "Tumor biopsy: On the combination, cycle 1 day 21 to 28", "Day 21 to 28 of cycle 1"),
        ("activities", "Safety assessment: when", "At every visit, in the window of the visit"),
        ("activities", "Tumor imaging: After cycle 6, 9 and 12", "only in the dose expansion"),
        ("visits", "Visit on day 8", "Day 7 to 9, planned for day 8 of every cycle"),
        ("visits", "Visit on day −14", "Day −15 to −13, planned for day −14, counted from the start of the lead-in"),
    ],
)
def test_what_the_page_says(page: ProtocolPage, section: str, label: str, expected: str) -> None:
    assert expected in said(page, section, label)


def test_all_that_the_file_assumes_is_marked(page: ProtocolPage) -> None:
    content = yaml.safe_load(CETUXIMAB.read_text())
    marks = [m for a in page.assumptions for m in a.marks]
    marked = {path for mark in marks for path in mark.paths}
    assert marked == set(_assumed(content))


def _assumed(content: Any, path: str = "") -> list[str]:
    found = []
    if isinstance(content, dict):
        found += [path] if content.get("assumed") else []
        for name, inside in content.items():
            found += _assumed(inside, f"{path}.{name}".lstrip("."))
    elif isinstance(content, list):
        for place, inside in enumerate(content):
            found += _assumed(inside, f"{path}.{place}")
    return found
