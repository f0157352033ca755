"""How long work tells a person where it is: a protocol the caller implements.

Steps never print. They are handed a `Progress` and report to it; the command line passes one
that draws bars, tests and libraries pass `Quiet`.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One piece of work at a time, with a known number of steps."""

    def start(self, what: str, total: int) -> None:
        """Begin a piece of work of `total` steps, described by `what`."""

    def advance(self, steps: int = 1) -> None:
        """Say that `steps` more steps are done."""

    def finish(self, outcome: str = "") -> None:
        """End the piece of work, with a short outcome to show beside it."""


class Quiet:
    """A `Progress` that says nothing."""

    def start(self, what: str, total: int) -> None:
        """Ignore the start."""

    def advance(self, steps: int = 1) -> None:
        """Ignore the steps."""

    def finish(self, outcome: str = "") -> None:
        """Ignore the end."""
