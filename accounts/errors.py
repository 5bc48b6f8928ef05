"""What the operations of accounts say when they refuse."""


class CannotSign(Exception):
    """A signature that is refused: a code, a sentence that says what to do, and the field it belongs to."""

    def __init__(self, code: str, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.field = field


class WeakPassword(Exception):
    """A password that the rules do not allow; the message says what is wrong with it."""
