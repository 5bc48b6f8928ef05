"""The forms of signing in, and of what keeps an account safe."""

from typing import Any, cast

from allauth.account.forms import ReauthenticateForm
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.errors import CannotSignIn
from accounts.models import UsedCode, User
from accounts.operations import check_code_at_sign_in, check_password_again, check_password_at_sign_in
from accounts.operations.second_factor import step_of, use_step
from accounts.queries import asks_for_code


def password_field(label: str = "Password", *, autocomplete: str = "current-password") -> forms.CharField:
    """A password is taken as it was typed, spaces at its ends included."""
    return forms.CharField(label=label, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}))


def code_field(label: str = "Code", help_text: str = "") -> forms.CharField:
    """Six digits of an authenticator app, or a recovery code."""
    attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", "class": "field-short", "maxlength": 20}
    return forms.CharField(label=label, help_text=help_text, widget=forms.TextInput(attrs=attributes))


class SigningFields(forms.Form):
    """For every form that signs: the password again, and the code of whoever has an authenticator app.

    `templates/components/sign_fields.html` shows them; `form.secrets()` is what an operation that signs wants to have.
    """

    password = password_field()
    code = code_field(
        "Code",
        "From your authenticator app. The one you signed in with is used up: wait for the next.",
    )

    def __init__(self, *args: Any, signer: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_for_code(signer):
            del self.fields["code"]

    def secrets(self) -> dict[str, str]:
        """The password and the code as they were typed, for `**`."""
        return {"password": self.cleaned_data["password"], "code": self.cleaned_data.get("code", "")}


class SignInForm(forms.Form):
    """Name and password; what comes after them is for allauth's stages."""

    username = forms.CharField(
        label="Username", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = password_field()

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.person: User | None = None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "username" in given and "password" in given:
            try:
                self.person = check_password_at_sign_in(
                    username=given["username"], password=given["password"], at=timezone.now()
                )
            except CannotSignIn as refused:
                raise forms.ValidationError(refused.sentence, code=refused.code) from refused
        return given

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        credentials = {"username": self.cleaned_data["username"]}
        login = Login(user=self.person, redirect_url=redirect_url)
        return cast(HttpResponse, perform_password_login(request, credentials, login))


class CodeForm(forms.Form):
    """The second step of signing in, by a code."""

    code = code_field(help_text="From your authenticator app. A recovery code does, too.")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["code"].widget.attrs["autofocus"] = True

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            check_code_at_sign_in(person=self.user, code=code, at=timezone.now())
        except CannotSignIn as refused:
            raise forms.ValidationError(refused.sentence, code=refused.code) from refused
        return code

    def save(self) -> None:
        """Tell allauth that the second factor was given."""
        from allauth.core import context  # the request of now, which allauth knows

        app = Authenticator.objects.filter(user=self.user).exclude(type=Authenticator.Type.WEBAUTHN).first()
        post_authentication(context.request, app)


class AuthenticatorAppForm(ActivateTOTPForm):
    """The first code of a new authenticator app; it is used up by this."""

    code = code_field("The code it shows now")

    def clean_code(self) -> str:
        code: str = super().clean_code()
        step = step_of(self.secret, code)
        if step is not None:
            use_step(self.user, step, UsedCode.Use.SET_UP)
        return code


class PasswordAgainForm(ReauthenticateForm):
    """The password of somebody who is signed in, before something about their account changes."""

    password = password_field()

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        try:
            check_password_again(person=self.user, password=password, at=timezone.now())
        except CannotSignIn as refused:
            raise forms.ValidationError(refused.sentence, code=refused.code) from refused
        return password
