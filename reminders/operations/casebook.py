"""The principal investigator signs for a patient's casebook."""

import datetime as dt

from accounts.errors import CannotSign
from accounts.models import Signature, User
from accounts.operations import sign_record
from audit.context import operation
from patients.models import Patient
from reminders.casebook import KIND, ROLE, STATEMENT_VERSION, casebook_of, statement
from trials.errors import Forbidden, Refused
from trials.permissions import Permission, require, role_in_force
from trials.queries import lock_study


@operation
def sign_casebook(
    *, patient: Patient, seen_sha256: str, password: str, by: User, at: dt.datetime, code: str = ""
) -> Signature:
    """Take responsibility for all that is recorded about a patient, as the principal investigator.

    seen_sha256: of the casebook as it was shown. Changed data afterwards leave the signature as it is, on what it was
    given for; it says so, and the casebook is signed again.
    """
    require(by, Permission.VIEW_PATIENTS, patient.study, patient.site)
    study = lock_study(patient.study)
    if not role_in_force(by, study, ROLE):
        raise Forbidden(f"You are not the principal investigator of {study.key}.")
    casebook = casebook_of(patient)
    if casebook.sha256 != seen_sha256:
        sentence = "Something was recorded since this page was opened. Nothing has been signed: read what it says now."
        raise Refused("casebook-changed", sentence)
    try:
        return sign_record(
            study_id=study.pk,
            record_kind=KIND,
            record_key=casebook.key,
            record=casebook.record,
            record_version=f"data {casebook.sha256[:12]}",
            password=password,
            code=code,
            role=ROLE,
            meaning=Signature.Meaning.RESPONSIBILITY,
            statement=statement(patient),
            statement_version=STATEMENT_VERSION,
            by=by,
            at=at,
        )
    except CannotSign as refused:
        raise Refused(refused.code, refused.sentence, field=refused.field) from refused
