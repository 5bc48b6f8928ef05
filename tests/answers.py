"""What a page answers, in words."""

from typing import Any

from django.utils.html import strip_tags


def text_of(answer: Any) -> str:
    """The words of a page, on one line."""
    return " ".join(strip_tags(answer.content.decode()).split())
