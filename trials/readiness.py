"""What still stands between a draft and a live study."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from accounts.models import DeclinedSignature, Signature
from accounts.queries import signatures_on
from trials.errors import Fault
from trials.models import Membership, ProtocolVersion, Role, Study
from trials.protocol import Signatures

SETUP = "trials.setup"
STATEMENT_VERSION = "set-up 1"  # another one when a word of `statement` changes


@dataclass(frozen=True)
class Obstacle:
    """One thing that is missing. code: what kind. sentence: what to do about it."""

    code: str
    sentence: str


def words_for(version: ProtocolVersion) -> str:
    """What a draft is: the set-up of a study, or an amendment of one."""
    return "set-up" if version.number == 1 else "amendment"


def statement(version: ProtocolVersion) -> str:
    """What a signature on the draft says."""
    return (
        f"I have reviewed this {words_for(version)} of {version.study.key} (protocol version {version.number}) as "
        "shown here, and approve it"
    )


def record_key(version: ProtocolVersion) -> str:
    """What a signature on the draft as it is now is filed under; a changed draft is another record."""
    return f"{version.pk}-{version.sha256[:24]}"


def set_up_records(keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """The definitions that signatures under these keys are about, as they are now; for verifying them."""
    versions = {key: key.partition("-")[0] for key in keys}
    wanted = [int(pk) for pk in versions.values() if pk.isdecimal()]
    found = dict(ProtocolVersion.objects.filter(pk__in=wanted).values_list("pk", "definition"))
    return {key: found[int(pk)] for key, pk in versions.items() if pk.isdecimal() and int(pk) in found}


def signatures_now(version: ProtocolVersion) -> list[Signature]:
    """The signatures that cover the draft as it is."""
    return [s for s in signatures_on(SETUP, record_key(version)) if s.record_sha256 == version.sha256]


def declined_now(version: ProtocolVersion) -> list[DeclinedSignature]:
    """Who declined to sign the draft as it is, oldest first."""
    return list(DeclinedSignature.objects.filter(record_kind=SETUP, record_key=record_key(version)))


def outdated_signatures(version: ProtocolVersion) -> list[Signature]:
    """Those that were given on the draft before it was changed, newest first."""
    given = Signature.objects.filter(record_kind=SETUP, record_key__startswith=f"{version.pk}-")
    return list(given.exclude(record_key=record_key(version)).select_related("signer").order_by("-signed_at"))


def obstacles(study: Study, version: ProtocolVersion, faults: Sequence[Fault]) -> list[Obstacle]:
    """All that keeps the draft from going live, in the order in which it is to be done; empty where nothing does.

    faults: of the definition. A rehearsal treats nobody: it needs neither people nor signatures.
    """
    return list(_obstacles(study, version, faults))


def _obstacles(study: Study, version: ProtocolVersion, faults: Sequence[Fault]) -> Iterator[Obstacle]:
    if faults:
        first = "; ".join(str(fault) for fault in faults[:3])
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        yield Obstacle("draft-has-faults", f"Complete the study file. {first}{more}.")
    if not study.sites.exists():
        yield Obstacle("no-site", "Add at least one site before the study starts.")
    if study.is_rehearsal:
        return
    rules = signature_rules(version)
    if rules is not None:
        yield from _people(study, rules)
        yield from _signatures(rules, version)


def signature_rules(version: ProtocolVersion) -> Signatures | None:
    """Who signs, also of a draft that is not complete; None where the draft does not say it yet."""
    try:
        return Signatures.model_validate(version.definition.get("signatures"))
    except ValidationError:
        return None


def _people(study: Study, rules: Signatures) -> Iterator[Obstacle]:
    """A decision takes a signature from each role that it needs, each from another person."""
    needed = list(dict.fromkeys(role for role in [*rules.dose_decision, *rules.mtd] if role in Role.values))
    holders: dict[str, set[int]] = {role: set() for role in needed}
    for held in Membership.objects.in_force().filter(study=study, site=None, role__in=needed, user__is_person=True):
        holders[held.role].add(held.user_id)
    for role in needed:
        if not holders[role]:
            sentence = f"Give somebody the role of {Role(role).label} for the whole study: dose decisions need it."
            yield Obstacle("role-not-held", sentence)
    if all(holders.values()) and not _each_by_another([holders[role] for role in needed]):
        roles = ", ".join(Role(role).label for role in needed)
        yield Obstacle("too-few-people", f"Dose decisions need signatures of different people as {roles}.")


def _each_by_another(holders: list[set[int]], taken: frozenset[int] = frozenset()) -> bool:
    """Whether every role can be given to a person of its own."""
    if not holders:
        return True
    return any(_each_by_another(holders[1:], taken | {person}) for person in holders[0] - taken)


def _signatures(rules: Signatures, version: ProtocolVersion) -> Iterator[Obstacle]:
    for role in roles_waiting(rules.set_up, signatures_now(version)):
        yield Obstacle("not-signed", f"The {role.replace('_', ' ')} has to sign the {words_for(version)}.")


def roles_waiting(needed: Iterable[str], given: Iterable[Signature]) -> list[str]:
    signed = {signature.role for signature in given}
    return [role for role in needed if role not in signed]
