"""Who a REST client is: the user that its OAuth2 application belongs to."""

from typing import Any

from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request


class ClientAuthentication(OAuth2Authentication):
    """Client credentials carry no person: requests act as the application's own user, whom the audit trail names."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        _, token = found
        client = token.application.user
        if client is None or not client.is_active:
            raise AuthenticationFailed("This client has been closed.")
        return client, token
