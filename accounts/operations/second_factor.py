"""One-time codes: of the authenticator app, or a recovery code. Each is taken once, whatever it is given for.

The time of a code is the clock's, also in a rehearsal: the telephone that shows it knows no other.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.db import IntegrityError, transaction

from accounts.errors import CannotSignIn, NotAllowed
from accounts.keys import KeyIsGone, renewed
from accounts.models import FailedAttempt, UsedCode, User
from accounts.operations.attempts import note_failure, refuse_if_locked_out, require_administrator
from accounts.operations.sessions import end_all_sessions
from audit.context import operation

Use = UsedCode.Use
APP, RECOVERY_CODE = "totp", "recovery code"
_WRONG = "The code is not right, or it was used already. Wait until the app shows the next one."


@operation
def take_code(*, person: User, code: str, use: UsedCode.Use, by: User, at: dt.datetime) -> str | None:
    """Use a code up. Answers which kind it was ("totp" or "recovery code"); None where it is wrong or was used.

    Raises KeyIsGone.
    """
    typed = "".join(character for character in code if character.isalnum())
    kinds = {a.type: a for a in Authenticator.objects.filter(user=person).exclude(type=Authenticator.Type.WEBAUTHN)}
    app = kinds.get(Authenticator.Type.TOTP)
    if app is not None:
        step = step_of(decrypt(app.data["secret"]), typed)
        if step is not None:
            return APP if use_step(person, step, use) else None
    codes = kinds.get(Authenticator.Type.RECOVERY_CODES)
    return RECOVERY_CODE if codes is not None and codes.wrap().validate_code(typed) else None


def step_of(secret: str, code: str) -> int | None:
    """Which half minute the code is of, among those that are accepted now (the present one and its neighbours)."""
    for step in yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return int(step)
    return None


def use_step(person: User, step: int, use: UsedCode.Use) -> bool:
    """False where the code of that half minute was used before; of two at the same time one is refused."""
    try:
        with transaction.atomic():
            UsedCode.objects.create(user=person, step=step, use=use)
    except IntegrityError:
        return False
    return True


def check_code_at_sign_in(*, person: User, code: str, at: dt.datetime) -> None:
    """The second step of signing in. Raises CannotSignIn; failures count towards the lock-out."""
    refuse_if_locked_out(person.username)
    try:
        kind = take_code(person=person, code=code, use=Use.SIGN_IN, by=person, at=at)
    except KeyIsGone as gone:
        raise CannotSignIn(gone.code, gone.sentence, field="code") from gone
    if kind is None:
        note_failure(person.username, FailedAttempt.What.CODE, at)
        raise CannotSignIn("wrong-code", _WRONG, field="code")


@operation
def reset_second_factor(*, person: User, reason: str, by: User, at: dt.datetime) -> None:
    """Take away the app, the passkeys and the recovery codes of somebody who has lost them; all their sessions end."""
    require_administrator(by)
    if person.pk == by.pk:
        raise NotAllowed("own-second-factor", "Another administrator has to reset yours.")
    if not reason.strip():
        raise NotAllowed("reason-needed", "Say how you know that it is this person who asks.", field="reason")
    Authenticator.objects.filter(user=person).delete()
    end_all_sessions(person)


@dataclass
class Renewal:
    """How many secrets were encrypted anew, how many need not be, and whose none of the keys can read."""

    renewed: int = 0
    present: int = 0
    unreadable: list[User] = field(default_factory=list)


@operation
def encrypt_anew(*, by: User, at: dt.datetime) -> Renewal:
    """Put the secrets of all second factors under the present key, so that earlier keys can be given up."""
    outcome = Renewal()
    kept = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).select_related("user")
    for each in kept.select_for_update(of=("self",)).order_by("pk"):
        try:
            data = _under_the_present_key(each.data)
        except KeyIsGone:
            outcome.unreadable.append(each.user)
            continue
        if data == each.data:
            outcome.present += 1
            continue
        each.data = data
        each.save(update_fields=["data"])
        outcome.renewed += 1
    return outcome


def _under_the_present_key(data: dict[str, Any]) -> dict[str, Any]:
    """An app's secret, or the seed that recovery codes are made from; what stands beside it stays."""
    return {name: renewed(kept) if name in ("secret", "seed") else kept for name, kept in data.items()}
