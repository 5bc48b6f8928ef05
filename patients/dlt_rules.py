"""Which of the protocol's DLT rules fires for an event. It is shown to the person who judges; no more."""

from collections.abc import Mapping

from patients.models import Attribution
from trials.protocol import DltRule, Protocol


def rule_that_fires(protocol: Protocol, term: str, grade: int, relations: Mapping[str, str]) -> DltRule | None:
    """The first rule, in the protocol's order, that fires; None where none does.

    term: the CTCAE term. grade: 1 to 5. relations: agent code → `Attribution.Relation`.
    A rule with `related` asks that the event is at least possibly related to an investigational agent.
    """
    related = is_related(protocol, relations)
    return next((r for r in protocol.dlt.rules if (related or not r.related) and _covers(r, term, grade)), None)


def is_related(protocol: Protocol, relations: Mapping[str, str]) -> bool:
    """Whether the event is at least possibly related to one of the protocol's investigational agents."""
    investigational = {agent.code for agent in protocol.agents if agent.investigational}
    return any(agent in investigational and relation in Attribution.RELATED for agent, relation in relations.items())


def _covers(rule: DltRule, term: str, grade: int) -> bool:
    named = {t.casefold() for t in rule.terms}
    spared = {t.casefold() for t in rule.except_terms}
    asked = term.casefold()
    return grade >= rule.minimum_grade and (not named or asked in named) and asked not in spared
