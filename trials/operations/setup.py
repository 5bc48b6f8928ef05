"""A study is set up: started as a draft that may be incomplete, and edited part by part until it goes live."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from accounts.canonical import sha256_of
from accounts.models import User
from audit.context import operation
from trials.definition import PARTS, NotPlain, plain
from trials.errors import Forbidden, Refused
from trials.models import Membership, ProtocolVersion, Role, Study
from trials.operations.people import require_set_up
from trials.permissions import Permission, require
from trials.protocol import Heading
from trials.protocol_checks import heading_fault
from trials.queries import draft_of, is_being_set_up, lock_study, version_to_read


@operation
def start_study(
    *, definition: Mapping[str, Any], by: User, at: dt.datetime, rehearsal_day: dt.date | None = None
) -> Study:
    """Start a study with a draft of its protocol; whoever starts it becomes its data manager.

    definition: a study file's content, which may lack every part but `study` (key, title, time_zone) and may hold
    faults. rehearsal_day: makes it a rehearsal. Refused with the field ("study.key", "study.title", …) that is wrong.
    """
    if not by.is_active or not (by.is_person or by.username == User.SYSTEM):
        raise Forbidden("A client system cannot start a study; a person does, on the page of their studies.")
    content = _plain({"schema": 1, **definition})
    heading = _heading(content.get("study"))
    if Study.objects.filter(key=heading.key).exists():
        sentence = f"There is a study {heading.key!r} already. Choose another key."
        raise Refused("study-key-taken", sentence, field="study.key")
    study = Study.objects.create(
        key=heading.key,
        title=heading.title,
        time_zone=heading.time_zone,
        is_rehearsal=rehearsal_day is not None,
        rehearsal_day=rehearsal_day,
        created_by=by,
    )
    ProtocolVersion.objects.create(
        study=study, number=1, definition=content, sha256=sha256_of(content), loaded_at=at, loaded_by=by
    )
    if by.is_person:
        Membership.objects.create(study=study, user=by, role=Role.DATA_MANAGER, granted_at=at, granted_by=by)
    return study


@operation
def copy_study(
    *, source: Study, key: str, title: str, by: User, at: dt.datetime, rehearsal_day: dt.date | None = None
) -> Study:
    """Start a study from another one's protocol, with a key and title of its own. Nothing else is copied.

    Taken is the live version; before the study is live, its draft as it stands.
    """
    require(by, Permission.VIEW_STUDY, source)
    definition = version_to_read(source).definition
    heading = {**definition["study"], "key": key, "title": title}
    return start_study(definition={**definition, "study": heading}, by=by, at=at, rehearsal_day=rehearsal_day)


@operation
def edit_section(
    *, study: Study, section: str, content: Any, by: User, at: dt.datetime, seen_sha256: str, reason: str = ""
) -> ProtocolVersion:
    """Replace one part of the draft's definition, by its name in the study file. content: None takes the part out.

    seen_sha256: of the draft that the person saw; refused (draft-changed) where somebody changed it since. The content
    may hold faults: they are shown, and keep the study from going live.
    """
    return edit_draft(study=study, changes={section: content}, by=by, at=at, seen_sha256=seen_sha256, reason=reason)


@operation
def edit_draft(
    *, study: Study, changes: Mapping[str, Any], by: User, at: dt.datetime, seen_sha256: str, reason: str = ""
) -> ProtocolVersion:
    """Replace several parts of the draft's definition at once. As `edit_section`."""
    require_set_up(by, study)
    study = lock_study(study)
    version = draft_of(study)
    if version is None:
        sentence = f"{study.key} is live, and a live protocol is never edited. An amendment changes it."
        raise Refused("not-a-draft", sentence)
    if version.sha256 != seen_sha256:
        sentence = (
            "The draft was changed since this page was opened, by you in another window or by somebody else. "
            "Nothing has been saved: look at what stands there now, and enter your change again."
        )
        raise Refused("draft-changed", sentence)
    unknown = sorted(set(changes) - set(PARTS))
    if unknown:
        raise Refused("unknown-part", f"A study file has no part {unknown[0]!r}; it has {', '.join(PARTS)}.")
    definition = _with(version.definition, _plain(changes))
    if "study" in changes:
        _set_heading(study, definition.get("study"))
    version.definition, version.sha256 = definition, sha256_of(definition)
    version.save(update_fields=["definition", "sha256"])
    return version


def _with(definition: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in definition.items() if name not in changes}
    return kept | {name: value for name, value in changes.items() if value is not None}


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = plain(content)
    except NotPlain as error:
        raise Refused("not-plain", str(error)) from error
    return found


def _heading(content: object) -> Heading:
    """The heading, which has to be right even in a draft: the study's row is made of it."""
    try:
        heading = Heading.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(["study", *map(str, first["loc"])])
        sentence = f"{path}: {first['msg'].removeprefix('Value error, ')}."
        raise Refused("heading-faulty", sentence, field=path) from error
    fault = heading_fault(heading)
    if fault is not None:
        raise Refused("heading-faulty", f"{fault.value!r} is not possible: {fault.allowed}.", field=fault.path)
    return heading


def _set_heading(study: Study, content: object) -> None:
    heading = _heading(content)
    if heading.key != study.key:
        raise Refused(
            "study-key-stays",
            f"The study's key stays {study.key}. Copy the study to have it under another key.",
            field="study.key",
        )
    if not is_being_set_up(study):
        return  # an amendment's heading holds from when the amendment does
    study.title, study.time_zone = heading.title, heading.time_zone
    study.save(update_fields=["title", "time_zone"])
