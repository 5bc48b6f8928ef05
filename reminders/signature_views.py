"""What needs one's signature, across studies."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from reminders.to_sign import to_sign


@login_required
@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    return render(request, "reminders/to_sign.html", {"rows": to_sign(cast(User, request.user))})
