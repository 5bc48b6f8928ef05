"""A telephone for tests: sets an authenticator app up for a person, and shows its codes."""

import time
from dataclasses import dataclass

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value

from accounts.models import User
from audit.context import acting


@dataclass(frozen=True)
class Telephone:
    secret: str
    recovery_codes: list[str]

    def code(self, *, steps_ahead: int = 0) -> str:
        """What it shows now, or shows in so many half minutes (-1, 0 and 1 are accepted).

        One of before is given early in a half minute: it is still accepted when a page has carried it to the server.
        """
        if steps_ahead < 0 and (into := time.time() % 30) > 20:
            time.sleep(30 - into)
        return format_hotp_value(hotp_value(self.secret, int(time.time()) // 30 + steps_ahead))

    def wrong_code(self) -> str:
        accepted = {self.code(steps_ahead=n) for n in range(-2, 3)}
        return next(code for code in (f"{n:06}" for n in range(6)) if code not in accepted)


def telephone_of(person: User) -> Telephone:
    """Set an app up for the person, with recovery codes."""
    secret = generate_totp_secret()
    with acting(person, "set up an authenticator app"):
        TOTP.activate(person, secret)
        codes = RecoveryCodes.activate(person).get_unused_codes()
    return Telephone(secret, codes)
