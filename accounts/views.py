from typing import Any

from django.contrib.auth import views as auth_views

from accounts.demo import demo_people


class SignIn(auth_views.LoginView):
    """The sign-in page. In a demonstration it also shows who can sign in."""

    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(demo_people=demo_people(), **kwargs)
