"""The dose-finding engine against reference numbers that come with it, and every stored recommendation once more."""

import json
from collections.abc import Iterable
from math import isclose
from pathlib import Path
from typing import Any

from config.oq.step import Chapter, Deviation, Installation, Step
from dosing.engine import (
    Action,
    BoinDesign,
    CrmDesign,
    DoseTally,
    I3Plus3Design,
    ThreePlusThreeDesign,
    operating_characteristics,
)
from dosing.queries.replay import replay
from trials.models import Study

REFERENCE: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("reference.json").read_text())
SHOWS = "R3-4.3.4, EMA-A5.2.1"
SKELETON = (0.05, 0.1, 0.25, 0.4, 0.6)


def chapter() -> Chapter:
    return Chapter("Dose-finding engine", [
        Step("Decision tables of BOIN", SHOWS, _source("boin_boundaries"), boin_tables),
        Step("The MTD by isotonic regression", SHOWS, _source("boin_select_mtd"), selected_mtds),
        Step("Histories of the 3+3", SHOWS, _source("three_plus_three"), histories),
        Step("Exact operating characteristics", SHOWS, _source("exact_three_plus_three"), exact),
        Step("CRM", SHOWS, "As in the manual of the R package escalation: 2NNN leads to dose 4.", crm),
        Step("i3+3", SHOWS, "As published (Liu, Wang, Ji 2020): 1 of 2 stays, 2 of 3 de-escalates.", i3plus3),
        Step("Stored recommendations", "P11-10a, EMA-A2.9",
             "Each recommendation of each study, computed again from its frozen inputs, is the same.", recommendations),
    ])  # fmt: skip


def _source(name: str) -> str:
    return f"{len(REFERENCE[name]['records'])} records as in: {REFERENCE[name]['source']}."


def _records(name: str) -> Iterable[dict[str, Any]]:
    return list(REFERENCE[name]["records"])


def _must_equal(what: str, ours: object, theirs: object) -> None:
    if ours != theirs:
        raise Deviation(f"{what}: {ours}, and the reference says {theirs}.")


def _must_be_near(what: str, ours: Iterable[float], theirs: Iterable[float]) -> None:
    pairs = list(zip(ours, theirs, strict=True))
    if not all(isclose(one, two, abs_tol=1e-9) for one, two in pairs):
        raise Deviation(f"{what}: {[one for one, _ in pairs]}, and the reference says {[two for _, two in pairs]}.")


def tally_of(outcomes: str, doses: int) -> tuple[DoseTally, int]:
    """The tally and the last dose of outcomes in the field's notation: 1NNN 2NNT is no DLT at dose 1, one at dose 2."""
    tally, current = DoseTally.empty(doses), 1
    for cohort in outcomes.split():
        current = int(cohort[0])
        tally = tally.after_cohort(current, len(cohort) - 1, cohort.count("T"))
    return tally, current


def boin_tables(_: Installation) -> str:
    cells = 0
    for record in _records("boin_boundaries"):
        design = BoinDesign(target=record["target"], max_patients=60)
        bounds = (design.escalation_boundary, design.de_escalation_boundary)
        _must_be_near(record["id"], bounds, (record["lambda_e"], record["lambda_d"]))
        table = design.boundaries(max_n=record["n"][-1])
        for place, n in enumerate(record["n"]):
            row = table.for_n(n)
            ours = (row.escalate_if_at_most, row.de_escalate_if_at_least, row.eliminate_if_at_least)
            theirs = tuple(record[name][place] for name in ("escalate_le", "deescalate_ge", "eliminate_ge"))
            _must_equal(f"{record['id']}, {n} patients", ours, theirs)
            cells += len(ours)
    return f"{cells} cells are the same."


def selected_mtds(_: Installation) -> str:
    for record in _records("boin_select_mtd"):
        design = BoinDesign(
            target=record["target"], p_tox=record["p_tox"], elimination_cutoff=record["cutoff_eli"],
            max_patients=max(1, sum(record["n"])),
        )  # fmt: skip
        ours = design.select_mtd(DoseTally(record["n"], record["y"])).dose
        _must_equal(record["id"], ours, None if record["MTD"] == 99 else record["MTD"])
    return "Every MTD is the same."


def histories(_: Installation) -> str:
    for record in _records("three_plus_three"):
        design = ThreePlusThreeDesign(de_escalate=record["allow_deescalate"])
        tally, current = tally_of(record["outcomes"], record["num_doses"])
        advice = design.advise(tally, current)
        ours = (advice.action is not Action.STOP, advice.next_dose or design.select_mtd(tally).dose)
        _must_equal(record["outcomes"] or "the first cohort", ours, (record["continue"], record["recommended_dose"]))
    return "Every next dose is the same."


def exact(_: Installation) -> str:
    for record in _records("exact_three_plus_three"):
        design = ThreePlusThreeDesign(de_escalate=record["allow_deescalate"])
        ours = operating_characteristics(design, [record["true_prob_tox"]])
        _must_be_near(f"{record['id']}, selection", ours.selection[0].tolist(), record["prob_select"])
        _must_be_near(f"{record['id']}, patients", ours.patients[0].tolist(), record["expected_n_at_dose"])
        _must_be_near(f"{record['id']}, DLTs", ours.dlts[0].tolist(), record["expected_tox_at_dose"])
    return "Every probability and expected number is the same, to nine decimals."


def crm(_: Installation) -> str:
    design = CrmDesign(target=0.25, skeleton=SKELETON, max_patients=30, no_skipping=False, stop_cutoff=None)
    _must_equal("2NNN", design.advise(*tally_of("2NNN", 5)).next_dose, 4)
    return "2NNN leads to dose 4."


def i3plus3(_: Installation) -> str:
    design = I3Plus3Design(target=0.3, max_patients=30)
    _must_equal("1 of 2", design.advise(*tally_of("1NNN 2NT", 3)).action, Action.STAY)
    _must_equal("2 of 3", design.advise(*tally_of("1NNN 2NTT", 3)).action, Action.DE_ESCALATE)
    return "1 of 2 stays, 2 of 3 de-escalates."


def recommendations(_: Installation) -> str:
    studies = list(Study.objects.order_by("key"))
    differing = [str(difference) for study in studies for difference in replay(study)]
    if differing:
        raise Deviation("; ".join(differing[:10]))
    count = sum(study.recommendations.count() for study in studies)
    return f"{count} recommendations of {len(studies)} studies, no difference."
