"""Addresses that django-allauth looks up by its own names."""

from django.urls import path
from django.views.generic import RedirectView

from accounts import factor_views as views
from accounts.views import SignIn, sign_out

urlpatterns = [
    path("sign-in/", SignIn.as_view(), name="account_login"),
    path("sign-out/", sign_out, name="account_logout"),
    path("sign-in/code/", views.authenticate, name="mfa_authenticate"),
    path("account/password-again/", views.password_again, name="account_reauthenticate"),
    path("account/second-factor/", views.second_factor, name="mfa_index"),
    path("account/second-factor/app/", views.set_up_app, name="mfa_activate_totp"),
    path("account/second-factor/app/remove/", views.remove_app, name="mfa_deactivate_totp"),
    path("account/second-factor/recovery-codes/", views.recovery_codes, name="mfa_view_recovery_codes"),
    path("account/second-factor/recovery-codes/new/", views.new_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/second-factor/passkey/", views.add_passkey, name="mfa_add_webauthn"),
    path("account/second-factor/passkey/<int:pk>/remove/", views.remove_passkey, name="mfa_remove_webauthn"),
    path("account/second-factor/passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
]
