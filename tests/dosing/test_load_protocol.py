"""Loading a study file: whole or not at all, every fault named, twice changes nothing."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from dosing.engine import BoinDesign
from dosing.operations import go_live, load_protocol
from tests.cast import ANTI_MAG, DAY_ONE, moment
from trials.errors import InvalidProtocol
from trials.models import ProtocolVersion, Study
from trials.operations import add_site

pytestmark = pytest.mark.django_db


def load(text: str, by: User) -> ProtocolVersion:
    return load_protocol(text=text, rehearsal_day=DAY_ONE, by=by, at=moment(DAY_ONE))


def test_the_boundaries_are_the_engines_up_to_all_planned_patients(rung: User) -> None:
    version = load(ANTI_MAG.read_text(), rung)
    assert not version.boundaries.exists()
    add_site(study=version.study, code="A", name="Northfield", time_zone="UTC", by=rung, at=moment(DAY_ONE))
    go_live(study=version.study, by=rung, at=moment(DAY_ONE))
    stored = [
        (b.n, b.escalate_if_at_most, b.de_escalate_if_at_least, b.eliminate_if_at_least)
        for b in version.boundaries.order_by("n")
    ]
    table = BoinDesign(target=0.30, max_patients=12, cohort_size=1).boundaries(max_n=20)
    assert stored == [(r.n, r.escalate_if_at_most, r.de_escalate_if_at_least, r.eliminate_if_at_least) for r in table]


def test_loading_it_again_changes_nothing(rung: User) -> None:
    first = load(ANTI_MAG.read_text(), rung)
    assert load(ANTI_MAG.read_text(), rung) == first
    assert ProtocolVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("target: 0.30", "target: 0.95", "target"),
        ("target: 0.30", "target: 0.30, p_saf: 0.29", "p_saf"),
        ("target: 0.30", "target: 0.30, colour: blue", "'colour' is not a parameter of boin"),
        ("parameters: {target: 0.30}", "parameters: {}", "target"),
    ],
)
def test_a_design_that_cannot_be_made_is_a_fault_with_its_place(
    rung: User, before: str, after: str, sentence: str
) -> None:
    with pytest.raises(InvalidProtocol) as refused:
        load(ANTI_MAG.read_text().replace(before, after), rung)
    [fault] = refused.value.faults
    assert fault.path.startswith("design")
    assert sentence in str(fault)
    assert not Study.objects.exists()


def test_the_command_names_every_fault_and_loads_nothing(rung: User, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    text = ANTI_MAG.read_text().replace("start_level: 1", "start_level: 7").replace("cohort_size: 1", "cohort_size: 9")
    file.write_text(text)
    with pytest.raises(CommandError) as refused:
        call_command("load_protocol", str(file))
    assert "escalation.start_level: 7 is not allowed" in str(refused.value)
    assert "escalation.cohort_size: 9 is not allowed" in str(refused.value)
    assert not Study.objects.exists()


def test_the_command_loads_a_rehearsal(rung: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_protocol", str(ANTI_MAG), "--rehearsal", "2026-01-05")
    assert "LEN-MAG-01: protocol version 1, draft." in capsys.readouterr().out
    assert Study.objects.get().rehearsal_day == DAY_ONE
