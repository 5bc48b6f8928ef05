"""Who may do what, and how somebody signs: tried on an invented study."""

import datetime as dt
import secrets

from django.conf import settings

from accounts.errors import CannotSign
from accounts.manifestation import State, verify
from accounts.models import Signature, User
from accounts.operations import sign_record
from audit.context import acting
from config.oq.invented import Invented, invented_person, invented_study
from config.oq.step import Chapter, Deviation, Installation, Step
from config.oq.trail import refused
from trials import clock
from trials.errors import Forbidden, Refused
from trials.models import Role
from trials.operations import add_site, sign_set_up
from trials.permissions import TABLE, Permission, allowed

OF_A_SITE = (
    Permission.VIEW_PATIENTS,
    Permission.SCREEN_PATIENTS,
    Permission.RECORD_CLINICAL,
    Permission.RECORD_SAMPLES,
)
SIGNING = "P11-200, EMA-4.8"


def chapters() -> list[Chapter]:
    return [Chapter("Permissions", [
        Step("The table of permissions holds", "P11-10g, EMA-A3.4",
             "Each role may do in its study what the table says, at its own site, and nothing else.", table_holds),
        Step("Another site", "P11-10d, EMA-4.9", "A coordinator of site A may do nothing at site B.", other_site),
        Step("Somebody without a role", "P11-10d", "May do nothing.", outsider),
        Step("An operation that the role does not allow", "P11-10g", "Refused, and nothing is written.", operation),
    ]), Chapter("Signatures", [
        Step("A wrong password", SIGNING, "Nothing is signed.", wrong_password),
        Step("A role that the person does not hold", "P11-10g", "Nothing is signed.", wrong_role),
        Step("Signing", "P11-50, P11-70, P11-200",
             "Name, role, meaning, and the time of the database's clock, bound to the record by SHA-256.", signing),
        Step("Another record", "P11-70", "The signature does not cover it.", other_record),
        Step("A signature that was given", "P11-70, P11-10c", "Is not changed and not removed.", stays),
        Step("Rung itself", "P11-100", "Cannot sign.", rung_itself),
        Step("The second factor", "P11-200, EMA-A4.12",
             "Nobody signs on a password alone, but the invented people of rehearsals.", second_factor),
    ])]  # fmt: skip


# --- Permissions ---


def table_holds(_: Installation) -> str:
    found, looked_at = invented_study(), 0
    for role, person in found.people.items():
        for permission in Permission:
            looked_at += 1
            may = allowed(person, permission, found.study, found.site_a)
            if may != (permission in TABLE[role]):
                raise Deviation(f"{role.label}: may{'' if may else ' not'} {permission}.")
    return f"{looked_at} pairs of role and permission."


def other_site(_: Installation) -> str:
    found = invented_study()
    coordinator = found.people[Role.COORDINATOR]
    may = [p for p in OF_A_SITE if allowed(coordinator, p, found.study, found.site_b)]
    if may:
        raise Deviation(f"The coordinator of site A may {', '.join(may)} at site B.")
    if not all(allowed(coordinator, p, found.study, found.site_a) for p in OF_A_SITE):
        raise Deviation("The coordinator of site A may not work at site A.")
    return f"All of {', '.join(OF_A_SITE)} is allowed at site A, and none of it at site B."


def outsider(_: Installation) -> str:
    found = invented_study()
    somebody = invented_person(f"outsider-{secrets.token_hex(4)}")
    may = [p for p in Permission if allowed(somebody, p, found.study, found.site_a)]
    if may:
        raise Deviation(f"Somebody without a role may {', '.join(may)}.")
    return "Nothing is allowed."


def operation(_: Installation) -> str:
    found = invented_study()
    try:
        add_site(
            study=found.study, code="C", name="Third", time_zone="UTC", by=found.people[Role.MONITOR], at=clock.now()
        )
    except (Forbidden, Refused) as refusal:
        if found.study.sites.count() != 2:
            raise Deviation("Refused, and written nevertheless.") from refusal
        return refusal.sentence
    raise Deviation("A monitor added a site.")


# --- Signatures ---


def _sign(found: Invented, role: Role, by: User, password: str) -> Signature:
    version = found.study.versions.get()
    return sign_set_up(
        study=found.study, role=role.value, seen_sha256=version.sha256, password=password, by=by, at=clock.now()
    )


def _must_not_sign(found: Invented, role: Role, by: User, password: str) -> str:
    try:
        _sign(found, role, by, password)
    except (Refused, Forbidden) as refusal:
        if Signature.objects.filter(study_id=found.study.pk).exists():
            raise Deviation("Refused, and signed nevertheless.") from refusal
        return refusal.sentence
    raise Deviation("It was signed.")


def wrong_password(_: Installation) -> str:
    found, role = invented_study(), Role.PRINCIPAL_INVESTIGATOR
    return _must_not_sign(found, role, found.people[role], found.password[::-1])


def wrong_role(_: Installation) -> str:
    found = invented_study()
    return _must_not_sign(found, Role.PRINCIPAL_INVESTIGATOR, found.people[Role.DATA_MANAGER], found.password)


def signing(_: Installation) -> str:
    found, role = invented_study(), Role.PRINCIPAL_INVESTIGATOR
    given = _sign(found, role, found.people[role], found.password)
    given.refresh_from_db()
    verdict = verify([given], {given.pk: found.study.versions.get().definition})[given.pk]
    if verdict.state != State.VALID:
        raise Deviation(f"It does not verify: {verdict.sentence}")
    if abs(given.signed_at - dt.datetime.now(dt.UTC)) > dt.timedelta(seconds=5):
        raise Deviation(f"Its time is {given.signed_at:%H:%M:%S} UTC.")
    return f"{given.printed_name}, {given.role}, {given.signed_at:%H:%M:%S} UTC: {given.statement}"


def other_record(_: Installation) -> str:
    found, role = invented_study(), Role.PRINCIPAL_INVESTIGATOR
    given = _sign(found, role, found.people[role], found.password)
    given.refresh_from_db()
    changed = {**found.study.versions.get().definition, "changed": True}
    verdict = verify([given], {given.pk: changed})[given.pk]
    if verdict.valid:
        raise Deviation("It verifies on another record than was signed.")
    return verdict.sentence


def stays(_: Installation) -> str:
    found, role = invented_study(), Role.PRINCIPAL_INVESTIGATOR
    given = int(_sign(found, role, found.people[role], found.password).pk)
    with acting(User.objects.system(), "qualification"):
        changing = refused(f"UPDATE accounts_signature SET printed_name = 'somebody else' WHERE id = {given}")  # noqa: S608
        removing = refused(f"DELETE FROM accounts_signature WHERE id = {given}")  # noqa: S608
    return f"{changing}; {removing}"


def rung_itself(_: Installation) -> str:
    return _refused_to_sign(User.objects.system(), "not-a-person")


def second_factor(_: Installation) -> str:
    if settings.SECOND_FACTOR != "required":
        if settings.PRODUCTION:
            raise Deviation(f"SECOND_FACTOR is {settings.SECOND_FACTOR}.")
        return "Not asked for: this is no production installation."
    somebody = invented_person(f"oq-{secrets.token_hex(4)}", "a long enough phrase", prefix="")
    return _refused_to_sign(somebody, "second-factor-needed")


def _refused_to_sign(by: User, code: str) -> str:
    try:
        sign_record(
            study_id=0, record_kind="qualification", record_key="1", record={}, role="", by=by, at=clock.now(),
            password="a long enough phrase", meaning=Signature.Meaning.REVIEW,  # noqa: S106
        )  # fmt: skip
    except CannotSign as refusal:
        if refusal.code != code:
            raise Deviation(refusal.sentence) from refusal
        return refusal.sentence
    raise Deviation("It was signed.")
