"""What can be done to people, and how somebody signs in and signs."""

from accounts.operations.attempts import (
    check_password_again,
    check_password_at_sign_in,
    note_sign_in,
    release_lockout,
    tell_of_lockout,
)
from accounts.operations.people import change_password, create_person, deactivate_person
from accounts.operations.second_factor import check_code_at_sign_in, reset_second_factor, take_code
from accounts.operations.signing import sign_record

__all__ = [
    "change_password",
    "check_code_at_sign_in",
    "check_password_again",
    "check_password_at_sign_in",
    "create_person",
    "deactivate_person",
    "note_sign_in",
    "release_lockout",
    "reset_second_factor",
    "sign_record",
    "take_code",
    "tell_of_lockout",
]
