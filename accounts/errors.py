"""What the operations of accounts say when they refuse."""


class Refusal(Exception):
    """A rule of accounts says no: a code, a sentence that says what to do, and the field it belongs to."""

    def __init__(self, code: str, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.field = field


class CannotSign(Refusal):
    """A signature that is refused."""


class CannotSignIn(Refusal):
    """Somebody is not let in. The sentence never tells whether there is such a person."""


class NotAllowed(Refusal):
    """Something about people's accounts that is refused."""


class WeakPassword(Exception):
    """A password that the rules do not allow; the message says what is wrong with it."""
