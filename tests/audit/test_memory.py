"""What is kept in memory is kept for the same data only."""

from collections.abc import Callable

import pytest

from accounts.models import User
from audit import memory
from audit.context import acting
from audit.memory import remembered
from trials.models import Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def counted() -> Callable[[], int]:
    """Answers 1, 2, 3 … each time it is really asked."""
    calls: list[int] = []

    def make() -> int:
        calls.append(1)
        return len(calls)

    return make


def test_the_same_data_are_worked_out_once(study: Study, counted: Callable[[], int]) -> None:
    assert [remembered(study.pk, "n", counted) for _ in range(3)] == [1, 1, 1]


def test_any_change_by_whatever_way_makes_it_new(study: Study, pi: User, counted: Callable[[], int]) -> None:
    assert remembered(study.pk, "n", counted) == 1
    with acting(pi, "renamed past every model"):
        Study.objects.filter(pk=study.pk).update(title="Renamed")
    assert remembered(study.pk, "n", counted) == 2


def test_a_change_of_a_person_makes_it_new(study: Study, pi: User, counted: Callable[[], int]) -> None:
    assert remembered(study.pk, "n", counted) == 1
    with acting(pi, "married"):
        User.objects.filter(pk=pi.pk).update(full_name="Dr Ana Rivera-Holm")
    assert remembered(study.pk, "n", counted) == 2


def test_what_it_is_about_tells_values_apart(study: Study, counted: Callable[[], int]) -> None:
    assert (remembered(study.pk, "n", counted), remembered(study.pk, "m", counted)) == (1, 2)


def test_the_oldest_is_forgotten_first(study: Study, counted: Callable[[], int]) -> None:
    for about in range(memory.KEPT + 1):
        remembered(study.pk, ("filling", about), counted)
    last = remembered(study.pk, ("filling", memory.KEPT), counted)
    assert last == memory.KEPT + 1
    assert remembered(study.pk, ("filling", 0), counted) == memory.KEPT + 2
