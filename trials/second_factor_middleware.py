"""Who signs, or looks after accounts, sets up an authenticator app before anything else, where that is required."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User
from accounts.queries import asks_for_code
from trials.models import Membership
from trials.permissions import TABLE, Permission

OPEN = ("/account/", "/sign-in/", "/sign-out/", "/still-here/", "/static/", "/healthz")
SIGNING_ROLES = [role.value for role, granted in TABLE.items() if Permission.SIGN_DECISION in granted]


def must_set_up_app(person: User) -> bool:
    """Whether the person is a signer or an administrator without an authenticator app."""
    if settings.SECOND_FACTOR != "required" or asks_for_code(person):
        return False
    return person.is_administrator or Membership.objects.in_force().filter(user=person, role__in=SIGNING_ROLES).exists()


class SecondFactorMiddleware:
    """Leads those who must to the page that sets it up; everything else waits."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User) and not request.path.startswith(OPEN) and must_set_up_app(request.user):
            return redirect(f"{reverse('mfa_index')}?first")
        return self.get_response(request)
