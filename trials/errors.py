"""What an operation says when it refuses."""

from django.core.exceptions import PermissionDenied


class Refused(Exception):
    """A rule says no. The sentence says what to do instead; nothing has been written.

    A page shows it as a form error (at `field`, where one is named); the API answers 409 with code and sentence.
    """

    def __init__(self, code: str, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.field = field


class Forbidden(PermissionDenied):
    """The person's roles do not allow it. Pages and API answer 403 with the sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class InvalidProtocol(Exception):
    """A protocol file that cannot be loaded: every fault with its path, the value found and what is allowed."""

    def __init__(self, faults: "list[Fault]") -> None:
        super().__init__("\n".join(str(f) for f in faults))
        self.faults = faults


class Fault:
    """One fault of a protocol file."""

    def __init__(self, path: str, value: object, allowed: str) -> None:
        self.path, self.value, self.allowed = path, value, allowed

    def __str__(self) -> str:
        return f"{self.path}: {self.value!r} is not allowed; {self.allowed}"
