"""How django-allauth does what it does here: closed to strangers, secrets encrypted, e-mails in our own words."""

from io import BytesIO
from typing import Any

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import keys, session_limits
from accounts.mail import tell
from accounts.models import User
from accounts.operations import note_sign_in

# Mail that allauth would write by its templates: its name for the occasion, and what we say.
OCCASIONS = {
    "mfa/email/totp_activated": "An authenticator app was set up for your account.",
    "mfa/email/totp_deactivated": "The authenticator app was removed from your account.",
    "mfa/email/recovery_codes_generated": "New recovery codes were made for your account; the old ones are void.",
    "mfa/email/webauthn_added": "A passkey was added to your account.",
    "mfa/email/webauthn_removed": "A passkey was removed from your account.",
}


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up; whoever has signed in begins a session with limits."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: Any) -> None:
        super().login(request, user)
        session_limits.begin(request, timezone.now())
        note_sign_in(person=user, by=user, at=timezone.now())

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The password, by which nobody is let in who only found an open browser."""
        if not user.is_authenticated:
            return []
        url = reverse("account_reauthenticate")
        return [{"id": "reauthenticate", "description": "Use your password", "url": url}]

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        if template_prefix in OCCASIONS:
            tell_of_change(user, OCCASIONS[template_prefix])


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps and recovery codes are encrypted with a key made of SECRET_KEY."""

    def encrypt(self, text: str) -> str:
        return keys.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return keys.decrypt(encrypted_text)

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def build_totp_svg(self, url: str) -> str:
        drawn = BytesIO()
        segno.make(url, micro=False).save(drawn, kind="svg", scale=5, dark="#000", light="#fff")
        return drawn.getvalue().decode()

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return f"Passkey of {timezone.now():%-d %b %Y}"


def tell_of_change(user: User, sentence: str) -> None:
    """Tell a person that something about how they sign in has changed."""
    advice = "If this was not you, tell whoever looks after Rung at once: somebody else may know your password."
    tell([user.email], "How you sign in to Rung has changed", f"{user.full_name},\n\n{sentence}\n\n{advice}\n")
