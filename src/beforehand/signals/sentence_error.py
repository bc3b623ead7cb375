"""The error of a sentence that is not understood: where, why, what could stand there, and the nearest right one."""

from __future__ import annotations

from beforehand.errors import InputError


class SentenceError(InputError):
    """A sentence that does not mean anything here.

    `column` counts from 1, `width` is the length of the wrong part, `expected` the words that could stand there,
    `suggestion` a sentence that is right, or None. `path` leads to the sentence in its file, e.g.
    `("when", "all of", 0)`.
    """

    def __init__(
        self,
        reason: str,
        text: str,
        column: int = 1,
        width: int = 1,
        *,
        advice: str = "",
        expected: tuple[str, ...] = (),
        suggestion: str | None = None,
        path: tuple[str | int, ...] = (),
    ) -> None:
        self.reason = reason
        self.text = text
        self.column = column
        self.width = max(1, width)
        self.advice = advice
        self.expected = expected
        self.suggestion = suggestion
        self.path = path
        caret = " " * (column - 1) + "^" * min(self.width, max(1, len(text) - column + 1))
        hint = [f"Did you mean: {suggestion}" if suggestion else "", advice]
        if expected:
            hint.append("Here can stand: " + ", ".join(expected) + ".")
        super().__init__(f"{reason}\n  {text}\n  {caret}", "\n".join(h for h in hint if h), code="bad-sentence")

    def at(self, *path: str | int) -> SentenceError:
        """The same error, with the place of the sentence in its file."""
        self.path = path
        return self
