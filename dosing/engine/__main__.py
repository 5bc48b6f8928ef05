"""`python -m dosing.engine`: operating characteristics, decision tables and advice on the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from dosing.engine.characteristics import OperatingCharacteristics
from dosing.engine.crm_model import calibrated_skeleton
from dosing.engine.exact import operating_characteristics
from dosing.engine.registry import DESIGNS, Design, design_from_parameters
from dosing.engine.simulate import SimulatedCharacteristics, simulate_trials
from dosing.engine.tally import DoseTally
from dosing.engine.timing import Timing
from dosing.engine.tite_boin import TiteBoinDesign

EXAMPLE = "example: python -m dosing.engine oc --design boin --target 0.3 --max-patients 30 --truth 0.05 0.15 0.3 0.45"


def numbers(text: str) -> tuple[float, ...]:
    """Numbers separated by commas."""
    return tuple(float(part) for part in text.split(","))


def _plain(text: str) -> Any:
    """A parameter's value: a number, true or false, none, numbers separated by commas, or a word."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    if "," in text:
        return numbers(text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dosing.engine", description=__doc__, epilog=EXAMPLE)
    commands = parser.add_subparsers(dest="command", required=True)
    oc = commands.add_parser("oc", help="operating characteristics: exact, or simulated with --trials")
    table = commands.add_parser("table", help="the decision table")
    advise = commands.add_parser("advise", help="the next dose, and the MTD so far")
    for command in (oc, table, advise):
        command.add_argument("--design", choices=sorted(DESIGNS), default="boin")
        command.add_argument("--json", action="store_true", help="print JSON instead of a table")
        for parameter in sorted({field.name for design in DESIGNS.values() for field in fields(design)}):
            command.add_argument("--" + parameter.replace("_", "-"), type=_plain, default=argparse.SUPPRESS)
    oc.add_argument("--truth", type=float, nargs="+", action="append", required=True, metavar="P",
                    help="true toxicity of each dose; give it again for another scenario")  # fmt: skip
    oc.add_argument("--trials", type=int, help="simulate that many trials instead of the exact walk")
    oc.add_argument("--seed", type=int, default=1)
    oc.add_argument("--window", type=float, help="DLT window in days, for trials in time")
    oc.add_argument("--accrual-rate", type=float, help="patients per day, for trials in time")
    oc.add_argument("--halfwidth", type=float, help="calibrate the skeleton of a CRM to this half-width")
    oc.add_argument("--prior-mtd", type=int, help="prior guess of the MTD for --halfwidth")
    table.add_argument("--max-n", type=int, help="rows of the table")
    advise.add_argument("--treated", type=int, nargs="+", required=True, metavar="N")
    advise.add_argument("--dlts", type=int, nargs="+", required=True, metavar="Y")
    advise.add_argument("--current-dose", type=int, required=True)
    return parser


def _design(given: dict[str, Any]) -> Design:
    kind = DESIGNS[given["design"]]
    every = {field.name for design in DESIGNS.values() for field in fields(design)}
    parameters = {name: value for name, value in given.items() if name in every}
    if given.get("halfwidth") is not None:
        if given.get("prior_mtd") is None:
            raise ValueError("--halfwidth needs --prior-mtd, the dose that is the prior guess of the MTD")
        parameters["skeleton"] = calibrated_skeleton(
            parameters["target"],
            given["halfwidth"],
            given["prior_mtd"],
            len(given["truth"][0]),
            parameters.get("model", "empiric"),
            parameters.get("intercept", 3.0),
        )
    return design_from_parameters(kind.name, parameters)


def _characteristics(design: Design, given: dict[str, Any]) -> OperatingCharacteristics:
    truth, timing = given["truth"], None
    if given["window"] is not None or given["accrual_rate"] is not None:
        if given["window"] is None or given["accrual_rate"] is None:
            raise ValueError("a trial in time needs both --window and --accrual-rate")
        timing = Timing(window=given["window"], accrual_rate=given["accrual_rate"])
    if isinstance(design, TiteBoinDesign) or timing is not None or given["trials"] is not None:
        trials = 10_000 if given["trials"] is None else given["trials"]
        return simulate_trials(design, truth, trials=trials, seed=given["seed"], timing=timing)
    return operating_characteristics(design, truth)


def _oc_table(found: OperatingCharacteristics) -> str:
    lines = []
    for row, truth in enumerate(found.scenarios.tolist()):
        mtd = found.true_mtd[row] or "none"
        lines += [f"Scenario {row + 1}, true MTD {mtd}", "  dose  toxicity  selected %  patients  DLTs"]
        lines += [
            f"  {dose + 1:>4}  {p:>8.3f}  {100 * found.selection[row, dose]:>10.2f}"
            f"  {found.patients[row, dose]:>8.2f}  {found.dlts[row, dose]:>4.2f}"
            for dose, p in enumerate(truth)
        ]
        lines += [
            f"  none selected {100 * found.no_selection[row]:.2f} %, "
            f"correct {100 * found.correct_selection[row]:.2f} %",
            f"  {found.total_patients[row]:.2f} patients, {found.total_dlts[row]:.2f} DLTs; stopped early "
            f"{100 * found.stop_early[row]:.2f} %, for safety {100 * found.stop_for_safety[row]:.2f} %",
            f"  more than 60 % above the MTD: {100 * found.overdose_60[row]:.2f} %, "
            f"more than 80 %: {100 * found.overdose_80[row]:.2f} %",
        ]
        if isinstance(found, SimulatedCharacteristics):
            days = found.duration[row]
            time = "" if days != days else f", {days:.0f} days on average"
            lines.append(f"  simulated: {found.trials} trials, seed {found.seed}{time}")
    return "\n".join(lines)


def _boundary_table(design: Design, max_n: int | None) -> list[dict[str, int | None]]:
    boundaries = getattr(design, "boundaries", None)
    if boundaries is None:
        raise ValueError(f"{design.name} has no decision table: its advice depends on the data of all doses")
    rows: list[dict[str, int | None]] = (boundaries() if max_n is None else boundaries(max_n)).to_dicts()
    return rows


def _text(rows: list[dict[str, int | None]]) -> str:
    names = list(rows[0])
    cells = [["-" if row[name] is None else str(row[name]) for name in names] for row in rows]
    return "\n".join("  ".join(f"{c:>{len(n)}}" for c, n in zip(line, names, strict=True)) for line in [names, *cells])


def answer(arguments: Sequence[str]) -> str:
    """What the command prints. Raises ValueError for bad input."""
    given = vars(_parser().parse_args(arguments))
    design = _design(given)
    if given["command"] == "oc":
        found = _characteristics(design, given)
        described = {"design": design.name, "parameters": design.parameters()}
        return json.dumps(described | found.to_dict(), indent=1) if given["json"] else _oc_table(found)
    if given["command"] == "table":
        rows = _boundary_table(design, given["max_n"])
        return json.dumps(rows, indent=1) if given["json"] else _text(rows)
    tally = DoseTally(tuple(given["treated"]), tuple(given["dlts"]))
    advice, mtd = design.advise(tally, given["current_dose"]), design.select_mtd(tally)
    if given["json"]:
        named = {"action": advice.action, "next_dose": advice.next_dose, "eliminated": advice.eliminated}
        return json.dumps({**named, "reason": advice.reason, "mtd": mtd.dose}, indent=1)
    return f"{advice.reason}.\nIf the trial ended now: {mtd.reason}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answer; 2 with one sentence on standard error for bad input."""
    try:
        print(answer(sys.argv[1:] if arguments is None else arguments))
    except ValueError as error:
        print(f"{error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
