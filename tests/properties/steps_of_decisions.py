"""Steps of a dose decision: asked for, proposed, signed, withdrawn."""

from __future__ import annotations

from random import Random

from dosing.models import Decision, Recommendation
from dosing.operations import (
    issue_recommendation,
    propose_and_sign,
    propose_decision,
    renew_recommendation,
    sign_decision,
    withdraw_decision,
)
from tests.cast import PASSWORD
from tests.properties.steps_of_people import some
from tests.properties.tables import Row
from tests.properties.trial import DECIDE, ISSUE, Actor, Trial
from trials.models import DoseLevel, Role

Choice = Decision.Choice


def recommend(t: Trial, r: Random, wild: bool) -> bool:
    ask = renew_recommendation if wild and r.random() < 0.3 else issue_recommendation
    what = "renew" if ask is renew_recommendation else "recommend"
    return t.attempt(what, ask, t.by(r, ISSUE, None, wild), ISSUE, None, study=t.study)


def propose(t: Trial, r: Random, wild: bool) -> None:
    if not t.now.recommendations:
        return
    row = some(r, t.now.recommendations) if wild else t.now.recommendations[-1]
    assert row is not None
    recommendation = Recommendation.objects.get(pk=row.id)
    choice = r.choice([Choice.ACCEPT] * 12 + [Choice.LOWER, Choice.STAY, Choice.HOLD, Choice.STOP])
    if wild:
        choice = r.choice(list(Choice))
    ordinal = r.choice([*range(1, len(t.now.levels) + 1), None])
    level = DoseLevel.objects.get(study=t.study, ordinal=ordinal) if ordinal and choice != Choice.ACCEPT else None
    size = r.choice([None, -1, 0, 1, 2, 3, 4, 99]) if wild else r.choice([1, 2, 3, 3])
    given = {"choice": choice, "level": level, "cohort_size": size, "comment": r.choice(["with care", ""])}
    if not wild:
        given["comment"] = "with care"
    if r.random() < 0.3:
        actor = t.by(r, DECIDE, None, wild)
        role = r.choice(list(Role)) if wild or actor.role is None else actor.role
        password = "wrong" if wild and r.random() < 0.1 else PASSWORD
        signing = {"role": role, "password": password}
        t.attempt(
            "propose and sign",
            propose_and_sign,
            actor,
            DECIDE & {Role(role)},
            None,
            recommendation=recommendation,
            **given,
            **signing,
        )
        return
    actor = t.by(r, DECIDE, None, wild)
    done = t.attempt("propose", propose_decision, actor, DECIDE, None, recommendation=recommendation, **given)
    if not done and not wild:
        smaller = {**given, "cohort_size": 1, "choice": Choice.ACCEPT, "level": None}
        t.attempt("propose", propose_decision, actor, DECIDE, None, recommendation=recommendation, **smaller)


def open_decision(t: Trial) -> Row | None:
    return next((d for d in t.now.decisions if d.status == "proposed"), None)


def sign(t: Trial, r: Random, wild: bool) -> None:
    row = open_decision(t)
    if wild and r.random() < 0.3:
        row = some(r, t.now.decisions)
    if row is None:
        return
    decision = Decision.objects.select_related("study").get(pk=row.id)
    signed = {s.role for s in t.now.signatures if s.record_key == str(row.id)}
    waiting = [role for role in row.roles_required if role not in signed]
    role = Role(r.choice(waiting)) if waiting and not wild else r.choice(list(Role))
    actor: Actor = next((p for p in t.cast.people if p.role == role and p.site is None), t.cast.people[0])
    if wild and r.random() < 0.5:
        actor = r.choice(t.cast.people)
    password = "wrong" if wild and r.random() < 0.1 else PASSWORD
    more = {"shown_sha256": "0" * 64} if wild and r.random() < 0.1 else {}
    t.attempt(
        "sign", sign_decision, actor, DECIDE & {role}, None, decision=decision, role=role, password=password, **more
    )


def withdraw(t: Trial, r: Random, wild: bool) -> None:
    row = some(r, t.now.decisions) if wild else open_decision(t)
    if row is None or (not wild and r.random() < 0.8):
        return
    decision = Decision.objects.select_related("study").get(pk=row.id)
    reason = r.choice(["another look", " "]) if wild else "another look"
    actor = t.by(r, DECIDE, None, wild)
    t.attempt("withdraw", withdraw_decision, actor, DECIDE, None, decision=decision, reason=reason)
