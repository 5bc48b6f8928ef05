"""What needs a person's signature, in all of their studies: a constant number of queries, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from accounts.models import DeclinedSignature, Signature, User
from dosing.models import Decision, Recommendation
from dosing.queries.draft import faults_of_draft
from dosing.queries.record import RECORD_KIND
from dosing.words import answer_of, choice_words, role_words
from reminders.casebook import ROLE as CASEBOOK_ROLE
from reminders.casebook import to_sign_again
from trials.models import Membership, ProtocolVersion, Study
from trials.protocol_words import listed
from trials.readiness import SETUP, record_key, signature_rules, words_for

Kind = Recommendation.Kind


@dataclass(frozen=True)
class ToSign:
    """One record. roles: those in which the person is asked; others: who has not signed besides."""

    study: str
    what: str
    detail: str
    url: str
    roles: tuple[str, ...]
    chip: str = ""

    @property
    def as_role(self) -> str:
        return f"as {listed([role_words(role) for role in self.roles], 'or')}"


def to_sign(person: User) -> list[ToSign]:
    """Recommendations to decide on, decisions, set-ups, amendments, casebooks that wait for this person; by study."""
    held = Membership.objects.in_force().filter(user=person, site=None).values_list("study_id", "role")
    roles: dict[int, set[str]] = {}
    for study_id, role in held:
        roles.setdefault(study_id, set()).add(role)
    if not roles:
        return []
    found = [*_to_decide(roles), *_decisions(person, roles), *_drafts(person, roles), *_casebooks(roles)]
    return sorted(found, key=lambda one: (one.study, one.what))


def _to_decide(roles: dict[int, set[str]]) -> Iterator[ToSign]:
    """The newest recommendation of a study, as long as no decision on it waits or has taken effect."""
    later = Recommendation.objects.filter(study=OuterRef("study"), number__gt=OuterRef("number"))
    decided = Decision.objects.filter(recommendation=OuterRef("pk")).exclude(status=Decision.Status.WITHDRAWN)
    newest = Recommendation.objects.filter(study__in=roles).exclude(Exists(later)).exclude(Exists(decided))
    for one in newest.select_related("study", "level", "version").defer("inputs", "shown"):
        signatures = one.version.protocol.signatures
        asked = signatures.mtd if one.kind == Kind.MTD else signatures.dose_decision
        mine = tuple(role for role in asked if role in roles[one.study_id])
        if mine:
            url = reverse("dosing:decision-detail", args=[one.study.key, one.number])
            yield ToSign(one.study.key, f"Recommendation {one.number}: {answer_of(one)}", "to be decided on", url, mine)


def _decisions(person: User, roles: dict[int, set[str]]) -> Iterator[ToSign]:
    waiting = Decision.objects.filter(study__in=roles, status=Decision.Status.PROPOSED)
    related = "study", "level", "proposed_by", "recommendation"
    found = list(waiting.select_related(*related).defer("recommendation__inputs", "recommendation__shown"))
    given = _given(RECORD_KIND, [str(d.pk) for d in found])
    for one in found:
        signed = given.get(str(one.pk), {})
        left = [role for role in one.roles_required if role not in signed]
        mine = tuple(role for role in left if role in roles[one.study_id])
        if mine and person.pk not in signed.values():
            words = choice_words(one.recommendation.kind, one.choice, one.level)
            yield ToSign(
                study=one.study.key,
                what=f"Decision {one.recommendation.number}: {words}",
                detail=f"proposed by {one.proposed_by}; {len(signed)} of {len(one.roles_required)} signed",
                url=reverse("dosing:decision-detail", args=[one.study.key, one.recommendation.number]),
                roles=mine,
            )


def _drafts(person: User, roles: dict[int, set[str]]) -> Iterator[ToSign]:
    """Set-ups and amendments that are complete. A rehearsal's are not signed."""
    found = [(version, record_key(version)) for version in _open_drafts(roles)]
    keys = [key for _, key in found]
    given = _given(SETUP, keys)
    declined = DeclinedSignature.objects.filter(record_kind=SETUP, record_key__in=keys, person=person)
    said_no = set(declined.values_list("record_key", flat=True))
    for version, key in found:
        rules, signed = signature_rules(version), given.get(key, {})
        if rules is None or person.pk in signed.values():
            continue
        mine = tuple(role for role in rules.set_up if role in roles[version.study_id] and role not in signed)
        if mine and not faults_of_draft(version.definition):
            yield ToSign(
                study=version.study.key,
                what=f"The {words_for(version)}, protocol version {version.number}",
                detail=f"{len(signed)} of {len(rules.set_up)} signed",
                url=reverse("dosing:setup-sign", args=[version.study.key]),
                roles=mine,
                chip="you declined" if key in said_no else "",
            )


def _casebooks(roles: dict[int, set[str]]) -> Iterator[ToSign]:
    """Those that changed since they were signed. When one is signed for the first time is the investigator's choice."""
    for patient in to_sign_again([study_id for study_id, held in roles.items() if CASEBOOK_ROLE in held]):
        study = patient.study.key
        yield ToSign(
            study=study,
            what=f"The casebook of {patient.code}",
            detail="changed since it was signed",
            url=reverse("reminders:casebook", args=[study, patient.code]),
            roles=(CASEBOOK_ROLE,),
        )


def _open_drafts(roles: dict[int, set[str]]) -> QuerySet[ProtocolVersion]:
    real = Study.objects.filter(pk__in=roles, is_rehearsal=False)
    return ProtocolVersion.objects.filter(study__in=real, status="draft").select_related("study")


def _given(kind: str, keys: list[str]) -> dict[str, dict[str, int]]:
    """By the record's key: who signed in which role."""
    found: dict[str, dict[str, int]] = {}
    given = Signature.objects.filter(record_kind=kind, record_key__in=keys)
    for key, role, signer in given.values_list("record_key", "role", "signer_id"):
        found.setdefault(key, {})[role] = signer
    return found
