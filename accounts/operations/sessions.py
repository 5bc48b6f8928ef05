"""Ending a person's sessions, and the access of their client systems."""

from oauth2_provider.models import AccessToken

from accounts.models import User


def end_all_sessions(person: User) -> None:
    """Every session of the person ends with this transaction, and so does every token of a client that acts as them."""
    person.sessions_ended += 1
    person.save(update_fields=["sessions_ended"])
    AccessToken.objects.filter(application__user=person).delete()
