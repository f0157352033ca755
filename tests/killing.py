"""A process that is killed, without killing one: work that reports its progress ends in the middle."""

from __future__ import annotations

from data.progress import Quiet


class Killed(BaseException):
    """The process ends here."""


class KillsAfter(Quiet):
    """A progress that kills when so many steps are done; `left` counts down."""

    def __init__(self, n_steps: int) -> None:
        self.left = n_steps

    def advance(self, steps: int = 1) -> None:
        self.left -= steps
        if not self.left:
            raise Killed
