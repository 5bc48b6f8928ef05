"""A study file looked at as a whole: its own rules, and those of its design."""

from __future__ import annotations

from typing import Any

from dosing.queries.design_faults import design_faults
from trials.errors import Fault, InvalidProtocol
from trials.protocol import Protocol
from trials.protocol_checks import faults_of, read_study_file


def faults_of_draft(definition: dict[str, Any]) -> list[Fault]:
    """Every fault of a draft; empty for one that can go live. The design is looked at once all else is in order."""
    return faults_of(definition) or design_faults(Protocol.model_validate(definition))


def read_whole_study_file(text: str) -> dict[str, Any]:
    """The file's content as plain data. Raises InvalidProtocol with all faults found, those of the design included."""
    definition, protocol = read_study_file(text)
    faults = design_faults(protocol)
    if faults:
        raise InvalidProtocol(faults)
    return definition
