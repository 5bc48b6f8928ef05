"""The anti-MAG study file says what the protocol says; a faulty one is refused: path, value, what is allowed."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import yaml

from accounts.models import User
from tests.cast import ANTI_MAG
from trials.errors import InvalidProtocol, Refused
from trials.models import Study
from trials.operations import adopt_protocol
from trials.protocol import Protocol, expand_days
from trials.protocol_checks import read_study_file


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return read_study_file(ANTI_MAG.read_text())[1]


def test_the_design_is_that_of_the_protocol(protocol: Protocol) -> None:
    assert protocol.design.name == "boin"
    assert protocol.design.parameters == {"target": 0.30}
    assert (protocol.escalation.maximum_patients, protocol.escalation.cohort_size) == (12, 1)
    assert protocol.expansion is not None
    assert protocol.expansion.patients == 8


def test_the_regimen_is_that_of_the_protocol(protocol: Protocol) -> None:
    assert [level.label for level in protocol.levels] == ["10 mg", "15 mg", "25 mg"]
    lenalidomide, dexamethasone = protocol.level(3).doses
    assert (lenalidomide.amount_words, lenalidomide.days_words) == ("25 mg", "days 1–21")
    assert (dexamethasone.amount_words, dexamethasone.days_words) == ("20 mg", "days 1, 8, 15, 22")


def test_the_rules_of_treatment_are_those_of_the_protocol(protocol: Protocol) -> None:
    assert protocol.reductions.maximum == 2
    assert protocol.delay.limit_days == 28
    assert protocol.continuation_review is not None
    assert protocol.continuation_review.after_months == 24
    assert protocol.retreatment.allowed
    assert len([reason for reason in protocol.discontinuation if not reason.assumed]) == 5


def test_the_samples_are_those_of_the_protocol(protocol: Protocol) -> None:
    assert protocol.samples is not None
    tubes = [(tube.volume_ml, tube.colour, tube.additive) for tube in protocol.samples.tubes]
    assert tubes == [(Decimal(10), "purple", "EDTA"), (Decimal(6), "red", "")]
    both = [t.code for t in protocol.samples.timepoints if "escalation" in t.parts]
    assert both == ["pre-treatment", *[f"after-{n}" for n in (1, 2, 3, 6, 9, 12)]]
    expansion_only = [t.code for t in protocol.samples.timepoints if "escalation" not in t.parts]
    assert expansion_only == ["after-18", "after-24"]


def test_what_the_text_does_not_say_is_marked(protocol: Protocol) -> None:
    assert protocol.dlt.window.assumed
    assert protocol.dlt.minimum_exposure.assumed
    assert all(rule.assumed for rule in protocol.dlt.rules)
    assert protocol.signatures.assumed
    assert not protocol.delay.assumed


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("1-3", [1, 2, 3]),
        ([1, 8, "15-17"], [1, 8, 15, 16, 17]),
        ("1, 8", [1, 8]),
        (5, [5]),
        ("3-1", ["3-1"]),
        ("1-9999", ["1-9999"]),
        (None, None),
        (True, True),
    ],
)
def test_days_are_written_as_people_write_them(days: object, expected: object) -> None:
    assert expand_days(days) == expected


Change = Callable[[dict[str, Any]], object]


def put(path: str, value: object) -> Change:
    def change(content: dict[str, Any]) -> None:
        *outer, last = path.split(".")
        place: Any = content
        for name in outer:
            place = place[int(name) if name.isdigit() else name]
        place[int(last) if last.isdigit() else last] = value

    return change


def drop(path: str) -> Change:
    def change(content: dict[str, Any]) -> None:
        *outer, last = path.split(".")
        place: Any = content
        for name in outer:
            place = place[int(name) if name.isdigit() else name]
        del place[int(last) if last.isdigit() else last]

    return change


FAULTS: list[tuple[Change, str]] = [
    (drop("dlt"), "dlt"),
    (drop("study.key"), "study.key"),
    (put("schema", 2), "schema"),
    (put("study.key", "no spaces please"), "study.key"),
    (put("study.time_zone", "Mars/Olympus"), "study.time_zone"),
    (put("surprise", 1), "surprise"),
    (put("cycle.length_days", 0), "cycle.length_days"),
    (put("cycle.length_days", "a month"), "cycle.length_days"),
    (put("levels", []), "levels"),
    (put("levels.1.ordinal", 3), "levels.1.ordinal"),
    (put("levels.0.doses.0.amount", 30), "levels.1.doses"),
    (put("levels.0.doses.0.amount", -1), "levels.0.doses.0.amount"),
    (put("levels.0.doses.0.unit", "spoon"), "levels.0.doses.0.unit"),
    (put("levels.0.doses.0.agent", "thalidomide"), "levels.0.doses.0.agent"),
    (put("levels.0.doses.0.days", "1-29"), "levels.0.doses.0.days"),
    (put("levels.0.doses.0.days", [1, 1]), "levels.0.doses.0.days"),
    (put("levels.0.doses.0.days", "always"), "levels.0.doses.0.days.0"),
    (put("escalation.start_level", 4), "escalation.start_level"),
    (put("escalation.cohort_size", 4), "escalation.cohort_size"),
    (put("escalation.maximum_cohort_size", 13), "escalation.maximum_cohort_size"),
    (put("design.name", "coin-toss"), "design.name"),
    (put("dlt.window.to_day", 29), "dlt.window.to_day"),
    (put("dlt.window.from_day", 28), "levels.0.doses"),
    (put("dlt.minimum_exposure.fraction", 1.5), "dlt.minimum_exposure.fraction"),
    (put("dlt.minimum_exposure.agent", "nothing"), "dlt.minimum_exposure.agent"),
    (put("dlt.rules.0.minimum_grade", 6), "dlt.rules.0.minimum_grade"),
    (put("signatures.dose_decision", ["king"]), "signatures.dose_decision.0"),
    (put("signatures.mtd", []), "signatures.mtd"),
    (put("reductions.maximum", -1), "reductions.maximum"),
    (drop("reductions.ladder.1"), "reductions.ladder"),
    (put("reductions.ladder.0", {"label": "both", "level": 3, "doses": "x"}), "reductions.ladder.0"),
    (put("samples.timepoints.1.cycle", None), "samples.timepoints.1"),
    (put("samples.timepoints.1.code", "pre-treatment"), "samples.timepoints"),
    (put("samples.timepoints.1.window", {"before": -1}), "samples.timepoints.1.window.before"),
    (put("samples.timepoints.0.anchor", "every-cycle-start"), "samples.timepoints.0.anchor"),
    (put("outcome_measures.0.minimum", 100), "outcome_measures.0.maximum"),
    (put("delay.limit_days", None), "delay.limit_days"),
]


@pytest.mark.parametrize(("change", "path"), FAULTS, ids=[f"{n}-{path}" for n, (_, path) in enumerate(FAULTS)])
def test_a_fault_is_named_by_its_path_with_what_is_allowed(change: Change, path: str) -> None:
    content = yaml.safe_load(ANTI_MAG.read_text())
    change(content)
    with pytest.raises(InvalidProtocol) as refused:
        read_study_file(yaml.safe_dump(content))
    assert any(fault.path.startswith(path) for fault in refused.value.faults), refused.value
    assert all(fault.allowed for fault in refused.value.faults)


def test_all_faults_are_told_at_once() -> None:
    content = yaml.safe_load(ANTI_MAG.read_text())
    put("cycle.length_days", 0)(content)
    put("design.name", "coin-toss")(content)
    with pytest.raises(InvalidProtocol) as refused:
        read_study_file(yaml.safe_dump(content))
    assert {fault.path for fault in refused.value.faults} == {"cycle.length_days", "design.name"}


@pytest.mark.parametrize("text", ["", "- a list", "a: [", "a: 1\na: 2"])
def test_what_is_no_study_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidProtocol):
        read_study_file(text)


@pytest.mark.django_db
def test_adopting_the_same_file_again_changes_nothing(study: Study, rung: User, at: dt.datetime) -> None:
    definition, _ = read_study_file(ANTI_MAG.read_text())
    assert adopt_protocol(definition=definition, by=rung, at=at) == study.version
    assert study.versions.count() == 1


@pytest.mark.django_db
def test_another_file_for_the_same_study_is_refused(study: Study, rung: User, at: dt.datetime) -> None:
    definition, _ = read_study_file(ANTI_MAG.read_text())
    with pytest.raises(Refused, match="another protocol already"):
        adopt_protocol(definition={**definition, "ctcae_version": "5.0", "visits": []}, by=rung, at=at)
