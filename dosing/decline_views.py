"""Declining a signature that one is asked for, with a reason: of a decision, of a set-up and of an amendment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.canonical import sha256_of
from dosing.dossier.contents import recommendation_for
from dosing.models import Decision
from dosing.operations.decline import decline_decision
from dosing.queries.record import decision_record, roles_waiting, signatures_of
from dosing.setup_views import roles_to_sign
from dosing.words import choice_words, role_words
from trials.access import StudyPage, open_study, refuse_into
from trials.errors import Refused
from trials.operations.decline import decline_set_up
from trials.permissions import Permission
from trials.queries import draft_of
from trials.readiness import words_for

REFUSED = 409


class DeclineForm(forms.Form):
    """Why, and in which role where the person is asked in more than one; with what the page showed."""

    role = forms.ChoiceField(label="You are asked as")
    reason = forms.CharField(label="Why do you not sign?", widget=forms.Textarea(attrs={"rows": 3}))
    shown_sha256 = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, roles: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(role, role_words(role)) for role in roles]
        if len(roles) == 1:
            field.initial = roles[0]
            field.widget = forms.HiddenInput()


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: HttpRequest, key: str, number: int) -> HttpResponse:
    page = open_study(request, key, Permission.SIGN_DECISION)
    back = reverse("dosing:decision-detail", args=[key, number])
    asked = _asked(page, number)
    if asked is None:
        messages.warning(request, "There is nothing to decline: your signature is not waited for.")
        return redirect(back)
    waiting, roles = asked
    shown = sha256_of(decision_record(waiting))
    form = DeclineForm(request.POST or None, roles=roles, initial={"shown_sha256": shown})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            decline_decision(decision=waiting, by=page.user, at=page.now, **given)
        except Refused as refused:
            refuse_into(form, refused)
            return _shown(page, form, waiting, back, status=REFUSED)
        messages.success(request, "You have declined. The decision is withdrawn; another one can be proposed.")
        return redirect(back)
    return _shown(page, form, waiting, back, status=REFUSED if form.is_bound else 200)


def _asked(page: StudyPage, number: int) -> tuple[Decision, list[str]] | None:
    """The decision that waits, and the roles in which this person's signature is still asked for."""
    recommendation = recommendation_for(page.study, number)
    if recommendation is None:
        return None
    related = "level", "proposed_by", "study", "recommendation__level", "recommendation__study"
    found = recommendation.decisions.select_related(*related).filter(status=Decision.Status.PROPOSED).first()
    if found is None:
        return None
    given = signatures_of(found)
    if any(signature.signer_id == page.user.pk for signature in given):
        return None
    roles = [role for role in roles_waiting(found, given) if role in page.roles]
    return (found, roles) if roles else None


def _shown(page: StudyPage, form: DeclineForm, waiting: Decision, back: str, status: int) -> HttpResponse:
    words = choice_words(waiting.recommendation.kind, waiting.choice, waiting.level)
    context = page.context(
        "Decisions",
        form=form,
        back_url=back,
        what=f"decision {waiting.recommendation.number}: {words}",
        then="With one of its signers against it, the decision is withdrawn; another one can be proposed. Your reason "
        "stays on record under your name.",
    )
    return render(page.request, "dosing/decline.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest, key: str) -> HttpResponse:
    """Of the set-up, or of the amendment where the study is live."""
    page = open_study(request, key, draft_too=True)
    version = draft_of(page.study)
    back = reverse("reminders:amendment" if page.is_live else "dosing:setup", args=[key])
    roles = roles_to_sign(page, version) if version is not None else []
    if version is None or not roles:
        messages.warning(request, "There is nothing to decline: your signature is not waited for.")
        return redirect(back)
    form = DeclineForm(request.POST or None, roles=roles, initial={"shown_sha256": version.sha256})
    status = REFUSED if form.is_bound else 200
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            decline_set_up(
                study=page.study,
                role=given["role"],
                seen_sha256=given["shown_sha256"],
                reason=given["reason"],
                by=page.user,
                at=page.now,
            )
        except Refused as refused:
            refuse_into(form, refused)
        else:
            messages.success(
                request, f"You have declined to sign the {words_for(version)}; your reason is kept with it."
            )
            return redirect(back)
    then = "The draft waits until it is changed, or until you sign it after all. Your reason stays on record."
    what = f"the {words_for(version)} of {key}"
    context = page.context("Set-up", form=form, back_url=back, what=what, then=then)
    return render(request, "dosing/decline.html", context, status=status)
