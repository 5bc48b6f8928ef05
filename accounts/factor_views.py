"""Setting up a second factor: django-allauth's pages, in the name of whoever asks, so that the trail says who."""

from collections.abc import Callable
from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts.keys import KeyIsGone
from accounts.models import User
from audit.context import acting

View = Callable[..., HttpResponse]


def in_their_own_name(reason: str) -> Callable[[View], View]:
    """What the view changes is changed by whoever asks for it."""

    def decorate(view: View) -> View:
        @login_required
        @never_cache
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            assert isinstance(request.user, User)
            try:
                with acting(request.user, reason):
                    return view(request, *args, **kwargs)
            except KeyIsGone as gone:
                messages.error(request, gone.sentence)
                return redirect("mfa_index")

        return run

    return decorate


class SecondFactor(IndexView):
    """What the person has as a second factor, and what can be added."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        found = context["authenticators"]
        codes = found.get(Authenticator.Type.RECOVERY_CODES)
        return context | {
            "app": found.get(Authenticator.Type.TOTP),
            "passkeys": found.get(Authenticator.Type.WEBAUTHN, []),
            "codes_left": _codes_left(codes) if codes else None,
        }


def _codes_left(codes: RecoveryCodes) -> int:
    """None is left where no key can read them."""
    try:
        return len(codes.get_unused_codes())
    except KeyIsGone:
        return 0


second_factor = login_required(SecondFactor.as_view())
authenticate = method_decorator(never_cache, name="dispatch")(AuthenticateView).as_view()
password_again = login_required(ReauthenticateView.as_view())
set_up_app = in_their_own_name("set up an authenticator app")(ActivateTOTPView.as_view())
remove_app = in_their_own_name("remove the authenticator app")(DeactivateTOTPView.as_view())
recovery_codes = in_their_own_name("look at the recovery codes")(ViewRecoveryCodesView.as_view())
new_recovery_codes = in_their_own_name("make new recovery codes")(GenerateRecoveryCodesView.as_view())
add_passkey = in_their_own_name("add a passkey")(AddWebAuthnView.as_view())
remove_passkey = in_their_own_name("remove a passkey")(RemoveWebAuthnView.as_view())
