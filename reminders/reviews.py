"""Reviews of the trail: what is signed, and up to where it was read. The signature is all that is stored."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import Signature
from audit.models import Entry
from trials.models import Study

KIND = "audit.review"
STATEMENT_VERSION = "1"


@dataclass(frozen=True)
class Review:
    """A signed review: of the entries from `first` to `position`."""

    signature: Signature
    first: int
    position: int


def statement_on(first: int, position: int) -> str:
    return f"I have read the entries {first} to {position} of this study's audit trail"


def key_of(study: Study, position: int) -> str:
    return f"{study.pk}:{position}"


def record_of(study: Study, first: int, position: int, hash_: str) -> dict[str, Any]:
    """What is signed: which entries, and the hash of the last one, which stands on all before it."""
    return {"study": study.key, "first": first, "position": position, "hash": hash_}


def reviews_of(study: Study) -> list[Review]:
    """Newest first."""
    given = Signature.objects.filter(study_id=study.pk, record_kind=KIND).select_related("signer")
    found = []
    for signature in given:
        record = json.loads(signature.record_json)
        found.append(Review(signature, record["first"], record["position"]))
    return sorted(found, key=lambda review: review.position, reverse=True)


def last_review(study: Study) -> Review | None:
    return next(iter(reviews_of(study)), None)


def review_records(keys: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
    """What the reviews with these keys are on, as the trail is now: for verifying their signatures."""
    given = Signature.objects.filter(record_kind=KIND, record_key__in=keys)
    firsts = {s.record_key: json.loads(s.record_json)["first"] for s in given}
    places = {key: tuple(map(int, key.split(":"))) for key in firsts}
    studies = Study.objects.in_bulk({study_id for study_id, _ in places.values()})
    positions = {position for _, position in places.values()}
    entries = Entry.objects.filter(study_id__in=studies, position__in=positions).only("study_id", "position", "hash")
    hashes = {(entry.study_id, entry.position): entry.hash for entry in entries}
    return {
        key: record_of(studies[place[0]], firsts[key], place[1], hashes[place])
        for key, place in places.items()
        if place in hashes and place[0] in studies
    }
