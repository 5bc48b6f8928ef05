"""What the operations on doses say when they refuse, where more than a sentence has to be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trials.errors import Refused

if TYPE_CHECKING:
    from dosing.queries import Situation


class NotDecidableYet(Refused):
    """A recommendation that cannot be issued: `situation` says who and what is missing, with the look-ahead."""

    def __init__(self, sentence: str, situation: Situation) -> None:
        super().__init__("not-decidable-yet", sentence)
        self.situation = situation


class ChangedSinceShown(Refused):
    """A signature or withdrawal on something else than the page showed: an old tab, or somebody was quicker."""

    def __init__(self, what: str = "decision") -> None:
        super().__init__(
            "changed-since-shown",
            f"The {what} is not the one that your page showed. Read what this page shows now, then go on.",
        )


class DataChanged(Refused):
    """A signature that is refused because the tally changed since the recommendation (design rule 5)."""

    def __init__(self, sentence: str) -> None:
        super().__init__("data-changed", sentence)
