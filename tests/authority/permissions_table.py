"""Every address, what it is about, and which permission it asks for. An address that is not here fails the tests.

What is expected of each role follows from this and from `trials.permissions.TABLE`, at the own and at another site.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trials.permissions import Permission

P = Permission


class Scope(Enum):
    """What an address is about: whose roles are asked."""

    EVERYBODY = "needs nobody to be signed in"
    SIGNED_IN = "of the person who is signed in"
    STUDY = "of a study as a whole"
    ANY_SITE = "of a study, for whoever has the permission at some site"
    PATIENT = "of one patient"
    DRAFT = "of a study that is being set up"
    FEED = "opened by the address itself"
    ADMINISTRATOR = "of the installation: for its administrators, whatever roles they have"


@dataclass(frozen=True)
class Rule:
    """Which permission a GET and a POST need; None where the address does not take it.

    later: a faulty POST of somebody without the permission is told its faults first. Nothing may be written even so.
    """

    scope: Scope
    get: P | None = None
    post: P | None = None
    later: bool = False


def _page(scope: Scope, get: P, post: P | None = None, *, later: bool = False) -> Rule:
    return Rule(scope, get, post, later)


def _form(scope: Scope, permission: P) -> Rule:
    return Rule(scope, permission, permission)


def _post(scope: Scope, permission: P, *, later: bool = False) -> Rule:
    return Rule(scope, None, permission, later)


_SEE, _ENTER, _SCREEN, _SAMPLES = P.VIEW_PATIENTS, P.RECORD_CLINICAL, P.SCREEN_PATIENTS, P.RECORD_SAMPLES
_OPEN = Rule(Scope.EVERYBODY, P.VIEW_STUDY, P.VIEW_STUDY)
_ADMINISTER = Rule(Scope.ADMINISTRATOR, P.VIEW_STUDY, P.VIEW_STUDY)
_OWN = Rule(Scope.SIGNED_IN, P.VIEW_STUDY, P.VIEW_STUDY)

PAGES: dict[str, Rule] = {
    # --- nobody signed in ---
    "healthz": _OPEN,
    "api-token": _OPEN,
    "api-schema": _OPEN,
    "api-docs": _OPEN,
    "accounts:sign-in": _OPEN,
    "account_login": _OPEN,
    "mfa_authenticate": _OPEN,
    "accounts:still-here": _OPEN,  # says whether somebody is signed in
    "reminders:feed": Rule(Scope.FEED, P.VIEW_STUDY),
    "accounts:invitation": Rule(Scope.FEED, P.VIEW_STUDY, P.VIEW_STUDY),
    # --- of the administrators ---
    **dict.fromkeys(
        [f"accounts:{n}" for n in ("people", "invite", "person", "new-link", "change-person", "lockouts", "sign-ins")],
        _ADMINISTER,
    ),
    "trials:who-has-access": _ADMINISTER,
    "trials:access-review": _ADMINISTER,
    # --- of whoever is signed in ---
    "accounts:sign-out": _OWN,
    "account_logout": _OWN,
    "account_reauthenticate": _OWN,
    "mfa_index": _OWN,
    "mfa_activate_totp": _OWN,
    "mfa_deactivate_totp": _OWN,
    "mfa_view_recovery_codes": _OWN,
    "mfa_generate_recovery_codes": _OWN,
    "mfa_add_webauthn": _OWN,
    "mfa_remove_webauthn": _OWN,
    "mfa_list_webauthn": _OWN,
    "accounts:password": _OWN,
    "reminders:home": _OWN,
    "reminders:studies": _OWN,
    "dosing:start-study": _OWN,
    "dosing:start-study-by": _OWN,
    # --- the design workbench belongs to no study; what is saved does ---
    **dict.fromkeys(
        [f"dosing:{n}" for n in ("designs", "compare", "compare-results", "design-table", "design-paths")], _OWN
    ),
    **dict.fromkeys([f"dosing:simulation{n}" for n in ("-start", "", "-progress", "-cancel")], _OWN),
    "dosing:comparison-save": _OWN,
    "dosing:comparison": _page(Scope.STUDY, P.VIEW_STUDY),
    "dosing:comparison-put-away": _post(Scope.STUDY, P.VIEW_STUDY),
    "dosing:appendix-pdf": _page(Scope.STUDY, P.VIEW_STUDY),
    "dosing:appendix-csv": _page(Scope.STUDY, P.VIEW_STUDY),
    "dosing:use-design": _form(Scope.STUDY, P.VIEW_STUDY),
    # --- a study ---
    "reminders:today": _page(Scope.STUDY, P.VIEW_STUDY),
    "reminders:this-week": _page(Scope.STUDY, P.VIEW_STUDY),
    "reminders:messages": _page(Scope.STUDY, P.VIEW_STUDY),
    "reminders:settle": _post(Scope.STUDY, P.VIEW_STUDY),  # one's own messages; with more rights others' too, else 404
    "reminders:calendar-address": _post(Scope.STUDY, P.VIEW_STUDY),
    "reminders:rehearsal": _page(Scope.STUDY, P.VIEW_STUDY),
    "reminders:try": _form(Scope.STUDY, P.VIEW_STUDY),
    "reminders:rehearsal-play": _post(Scope.STUDY, P.MOVE_REHEARSAL_DAY, later=True),
    "reminders:rehearsal-stop": _post(Scope.STUDY, P.MOVE_REHEARSAL_DAY, later=True),
    "reminders:rehearsal-progress": _page(Scope.STUDY, P.VIEW_STUDY),
    "reminders:amendment": _page(Scope.STUDY, P.VIEW_STUDY, P.MANAGE_STUDY),
    "reminders:amendment-approve": _form(Scope.STUDY, P.MANAGE_STUDY),
    "reminders:amendment-withdraw": _form(Scope.STUDY, P.MANAGE_STUDY),
    "reminders:versions": _page(Scope.STUDY, P.VIEW_STUDY),
    "reminders:version": _page(Scope.STUDY, P.VIEW_STUDY),
    "reminders:version-site": _form(Scope.STUDY, P.MANAGE_STUDY),
    "reminders:history": _page(Scope.ANY_SITE, P.VIEW_HISTORY),
    "reminders:history-export": _page(Scope.ANY_SITE, P.VIEW_HISTORY),
    "reminders:history-record": _page(Scope.ANY_SITE, P.VIEW_HISTORY),
    "reminders:history-review": _form(Scope.STUDY, P.VIEW_HISTORY),
    "reminders:access-log": _page(Scope.STUDY, P.VIEW_HISTORY),
    "reminders:decision-as-it-was": _page(Scope.ANY_SITE, P.VIEW_HISTORY),
    "reminders:to-sign": _OWN,
    "dosing:study": _page(Scope.STUDY, P.VIEW_STUDY),
    "dosing:decision": _page(Scope.STUDY, P.VIEW_STUDY),
    "dosing:decisions": _page(Scope.STUDY, P.VIEW_STUDY),
    "dosing:decision-detail": _page(Scope.STUDY, P.VIEW_STUDY),
    "dosing:recommend": _post(Scope.STUDY, P.ISSUE_RECOMMENDATION),
    "dosing:propose": _post(Scope.STUDY, P.PROPOSE_DECISION, later=True),
    "dosing:sign": _post(Scope.STUDY, P.SIGN_DECISION),
    "dosing:withdraw": _post(Scope.STUDY, P.PROPOSE_DECISION),
    "dosing:decline": _form(Scope.STUDY, P.SIGN_DECISION),
    "dosing:delegation": _page(Scope.STUDY, P.VIEW_STUDY, P.MANAGE_STUDY),
    "dosing:delegation-pdf": _page(Scope.STUDY, P.VIEW_STUDY),
    "dosing:who-may": _page(Scope.STUDY, P.VIEW_STUDY),
    "dosing:dossier": _page(Scope.STUDY, P.VIEW_PATIENTS),
    "dosing:dossier-zip": _page(Scope.STUDY, P.VIEW_PATIENTS),
    "trials:protocol": _page(Scope.STUDY, P.VIEW_STUDY),
    "trials:move-day": _post(Scope.STUDY, P.MOVE_REHEARSAL_DAY, later=True),
    "trials:accrual": _form(Scope.STUDY, P.SUSPEND_ACCRUAL),
    "labs:samples": _page(Scope.ANY_SITE, _SEE),
    "labs:label-sheet": _page(Scope.ANY_SITE, _SEE),
    "patients:list": _page(Scope.ANY_SITE, _SEE),
    "patients:screen": _form(Scope.ANY_SITE, _SCREEN),
    "patients:terms": _page(Scope.STUDY, P.VIEW_STUDY),
    # --- its set-up ---
    "dosing:setup": _page(Scope.DRAFT, P.VIEW_STUDY),
    "dosing:setup-file": _page(Scope.DRAFT, P.VIEW_STUDY),
    "dosing:setup-people": _form(Scope.DRAFT, P.MANAGE_STUDY),
    "dosing:setup-end-role": _form(Scope.DRAFT, P.MANAGE_STUDY),
    "dosing:setup-preview": _page(Scope.DRAFT, P.VIEW_STUDY),
    "dosing:setup-sign": _form(Scope.DRAFT, P.VIEW_STUDY),
    "dosing:setup-decline": _form(Scope.DRAFT, P.VIEW_STUDY),
    "dosing:setup-live": _form(Scope.DRAFT, P.MANAGE_STUDY),
    "dosing:setup-section": _form(Scope.DRAFT, P.MANAGE_STUDY),
    # --- a patient ---
    "labs:patient": _page(Scope.PATIENT, _SEE),
    "reminders:casebook": _form(Scope.PATIENT, _SEE),
    "reminders:casebook-pdf": _page(Scope.PATIENT, _SEE),
    "reminders:patient-as-it-was": _page(Scope.PATIENT, _SEE),
    "patients:regimen": _page(Scope.PATIENT, _SEE),
    "patients:event-detail": _page(Scope.PATIENT, _SEE),
    **dict.fromkeys([f"labs:{n}" for n in ("collect", "miss", "correct")], _form(Scope.PATIENT, _SAMPLES)),
    "labs:label": _page(Scope.PATIENT, _SEE),
    **dict.fromkeys(
        [
            f"patients:{n}"
            for n in ("consent", "eligibility", "reserve", "screen-failure", "register", "replace")
        ],
        _form(Scope.PATIENT, _SCREEN),
    ),
    **dict.fromkeys(
        [
            f"patients:{n}"
            for n in (
                "start-cycle", "correct-cycle", "doses", "interruption", "resume", "reduce", "retreat", "discontinue",
                "correct-discontinuation", "continuation", "follow-up", "correct-follow-up", "outcome",
                "correct-outcome", "measure", "correct-measurement", "infusion", "correct-infusion", "activity",
                "miss-activity", "correct-activity", "event", "event-correct", "window",
            )
        ],
        _form(Scope.PATIENT, _ENTER),
    ),
    "patients:event-resolve": _form(Scope.PATIENT, _ENTER),
    "patients:event-judge": _page(Scope.PATIENT, _SEE, P.ASSESS_DLT, later=True),
}  # fmt: skip

API: dict[str, Rule] = {
    "study-list": _OWN,
    "study-detail": _page(Scope.STUDY, P.VIEW_STUDY),
    **dict.fromkeys(["level-list", "level-detail", "cohort-list", "cohort-detail"], _page(Scope.STUDY, P.VIEW_STUDY)),
    **dict.fromkeys(
        ["recommendation-list", "recommendation-detail", "decision-list", "decision-detail"],
        _page(Scope.STUDY, P.VIEW_STUDY),
    ),
    "patient-list": _page(Scope.ANY_SITE, _SEE, _SCREEN, later=True),
    "patient-detail": _page(Scope.PATIENT, _SEE),
    **dict.fromkeys(
        ["patient-consent", "patient-eligibility", "patient-register"], _post(Scope.PATIENT, _SCREEN, later=True)
    ),
    "patient-cycle-list": _page(Scope.PATIENT, _SEE, _ENTER, later=True),
    "patient-cycle-detail": _page(Scope.PATIENT, _SEE),
    "patient-cycle-doses": _post(Scope.PATIENT, _ENTER, later=True),
    "activity-list": _page(Scope.ANY_SITE, _SEE),
    "activity-record-list": _page(Scope.ANY_SITE, _SEE, _ENTER, later=True),
    "activity-record-detail": _page(Scope.ANY_SITE, _SEE),
    "event-list": _page(Scope.ANY_SITE, _SEE),
    "event-detail": _page(Scope.PATIENT, _SEE),
    "event-correct": _post(Scope.PATIENT, _ENTER, later=True),
    "event-judge": _post(Scope.PATIENT, P.ASSESS_DLT, later=True),
    "event-resolve": _post(Scope.PATIENT, _ENTER, later=True),
    "dlt-assessment-list": _page(Scope.ANY_SITE, _SEE),
    "dlt-assessment-detail": _page(Scope.PATIENT, _SEE),
    "patient-event-list": _page(Scope.PATIENT, _SEE, _ENTER, later=True),
    "patient-dlt-window-list": _page(Scope.PATIENT, _SEE, _ENTER, later=True),
    "patient-measurement-list": _page(Scope.PATIENT, _SEE, _ENTER, later=True),
    "patient-measurement-detail": _page(Scope.PATIENT, _SEE),
    "patient-measurement-correct": _post(Scope.PATIENT, _ENTER, later=True),
    "patient-administration-list": _page(Scope.PATIENT, _SEE, _ENTER, later=True),
    "patient-administration-planned": _page(Scope.PATIENT, _SEE),
    "patient-administration-detail": _page(Scope.PATIENT, _SEE),
    "patient-administration-correct": _post(Scope.PATIENT, _ENTER, later=True),
    "sample-list": _page(Scope.ANY_SITE, _SEE),
    "collection-list": _page(Scope.ANY_SITE, _SEE, _SAMPLES, later=True),
    "collection-detail": _page(Scope.PATIENT, _SEE),
}
