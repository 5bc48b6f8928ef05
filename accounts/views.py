"""Signing in and out."""

from typing import Any

from allauth.account.internal.flows.logout import logout
from allauth.account.views import LoginView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import session_limits
from accounts.access_log import note_access
from accounts.demo import demo_people
from accounts.forms import SignInForm
from accounts.models import User
from audit.models import Access


class SignIn(LoginView):
    """The sign-in page. In a demonstration it also shows who can sign in."""

    template_name = "accounts/sign_in.html"
    form_class = SignInForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ended = "ended" in self.request.GET
        return super().get_context_data(
            demo_people=demo_people(), next=self.get_next_url(), session_ended=ended, **kwargs
        )


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Signs out, also somebody who has given only the password yet."""
    if isinstance(request.user, User):
        note_access(kind=Access.Kind.SIGN_OUT, by=request.user, at=timezone.now())
    logout(request, show_message=False)
    return redirect("accounts:sign-in")


@require_POST
def still_here(request: HttpRequest) -> JsonResponse:
    """Somebody is at the page, typing perhaps: in how many seconds the session ends; 0 where it has ended."""
    now = timezone.now()
    seconds = (session_limits.ends_at(request, now) - now).total_seconds() if request.user.is_authenticated else 0
    return JsonResponse({"seconds": max(0, round(seconds))})
