"""The picture of a patient's calendar: days worked out by hand from the cetuximab trial's text."""

import yaml
from django.conf import settings

from trials.calendar_picture import draw_calendar, due_later
from trials.definition import plain
from trials.protocol import Protocol

FOLDER = settings.BASE_DIR / "trials" / "protocols"


def protocol(name: str) -> Protocol:
    return Protocol.model_validate(plain(yaml.safe_load((FOLDER / f"{name}.yaml").read_text())))


def days(name: str, label: str) -> list[str]:
    picture = draw_calendar(protocol(name), "escalation", 1)
    [row] = [row for row in picture.rows if row.label == label]
    return [mark.words for mark in row.marks]


def test_the_lead_in_is_counted_down_and_is_followed_by_day_1() -> None:
    given = days("lenalidomide-cetuximab", "Lenalidomide")
    assert given[0] == "day −21"
    assert given[20:22] == ["day −1", "cycle 1 day 1"]
    assert len(given) == 21 + 28 + 28


def test_infusions_come_weekly_from_day_1() -> None:
    given = days("lenalidomide-cetuximab", "Cetuximab")
    assert given[:5] == ["cycle 1 day 1", "cycle 1 day 8", "cycle 1 day 15", "cycle 1 day 22", "cycle 2 day 1"]


def test_biopsies_lie_in_the_windows_of_the_text() -> None:
    picture = draw_calendar(protocol("lenalidomide-cetuximab"), "escalation", 1)
    [row] = [row for row in picture.rows if "biopsy" in row.label.lower()]
    day_of_cycle_1 = next(block.x for block in picture.blocks if block.label == "Cycle 1")
    windows = [
        (round((m.window_x - day_of_cycle_1) / 11), round((m.window_x + m.window_width - day_of_cycle_1) / 11) - 1)
        for m in row.marks
    ]
    assert windows == [(-25, -22), (-3, -1), (20, 27)]  # day -25 to -22, day -3 to -1, cycle 1 day 21 to 28


def test_what_comes_after_the_cycles_that_are_drawn_is_listed() -> None:
    later = {group.label: group.titles for group in due_later(protocol("anti-mag-lenalidomide"), "expansion")}
    assert later["Samples"][-2:] == ("After cycle 18", "After cycle 24")
    escalation = {group.label: group.titles for group in due_later(protocol("anti-mag-lenalidomide"), "escalation")}
    assert "After cycle 24" not in escalation["Samples"]
