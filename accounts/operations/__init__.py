"""What can be done to people, and how somebody signs."""

from accounts.operations.people import change_password, create_person, deactivate_person
from accounts.operations.signing import sign_record

__all__ = ["change_password", "create_person", "deactivate_person", "sign_record"]
