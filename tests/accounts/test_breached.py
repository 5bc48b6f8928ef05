import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.breached import breached_passwords, is_breached
from reminders.demo.people import PASSWORD as DEMO_PASSWORD
from tests.cast import PASSWORD


def test_the_list_ships_with_rung_and_is_long() -> None:
    assert len(breached_passwords()) > 60_000


@pytest.mark.req("P11-300")
@pytest.mark.parametrize("password", ["1qaz2wsx3edc", "Leavemealone", "Sunshine2026!", "...motherfucker...1"])
def test_a_leaked_password_is_refused_also_with_something_at_its_ends(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password)
    assert "password_breached" in {error.code for error in refused.value.error_list}


@pytest.mark.parametrize("password", [PASSWORD, DEMO_PASSWORD, "kettle harbour violin 7", "x1-ab-2-cd-3-ef"])
def test_others_are_not(password: str) -> None:
    assert not is_breached(password)
    validate_password(password)
