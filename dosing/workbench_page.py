"""What the workbench's pages show: a draft's fields, the answers to its question, and where a comparison can begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from dosing.engine import Design, ThreePlusThreeDesign
from dosing.models import Comparison, Simulation
from dosing.queries.comparisons import comparisons_seen_by
from dosing.queries.inputs import design_of_protocol
from dosing.workbench.address import draft_to_query, question_to_query
from dosing.workbench.difference import answer_in_words
from dosing.workbench.draft import Draft, Faulty
from dosing.workbench.plots import characteristics_panels, described
from dosing.workbench.question import Question
from dosing.workbench.results import LIVE_TRIALS, Answer, answers, scenario_answers, standard_scenarios
from dosing.workbench.tables import IN_SCENARIOS, dose_groups, scenario_rows, summary_rows, true_mtd
from dosing.workbench.words import design_names, number_words
from dosing.workbench_forms import WorkbenchFields
from trials.models import ProtocolVersion, Study

MOST_LISTED = 50
CANNOT = "Something in the fields is not possible yet"


@dataclass(frozen=True)
class DesignShown:
    """One design over the plots. index: in the address of its table and paths, from 0."""

    index: int
    name: str
    problem: str
    exact: bool


def workbench_context(draft: Draft) -> dict[str, Any]:
    """The whole page: the fields, and the answer where the fields ask a question."""
    try:
        question = draft.question()
    except Faulty as faulty:
        return {"fields": WorkbenchFields(draft, faulty.faults), "sentence": CANNOT, "query": draft_to_query(draft)}
    return {"fields": WorkbenchFields(draft), **answer_context(question), "query": draft_to_query(draft)}


def answer_context(question: Question) -> dict[str, Any]:
    """The answer: in a sentence, as plots and tables, and in the standard scenarios."""
    answered = answers(question)
    scenarios = standard_scenarios(question.doses, question.target, question.labels)
    mtd = true_mtd(answered)
    return {
        "answered": True,
        "query": question_to_query(question),
        "sentence": answer_in_words(question, answered),
        "designs": [_design(index, answer) for index, answer in enumerate(answered)],
        "panels": characteristics_panels(question, answered),
        "described": described(question, answered),
        "summary": summary_rows(answered),
        "two": len(answered) == 2,
        "doses": _doses(question, mtd),
        "no_mtd": mtd == 0,
        "groups": dose_groups(question, answered),
        "scenarios": scenario_rows(question, scenarios, scenario_answers(question, scenarios)),
        "scenario_measures": [f"{m.label}, %" if m.is_share else m.label for m in IN_SCENARIOS],
        "simulated": any(not answer.exact for answer in answered),
        "trials": f"{LIVE_TRIALS:,}",
    }


def _design(index: int, answer: Answer) -> DesignShown:
    return DesignShown(index, answer.name, answer.problem, answer.exact)


def _doses(question: Question, mtd: int) -> list[dict[str, Any]]:
    pairs = zip(question.labels, question.toxicity, strict=True)
    return [
        {"label": label, "toxicity": number_words(p), "is_mtd": place == mtd}
        for place, (label, p) in enumerate(pairs, 1)
    ]


@dataclass(frozen=True)
class Beginning:
    """A comparison that begins with a study's own ladder and design."""

    key: str
    title: str
    words: str
    query: str


def home_context(user: User) -> dict[str, Any]:
    """Where a comparison can begin, and what the person has saved and started."""
    comparisons = comparisons_seen_by(user).filter(put_away_at__isnull=True)[:MOST_LISTED]
    return {
        "beginnings": [beginning for beginning in map(_beginning, _newest_versions(user)) if beginning],
        "comparisons": [_saved(comparison, user) for comparison in comparisons],
        "simulations": [_simulation(each) for each in Simulation.objects.of(user).with_progress()[:MOST_LISTED]],
    }


def _newest_versions(user: User) -> list[ProtocolVersion]:
    """The newest protocol version of each study in which the person has a role."""
    studies = Study.objects.visible_to(user)
    adopted = ProtocolVersion.objects.exclude(status=ProtocolVersion.Status.DRAFT)  # a draft may be incomplete
    versions = adopted.filter(study__in=studies).select_related("study")
    return list(versions.order_by("study_id", "-number").distinct("study_id"))


def _beginning(version: ProtocolVersion) -> Beginning | None:
    """None for a protocol whose design cannot be compared on the workbench."""
    protocol, study = version.protocol, version.study
    try:
        design = design_of_protocol(protocol)
        question = _question_about(design, [level.label for level in protocol.levels])
    except ValueError:
        return None
    names = design_names(question.designs)
    words = f"{', '.join(question.labels)}; {' beside '.join(names)}, target {number_words(question.target)}"
    return Beginning(study.key, study.title, words, question_to_query(question))


def _question_about(design: Design, labels: Sequence[str]) -> Question:
    """The design beside 3+3 (a 3+3 by itself), with the MTD in the middle of the ladder."""
    middle = standard_scenarios(len(labels), design.target)[(len(labels) - 1) // 2]
    beside: tuple[Design, ...] = (
        () if isinstance(design, ThreePlusThreeDesign) else (ThreePlusThreeDesign(target=design.target),)
    )
    return Question(tuple(labels), middle.toxicity, design.target, (design, *beside))


def _saved(comparison: Comparison, user: User) -> dict[str, Any]:
    saved_by = "you" if comparison.saved_by_id == user.pk else comparison.saved_by.full_name
    return {
        "pk": comparison.pk,
        "title": comparison.title,
        "detail": f"saved {comparison.saved_at:%-d %b %Y} by {saved_by}",
        "study": comparison.study.key if comparison.study else "",
    }


def _simulation(simulation: Simulation) -> dict[str, Any]:
    kinds = {"running": "", "done": "up", "cancelled": "neutral", "failed": "out"}
    names = " and ".join(design_names(Question.from_dict(simulation.question).designs))
    return {
        "pk": simulation.pk,
        "title": f"{simulation.trials:,} trials of {names}",
        "detail": f"started {simulation.started_at:%-d %b %Y, %H:%M} UTC",
        "status": f"{simulation.percent} %" if simulation.status == "running" else simulation.get_status_display(),
        "kind": kinds[simulation.status],
    }
