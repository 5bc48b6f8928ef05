"""`python -m dosing.engine`."""

import json
import subprocess
import sys

import pytest

from dosing.engine import BoinDesign, operating_characteristics
from dosing.engine.__main__ import answer, main

BOIN = ["--target", "0.3", "--max-patients", "12"]


def test_exact_operating_characteristics_as_json() -> None:
    printed = json.loads(
        answer(["oc", *BOIN, "--json", "--truth", "0.1", "0.3", "0.5", "--truth", "0.4", "0.5", "0.6"])
    )
    ours = operating_characteristics(BoinDesign(target=0.3, max_patients=12), [[0.1, 0.3, 0.5], [0.4, 0.5, 0.6]])
    assert printed["selection"] == ours.selection.tolist()
    assert (printed["design"], printed["parameters"]["p_saf"]) == ("boin", 0.18)


def test_exact_operating_characteristics_as_a_table() -> None:
    text = answer(["oc", *BOIN, "--truth", "0", "0", "1"])
    assert "Scenario 1, true MTD 1" in text
    assert "none selected 0.00 %" in text


def test_simulated_on_request_and_in_time() -> None:
    simulated = answer(["oc", *BOIN, "--truth", "0.1", "0.3", "--trials", "50", "--seed", "3"])
    assert "simulated: 50 trials, seed 3" in simulated
    timed = ["oc", "--design", "tite_boin", *BOIN, "--truth", "0.1", "0.3", "--trials", "20"]
    assert "days on average" in answer([*timed, "--window", "28", "--accrual-rate", "0.1"])


def test_a_calibrated_crm() -> None:
    text = answer(["oc", "--design", "crm", *BOIN, "--halfwidth", "0.07", "--prior-mtd", "2", "--truth", "0.1", "0.3"])
    assert "Scenario 1, true MTD 2" in text


def test_the_decision_table() -> None:
    rows = json.loads(answer(["table", *BOIN, "--max-n", "3", "--json"]))
    assert rows[2] == {
        "n": 3,
        "escalate_if_at_most": 0,
        "de_escalate_if_at_least": 2,
        "eliminate_if_at_least": 3,
        "stop_if_at_least": None,
    }
    assert answer(["table", *BOIN, "--max-n", "2"]).splitlines()[1].split() == ["1", "0", "1", "-", "-"]


def test_advice() -> None:
    situation = ["--treated", "3", "6", "0", "--dlts", "0", "2", "0", "--current-dose", "2"]
    assert answer(["advise", *BOIN, *situation]).startswith("2 of 6 had a DLT: 0.33 lies between 0.236 and 0.359")
    assert json.loads(answer(["advise", *BOIN, *situation, "--json"]))["next_dose"] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["oc", "--target", "0.9", "--max-patients", "12", "--truth", "0.1"], "target = 0.9"),
        (["oc", *BOIN, "--margin-left", "0.05", "--truth", "0.1"], "margin_left"),
        (["oc", *BOIN, "--window", "28", "--truth", "0.1"], "--accrual-rate"),
        (["oc", "--design", "crm", *BOIN, "--halfwidth", "0.05", "--truth", "0.1"], "--prior-mtd"),
        (["table", "--design", "crm", *BOIN, "--skeleton", "0.1,0.2"], "no decision table"),
    ],
)
def test_bad_input_gets_one_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""


def test_it_runs_as_a_module_without_the_application() -> None:
    command = [sys.executable, "-m", "dosing.engine", "table", *BOIN, "--max-n", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
    assert done.stdout.splitlines()[1].split()[0] == "1"


def test_the_engine_imports_nothing_of_the_application() -> None:
    code = (
        "import sys, dosing.engine, dosing.engine.__main__; print([m for m in sys.modules if m.startswith('django')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
