"""What a browser would send for a section's form: read off the page itself."""

from html.parser import HTMLParser

from django.http import QueryDict


class Form(HTMLParser):
    """The values of a page's first form with id "section-form", and the names of its buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent = QueryDict(mutable=True)
        self.buttons: list[str] = []
        self._inside = self._text = self._select = ""
        self._selected: str | None = None
        self._first: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._inside = said.get("id", "")
        if self._inside != "section-form":
            return
        if tag == "input" and said.get("name") and (said.get("type") != "checkbox" or "checked" in said):
            self.sent.appendlist(said["name"], said.get("value", ""))
        if tag == "button" and said.get("value"):
            self.buttons.append(said["value"])
        if tag == "textarea":
            self._text = said["name"]
            self.sent.appendlist(said["name"], "")
        if tag == "select":
            self._select, self._selected, self._first = said["name"], None, None
        if tag == "option":
            self._first = said["value"] if self._first is None else self._first
            if "selected" in said:
                self._selected = said["value"]

    def handle_data(self, data: str) -> None:
        if self._text:
            values = self.sent.getlist(self._text)
            self.sent.setlist(self._text, [*values[:-1], values[-1] + data])

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = ""
        if tag == "select" and self._select:
            chosen = self._selected if self._selected is not None else self._first
            self.sent.appendlist(self._select, chosen or "")
            self._select = ""
        if tag == "form":
            self._inside = ""
