"""Reads over several models of a study."""

from django.http import Http404

from accounts.models import User
from trials.models import Boundary, Cohort, ProtocolVersion, Study


def lock_study(study: Study) -> Study:
    """The study's row, locked until the transaction ends, read afresh.

    Registration, DLT judgements and signatures of one study all take this lock first: they happen one after another.
    """
    [locked] = Study.objects.select_for_update(of=("self",)).filter(pk=study.pk)
    return locked


def study_for(user: User, key: str) -> Study:
    """The study by its key, for somebody who has a role in it. Http404 otherwise, so that keys cannot be probed."""
    study = Study.objects.visible_to(user).filter(key=key).first()
    if study is None:
        raise Http404("There is no such study, or you have no role in it.")
    return study


def current_cohort(study: Study) -> Cohort | None:
    """The open cohort, with its part and level."""
    return study.cohorts.open().select_related("part", "level").first()


def version_to_read(study: Study) -> ProtocolVersion:
    """The live protocol version, with who loaded it and its boundaries; before the study is live, the newest one."""
    versions = study.versions.select_related("loaded_by").prefetch_related("boundaries")
    return versions.filter(status=ProtocolVersion.Status.LIVE).first() or versions.latest("number")


def draft_of(study: Study) -> ProtocolVersion | None:
    """The version that can be edited: the one that is being set up, or an amendment that is being written."""
    return study.versions.filter(status=ProtocolVersion.Status.DRAFT).order_by("number").last()


def is_being_set_up(study: Study) -> bool:
    """Whether the study has never been live."""
    return not study.versions.exclude(status=ProtocolVersion.Status.DRAFT).exists()


def amendment_of(study: Study) -> ProtocolVersion | None:
    """The draft of an amendment, while one is being written; the draft of a study that is being set up is none."""
    return None if is_being_set_up(study) else draft_of(study)


def elimination_boundary(study: Study, n: int) -> int | None:
    """The number of DLTs among n evaluable patients that eliminates a level, by the live version's table, if any."""
    row = Boundary.objects.filter(version__study=study, version__status="live", n=n).first()
    return row.eliminate_if_at_least if row else None
