"""What can be done to people, and how somebody signs in and signs."""

from accounts.operations.attempts import (
    check_password_again,
    check_password_at_sign_in,
    note_sign_in,
    release_lockout,
    tell_of_lockout,
)
from accounts.operations.invitations import accept_invitation, invite_person, send_new_link
from accounts.operations.people import (
    appoint_administrator,
    change_password,
    close_dormant_accounts,
    create_person,
    deactivate_person,
    reopen_person,
)
from accounts.operations.second_factor import check_code_at_sign_in, encrypt_anew, reset_second_factor, take_code
from accounts.operations.signing import sign_record

__all__ = [
    "accept_invitation",
    "appoint_administrator",
    "change_password",
    "check_code_at_sign_in",
    "check_password_again",
    "check_password_at_sign_in",
    "close_dormant_accounts",
    "create_person",
    "deactivate_person",
    "encrypt_anew",
    "invite_person",
    "note_sign_in",
    "release_lockout",
    "reopen_person",
    "reset_second_factor",
    "send_new_link",
    "sign_record",
    "take_code",
    "tell_of_lockout",
]
