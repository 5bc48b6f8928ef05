"""What was worked out from a study's data, kept in this process for as long as the data are the same.

The data are the same while the newest hash of the study's audit chain is: every change of a regulated row, by whatever
way, makes another one. So nobody has to remember to forget, and no two processes can disagree.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from audit.models import Entry

T = TypeVar("T")

KEPT = 64
# People (names, open accounts) belong to no study; their changes stand in chain 0.
NO_STUDY = 0

_values: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


def remembered(study_id: int, about: Hashable, make: Callable[[], T]) -> T:
    """The value of `make` on the study's present data, made at most once per process; two queries to find out.

    about: what it is, with everything but the data that it depends on (the day, the reader). The value is shared by
    requests: it must not be changed.
    """
    key = (about, _newest(study_id), _newest(NO_STUDY))
    with _lock:
        if key in _values:
            _values.move_to_end(key)
            found: T = _values[key]
            return found
    value = make()
    with _lock:
        _values[key] = value
        while len(_values) > KEPT:
            _values.popitem(last=False)
    return value


def _newest(study_id: int) -> tuple[int, str | None]:
    return study_id, Entry.objects.newest_hash(study_id)
