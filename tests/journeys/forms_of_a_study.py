"""A part of the study file typed into its form, field by field and row by row, as somebody would who reads a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from trials.study_forms.shape import Kind, Shape, fields_of, shape_of_section


class SectionForm:
    """The form of one section, open in a browser."""

    def __init__(self, page: Page, key: str, section: str) -> None:
        self.page, self.section = page, section
        page.goto(f"/studies/{key}/setup/{section}/")

    def enter(self, content: Any) -> None:
        """Type and choose all of the content. What stands on the form already, such as the key, is typed again."""
        self._enter(shape_of_section(self.section), content, self.section)

    def save(self) -> None:
        """Save; with a part that needs another one still missing, as the draft that it is."""
        self._press("save", "Save")
        if self.page.get_by_role("button", name="Save the draft as it is").count():
            self._press("save-with-faults", "Save the draft as it is")

    def _press(self, value: str, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).and_(
                self.page.locator(f'button[value="{value}"]:not(.visually-hidden)')
            ).click()

    # --- what is typed, by what kind of field it is ---

    def _enter(self, shape: Shape, content: Any, path: str) -> None:
        entered: dict[Kind, Callable[[Shape, Any, str], None]] = {
            Kind.PART: self._part,
            Kind.LIST: self._list,
            Kind.PARAMETERS: self._parameters,
            Kind.CHOICES: self._ticks,
            Kind.YES_NO: self._tick,
        }
        entered.get(shape.kind, self._field)(shape, content, path)

    def _part(self, shape: Shape, content: dict[str, Any], path: str) -> None:
        assert shape.part is not None
        self._put(path)
        for name, inner in fields_of(shape.part).items():
            if name in content:
                self._enter(inner, content[name], f"{path}.{name}")
        if content.get("assumed") or content.get("note"):
            self._said(content, path)

    def _put(self, path: str) -> None:
        """Add an optional part, where it is not there yet."""
        button = self._button(f"put:{path}")
        if button.count():
            button.click()
            expect(self._named(f"{path}.__there")).to_be_attached()

    def _said(self, content: dict[str, Any], path: str) -> None:
        tick = self._named(f"{path}.assumed")
        if not tick.is_visible():
            tick.locator("xpath=ancestor::details[1]/summary").click()
        tick.set_checked(bool(content.get("assumed")))
        self._named(f"{path}.note").fill(content.get("note", ""))

    def _list(self, shape: Shape, content: list[Any], path: str) -> None:
        assert shape.item is not None
        for place, row in enumerate(content):
            self._button(f"add:{path}").click()
            expect(self._named(f"{path}.__rows")).to_have_count(place + 1)
            self._enter(shape.item, row, f"{path}.{place}")

    def _parameters(self, shape: Shape, content: dict[str, Any], path: str) -> None:
        self._button(f"show:{path}").click()
        for name, value in content.items():
            self._field(shape, value, f"{path}.{name}")

    def _ticks(self, shape: Shape, content: list[str], path: str) -> None:
        for box in self._named(path).all():
            box.set_checked(box.get_attribute("value") in content)

    def _tick(self, shape: Shape, content: bool, path: str) -> None:
        self._named(path).set_checked(content)

    def _field(self, shape: Shape, content: Any, path: str) -> None:
        field = self._named(path).first
        kind = field.evaluate("one => one.type")
        if kind == "select-one":
            field.select_option(as_typed(content))
        elif kind == "checkbox":
            self._ticks(shape, content, path)
        else:
            field.fill("\n".join(content) if kind == "textarea" and isinstance(content, list) else as_typed(content))

    def _named(self, path: str) -> Locator:
        return self.page.locator(f'#section-form [name="{path}"]')

    def _button(self, value: str) -> Locator:
        return self.page.locator(f'#section-form button[value="{value}"]')


def as_typed(content: Any) -> str:
    """A value as one would type it."""
    if isinstance(content, bool):
        return "yes" if content else "no"
    if isinstance(content, list):
        return ", ".join(map(str, content))
    return str(content)
