"""The pages about doses: Study, Decision, Decisions. Each POST makes one call of an operation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.canonical import sha256_of
from dosing.cards import card_of
from dosing.decision_page import decision_context
from dosing.dossier_views import may_read_dossiers
from dosing.errors import ChangedSinceShown
from dosing.forms import DecideForm, ShownForm, SignForm, WithdrawForm
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation, propose_and_sign, sign_decision, withdraw_shown_decision
from dosing.queries import Situation, Stage
from dosing.queries.choices import options, sizes_of_next_cohort
from dosing.queries.reader import reader_with
from dosing.queries.record import decision_record
from dosing.queries.seen import situation_seen
from dosing.study_page import decision_rows, study_context
from dosing.words import role_words, statement
from trials.access import StudyPage, open_study, refuse_into
from trials.errors import Refused
from trials.permissions import Permission

REFUSED = 409


@login_required
@require_safe
def study(request: HttpRequest, key: str) -> HttpResponse:
    page = open_study(request, key)
    situation = situation_seen(page.study, page.now)
    return render(request, "dosing/study.html", page.context("Study", **study_context(page, situation)))


@login_required
@require_safe
def decisions(request: HttpRequest, key: str) -> HttpResponse:
    page = open_study(request, key)
    situation = situation_seen(page.study, page.now)
    rows = decision_rows(page, situation)
    context = page.context(
        "Decisions", rows=rows, card=card_of(page, situation), may_read_dossier=may_read_dossiers(page)
    )
    return render(request, "dosing/decisions.html", context)


@login_required
@require_safe
def decision(request: HttpRequest, key: str) -> HttpResponse:
    """The recommendation that is to be decided on; where there is none, what it waits for."""
    page = open_study(request, key)
    situation = situation_seen(page.study, page.now)
    if situation.newest and situation.stage in (Stage.RECOMMENDED, Stage.SIGNING, Stage.OUTDATED):
        return _recommendation_page(page, situation.newest, situation)
    return render(request, "dosing/waiting.html", page.context("Decisions", **_waiting(page, situation)))


@login_required
@require_safe
def decision_detail(request: HttpRequest, key: str, number: int) -> HttpResponse:
    page = open_study(request, key)
    return _recommendation_page(page, _recommendation(page, number), situation_seen(page.study, page.now))


@login_required
@require_POST
def recommend(request: HttpRequest, key: str) -> HttpResponse:
    page = open_study(request, key, Permission.VIEW_STUDY)
    try:
        issued = issue_recommendation(study=page.study, by=page.user, at=page.now)
    except Refused as refused:
        situation = situation_seen(page.study, page.now)
        context = page.context("Decisions", refused=refused, **_waiting(page, situation))
        return render(request, "dosing/waiting.html", context, status=REFUSED)
    return redirect("dosing:decision-detail", page.study.key, issued.number)


@login_required
@require_POST
def propose(request: HttpRequest, key: str, number: int) -> HttpResponse:
    page = open_study(request, key)
    recommendation = _recommendation(page, number)
    form = _decide_form(page, recommendation, request.POST)
    if not form.is_valid():
        return _recommendation_page(page, recommendation, form=form)
    option, given = form.chosen(), form.cleaned_data
    try:
        decided = propose_and_sign(
            recommendation=recommendation,
            choice=option.choice,
            level=option.level,
            cohort_size=given.get("cohort_size"),
            comment=given["comment"],
            role=given["role"],
            **form.secrets(),
            shown_sha256=given["shown_sha256"],
            by=page.user,
            at=page.now,
        )
    except Refused as refused:
        return _refused(page, recommendation, form, refused)
    return _signed(page, decided)


@login_required
@require_POST
def sign(request: HttpRequest, key: str, number: int) -> HttpResponse:
    page = open_study(request, key, Permission.SIGN_DECISION)
    recommendation = _recommendation(page, number)
    form = SignForm(request.POST, roles=_roles(page, recommendation), signer=page.user)
    if not form.is_valid():
        return _recommendation_page(page, recommendation, form=form)
    given = form.cleaned_data
    try:
        decided = sign_decision(
            decision=_decision_shown(recommendation, given["decision"]),
            role=given["role"],
            **form.secrets(),
            shown_sha256=given["shown_sha256"],
            by=page.user,
            at=page.now,
        )
    except Refused as refused:
        return _refused(page, recommendation, form, refused)
    return _signed(page, decided)


@login_required
@require_POST
def withdraw(request: HttpRequest, key: str, number: int) -> HttpResponse:
    page = open_study(request, key, Permission.PROPOSE_DECISION)
    recommendation = _recommendation(page, number)
    form = WithdrawForm(request.POST)
    if not form.is_valid():
        return _recommendation_page(page, recommendation, withdraw_form=form)
    given = form.cleaned_data
    try:
        withdraw_shown_decision(
            decision=_decision_shown(recommendation, given["decision"]),
            shown_sha256=given["shown_sha256"],
            reason=given["reason"],
            by=page.user,
            at=page.now,
        )
    except Refused as refused:
        form.add_error("reason", refused.sentence)
        return _recommendation_page(page, recommendation, withdraw_form=form, refused=refused)
    messages.success(request, "The decision is withdrawn; another one can be proposed.")
    return redirect("dosing:decision-detail", page.study.key, number)


def _recommendation(page: StudyPage, number: int) -> Recommendation:
    found = page.study.recommendations.select_related("study", "level", "cohort__level", "version", "issued_by")
    recommendation = found.filter(number=number).first()
    if recommendation is None:
        raise Http404(f"{page.study.key} has no recommendation {number}.")
    return recommendation


def _decision_shown(recommendation: Recommendation, shown: str) -> Decision:
    """The decision in force. Refused where the page showed another one, or there is none."""
    found = recommendation.decisions.exclude(status=Decision.Status.WITHDRAWN).first()
    if found is None or str(found.pk) != shown:
        raise ChangedSinceShown
    return found


def _as_shown(context: dict[str, Any]) -> dict[str, str]:
    """What the forms on a decision carry, so that nothing else is signed or withdrawn than what their page showed."""
    if context["in_force"] is None:
        return {}
    shown: Decision = context["in_force"].decision
    return {"decision": str(shown.pk), "shown_sha256": sha256_of(decision_record(shown))}


def _waiting(page: StudyPage, situation: Situation) -> dict[str, Any]:
    return {"card": card_of(page, situation), **study_context(page, situation)}


def _refused(page: StudyPage, recommendation: Recommendation, form: SignForm, refused: Refused) -> HttpResponse:
    """The same page with the refusal. Where a newer recommendation was issued meanwhile, it leads there."""
    refuse_into(form, refused)
    return _recommendation_page(page, recommendation, form=form, refused=refused)


def _signed(page: StudyPage, decided: Decision) -> HttpResponse:
    recommendation = decided.recommendation
    if decided.status != Decision.Status.SIGNED:
        messages.success(page.request, "You have signed. It takes effect when everybody whom the protocol names has.")
    elif decided.opened_cohort is not None:
        opened = decided.opened_cohort
        places = "1 slot is" if opened.size == 1 else f"{opened.size} slots are"
        messages.success(
            page.request,
            f"Everybody has signed. Cohort {opened.number} is open at {opened.level.label}: {places} free.",
        )
    else:
        messages.success(page.request, "Everybody has signed; the decision has taken effect.")
    return redirect("dosing:decision-detail", page.study.key, recommendation.number)


def _recommendation_page(
    page: StudyPage,
    recommendation: Recommendation,
    situation: Situation | None = None,
    *,
    form: SignForm | None = None,
    withdraw_form: WithdrawForm | None = None,
    refused: Refused | None = None,
) -> HttpResponse:
    refusing = form is not None or withdraw_form is not None
    situation = situation or situation_seen(page.study, page.now)
    context = decision_context(page, recommendation, situation)
    context |= _forms(page, recommendation, context, form)
    if isinstance(refused, ChangedSinceShown):
        _show_anew(form or withdraw_form, recommendation, context)
    said_in_form = context["form"] is form if form else context.get("can_withdraw", False)
    context |= {
        "may_read_dossier": may_read_dossiers(page),
        "refused": None if context["form_kind"] and said_in_form else refused,
        "withdraw_form": withdraw_form or WithdrawForm(initial=_as_shown(context)),
        "newer": situation.newest if situation.newest and not context["is_newest"] else None,
        "can_ask": situation.decidable and page.may(Permission.ISSUE_RECOMMENDATION),
        "waits": reader_with(page.held, page.study).waits(situation.waits),
        "roles_words": " and ".join(f"the {role_words(r)}" for r in _roles(page, recommendation)).capitalize(),
    }
    status = REFUSED if refusing else 200
    return render(page.request, "dosing/decision.html", page.context("Decisions", **context), status=status)


def _show_anew(form: ShownForm | None, recommendation: Recommendation, context: dict[str, Any]) -> None:
    """The refused form from now on goes with what the page shows now."""
    if isinstance(form, DecideForm):
        form.show({"shown_sha256": recommendation.inputs_sha256})
    elif form is not None:
        form.show(_as_shown(context))


def _forms(
    page: StudyPage, recommendation: Recommendation, context: dict[str, Any], form: SignForm | None
) -> dict[str, Any]:
    """The form for whoever has to sign, as long as the recommendation stands on the data of now."""
    if not context["is_newest"] or context["stale"] or not page.may(Permission.SIGN_DECISION):
        return {"form": form if form and form.is_bound else None, "form_kind": ""}
    in_force = context["in_force"]
    if in_force is None:
        decide = form if isinstance(form, DecideForm) else _decide_form(page, recommendation)
        return {
            "form": decide if page.roles & set(_roles(page, recommendation)) else None,
            "form_kind": "decide",
            "statements": [
                (o.value, statement(recommendation.kind, o.choice, o.level)) for o in decide.offered if not o.refused
            ],
        }
    mine = [role for role in in_force.waiting if role in page.roles]
    if in_force.decision.status != Decision.Status.PROPOSED or not mine:
        return {"form": None, "form_kind": "", "can_withdraw": bool(in_force.waiting)}
    fresh = form is None or isinstance(form, DecideForm)
    signing = SignForm(roles=mine, signer=page.user, initial=_as_shown(context)) if fresh else form
    return {"form": signing, "form_kind": "sign", "can_withdraw": True}


def _roles(page: StudyPage, recommendation: Recommendation) -> list[str]:
    signatures = page.study.protocol.signatures
    asked = signatures.mtd if recommendation.kind == Recommendation.Kind.MTD else signatures.dose_decision
    return list(asked)


def _decide_form(page: StudyPage, recommendation: Recommendation, data: Any = None) -> DecideForm:
    roles = [role for role in _roles(page, recommendation) if role in page.roles]
    offered = options(recommendation, list(page.study.levels.order_by("ordinal")))
    return DecideForm(
        data,
        recommendation=recommendation,
        offered=offered,
        sizes=sizes_of_next_cohort(recommendation, page.study, offered),
        roles=roles,
        signer=page.user,
    )
