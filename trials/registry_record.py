"""The heading of a study out of its ClinicalTrials.gov record: identifiers, titles, arms and eligibility.

The record is one study as API v2 gives it (https://clinicaltrials.gov/data-api/api): JSON with `protocolSection`.
What it says is a start: all of it is marked as assumed until somebody has compared it with the protocol.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trials.definition import plain
from trials.errors import Fault, InvalidProtocol

LONGEST = 2_000_000
NOTE = "From the ClinicalTrials.gov record {nct}; compare it with the protocol."
GIVEN = ("DRUG", "BIOLOGICAL", "COMBINATION_PRODUCT", "GENETIC", "RADIATION")
_LISTED = re.compile(r"^\s*(?:[*•·–-]|\(?\d{1,2}[.)])\s+")
_KINDS = re.compile(r"^\W*(?:key\s+)?(inclusion|exclusion)\s+criteria\b.*$", re.IGNORECASE)


class _Module(BaseModel):
    """A module of the record; what is not read here may stand beside it."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class _OwnId(_Module):
    id: str = ""


class _SecondaryId(_Module):
    id: str


class _Identification(_Module):
    nctId: str = Field(pattern=r"^NCT\d{8}$")  # noqa: N815  the record's own name
    orgStudyIdInfo: _OwnId = _OwnId()  # noqa: N815
    secondaryIdInfos: tuple[_SecondaryId, ...] = ()  # noqa: N815
    briefTitle: str = Field(min_length=3)  # noqa: N815
    officialTitle: str = ""  # noqa: N815


class _Description(_Module):
    briefSummary: str = ""  # noqa: N815


class _Arm(_Module):
    label: str
    type: str = ""
    description: str = ""


class _Intervention(_Module):
    type: str
    name: str
    armGroupLabels: tuple[str, ...] = ()  # noqa: N815


class _Arms(_Module):
    armGroups: tuple[_Arm, ...] = ()  # noqa: N815
    interventions: tuple[_Intervention, ...] = ()


class _Eligibility(_Module):
    eligibilityCriteria: str = ""  # noqa: N815
    minimumAge: str = ""  # noqa: N815
    maximumAge: str = ""  # noqa: N815
    sex: str = ""


class _Protocol(_Module):
    identificationModule: _Identification  # noqa: N815
    descriptionModule: _Description = _Description()  # noqa: N815
    armsInterventionsModule: _Arms = _Arms()  # noqa: N815
    eligibilityModule: _Eligibility = _Eligibility()  # noqa: N815


class _Record(_Module):
    protocolSection: _Protocol  # noqa: N815


def definition_of_record(text: str) -> dict[str, Any]:
    """The parts of a study file that the record gives: `study`, and `agents` and `eligibility` where it has them.

    Raises InvalidProtocol with every fault found: its path in the record, the value, and what is allowed.
    """
    record = _read(text).protocolSection
    note = {"assumed": True, "note": NOTE.format(nct=record.identificationModule.nctId)}
    found: dict[str, Any] = {"study": {**_heading(record), **note}}
    agents = [{**agent, **note} for agent in _agents(record.armsInterventionsModule)]
    criteria = [{**criterion, **note} for criterion in _criteria(record.eligibilityModule)]
    return found | ({"agents": agents} if agents else {}) | ({"eligibility": criteria} if criteria else {})


def _read(text: str) -> _Record:
    if len(text) > LONGEST:
        raise InvalidProtocol([Fault("file", f"{len(text)} characters", f"at most {LONGEST} characters")])
    try:
        content = plain(_modules(json.loads(text)))
    except (ValueError, RecursionError) as error:
        allowed = "a ClinicalTrials.gov record is JSON (on the study's page there: Download, then JSON)"
        raise InvalidProtocol([Fault("file", str(error), allowed)]) from error
    try:
        return _Record.model_validate(content)
    except ValidationError as error:
        raise InvalidProtocol([_fault(e["loc"], e["type"], e["input"], e["msg"]) for e in error.errors()]) from error


def _modules(content: Any) -> Any:
    """The record without what is not read here: lists of sites and results can be very long."""
    section = content.get("protocolSection") if isinstance(content, dict) else None
    if not isinstance(section, dict):
        return content if isinstance(content, dict) and "protocolSection" in content else {}
    return {"protocolSection": {name: section[name] for name in _Protocol.model_fields if name in section}}


def _fault(place: Iterable[Any], kind: str, value: object, said: str) -> Fault:
    path = ".".join(map(str, place)) or "file"
    if kind == "missing":
        return Fault(path, None, "it is required in a record of API v2")
    return Fault(path, value if not isinstance(value, dict | list) else type(value).__name__, said)


def _heading(record: _Protocol) -> dict[str, Any]:
    named = record.identificationModule
    own = named.orgStudyIdInfo.id
    identifiers = dict.fromkeys([named.nctId, own, *(other.id for other in named.secondaryIdInfos)])
    return {
        "key": _key(own) or named.nctId,
        "title": named.briefTitle[:300],
        "official_title": named.officialTitle[:600],
        "identifiers": [identifier for identifier in identifiers if identifier],
        "objectives": list(_paragraphs(record.descriptionModule.briefSummary)),
        "arms": [_arm(arm) for arm in record.armsInterventionsModule.armGroups],
    }


def _key(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:40].strip("-")


def _arm(arm: _Arm) -> str:
    kind = arm.type.replace("_", " ").capitalize()
    return ": ".join(filter(None, [f"{arm.label} ({kind})" if kind else arm.label, " ".join(arm.description.split())]))


def _agents(arms: _Arms) -> Iterator[dict[str, Any]]:
    """Drugs and the like. Investigational are those of an experimental arm; which, is for a person to look at."""
    experimental = {arm.label for arm in arms.armGroups if arm.type.upper() == "EXPERIMENTAL"}
    codes: set[str] = set()
    for given in arms.interventions:
        code = _key(given.name).lower()
        if given.type.upper() in GIVEN and code and code not in codes:
            codes.add(code)
            tried = bool(experimental & set(given.armGroupLabels)) or not given.armGroupLabels
            yield {"code": code, "name": given.name[:80], "investigational": tried}


def _criteria(module: _Eligibility) -> Iterator[dict[str, Any]]:
    """The criteria, one by one as the record lists them; age and sex, which stand beside the text, come first."""
    counts = {"inclusion": 0, "exclusion": 0}
    for kind, text in [*_beside(module), *_listed(module.eligibilityCriteria)]:
        if len(text) >= 3:
            counts[kind] += 1
            yield {"code": f"{kind}-{counts[kind]}", "kind": kind, "text": text}


def _beside(module: _Eligibility) -> Iterator[tuple[str, str]]:
    if module.minimumAge:
        yield "inclusion", f"Age at least {module.minimumAge.lower()}"
    if module.maximumAge:
        yield "inclusion", f"Age at most {module.maximumAge.lower()}"
    if module.sex.upper() in ("FEMALE", "MALE"):
        yield "inclusion", f"Sex: {module.sex.lower()}"


def _listed(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text) for each criterion; a line that opens no new one goes on with the last."""
    kind = "inclusion"
    parts: list[str] = []
    for line in [*text.splitlines(), "Exclusion Criteria:"]:
        heading = _KINDS.match(line)
        if (heading or _LISTED.match(line) or not line.strip()) and parts:
            yield kind, " ".join(parts)
            parts = []
        if heading:
            kind = heading[1].lower()
        elif line.strip():
            parts.append(" ".join(_LISTED.sub("", line).replace("\\", "").split()))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.strip():
            yield " ".join(paragraph.split())
