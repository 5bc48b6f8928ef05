"""Who has access to what, and its signed review. For administrators."""

import json
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import SigningFields
from accounts.models import User
from accounts.people_views import for_administrators
from trials.access import refuse_into
from trials.errors import Refused
from trials.operations.review import sign_access_review
from trials.who_has_access import STATEMENT, next_review_due, reviews, seen_digest, who_has_access


class ReviewForm(SigningFields):
    """What is remarked, and the signature."""

    seen_sha256 = forms.CharField(widget=forms.HiddenInput)
    remarks = forms.CharField(
        label="Remarks", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    field_order = ["remarks", "password", "code"]


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def access(request: HttpRequest) -> HttpResponse:
    """All access there is; signed as reviewed from here."""
    me, lines, status = cast(User, request.user), who_has_access(), 200
    seen = seen_digest(lines)
    form = ReviewForm(request.POST or None, signer=me, initial={"seen_sha256": seen})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            sign_access_review(
                seen_sha256=given["seen_sha256"], remarks=given["remarks"], by=me, at=timezone.now(), **form.secrets()
            )
            messages.success(request, "The review is signed and kept.")
            return redirect("trials:who-has-access")
        except Refused as refused:
            refuse_into(form, refused)
            form.data = {**dict(form.data.items()), "seen_sha256": seen}
    if form.errors:
        status = 409
    return render(request, "trials/who_has_access.html", _context(lines, form), status=status)


@for_administrators
@require_safe
def review(request: HttpRequest, number: int) -> HttpResponse:
    """A review as it was signed."""
    signature = next((one for one in reviews() if one.pk == number), None)
    if signature is None:
        raise Http404("There is no such review.")
    context = {"signature": signature, "record": json.loads(signature.record_json)}
    return render(request, "trials/access_review.html", context)


def _context(lines: list[Any], form: ReviewForm) -> dict[str, Any]:
    done = reviews()
    due = next_review_due(done[0] if done else None)
    return {
        "lines": lines,
        "form": form,
        "statement": STATEMENT,
        "reviews": done,
        "due": due,
        "overdue": due is None or due <= timezone.now(),
    }
