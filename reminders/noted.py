"""Adverse events as far as their DLT judgement goes, as a search over all patients notes them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from patients.dlt_rules import rule_that_fires
from patients.evaluability import Window
from trials.protocol import Protocol


@dataclass(frozen=True)
class Noted:
    """An adverse event as far as its DLT judgement goes. newest: the judgement that stands, None before the first."""

    pk: int
    term: str
    grade: int
    onset_on: dt.date
    relations: dict[str, str]
    detail: str
    newest: dict[str, Any] | None

    def is_dlt(self, window: Window | None) -> bool:
        return bool(self.newest and self.newest["is_dlt"]) and _within(window, self.onset_on)

    def is_settled(self, protocol: Protocol, window: Window | None) -> bool:
        """Whether the judgement certainly needs nothing more; when in doubt, not."""
        if self.newest and self.newest["is_dlt"]:
            return _within(window, self.onset_on)
        if not _within(window, self.onset_on):
            return True
        rule = rule_that_fires(protocol, self.term, self.grade, self.relations)
        return rule is None or self._was_judged(rule.code)

    def _was_judged(self, rule: str) -> bool:
        """Whether the judgement is confirmed and about the event as it is now, in the window (`is_about`)."""
        now = {"term": self.term, "detail": self.detail, "grade": self.grade, "relations": self.relations}
        asked = {**now, "rule": rule, "in_window": True, "confirmed": True}
        return self.newest is not None and all(self.newest[name] == value for name, value in asked.items())


def _within(window: Window | None, day: dt.date) -> bool:
    return window is not None and window[0] <= day <= window[1]
