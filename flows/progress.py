"""Progress as a person sees it: bars on a terminal, one line per finished piece of work elsewhere."""

from __future__ import annotations

import time
from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class _Screen:
    """The bars of this process: fits run side by side, and a terminal has one cursor."""

    def __init__(self) -> None:
        self._lock, self._n_users = Lock(), 0
        self._bars: Bars | None = None

    def enter(self) -> Bars:
        with self._lock:
            if self._bars is None:
                self._bars = _draw()
                self._bars.start()
            self._n_users += 1
            return self._bars

    def leave(self) -> None:
        with self._lock:
            self._n_users -= 1
            if self._n_users == 0 and self._bars is not None:
                self._bars.stop()
                self._bars = None


_SCREEN = _Screen()


class TerminalProgress:
    """A `data.progress.Progress` on standard error; use it as a context manager.

    On a terminal every piece of work is a bar with the time left. In a log it is one line when the
    work is done, with what came out and how long it took.
    """

    def __enter__(self) -> Self:
        self._bars = _SCREEN.enter()
        self._task: TaskID | None = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _SCREEN.leave()

    def start(self, what: str, total: int) -> None:
        """Begin a bar."""
        self._what, self._started_at = what, time.monotonic()
        self._task = self._bars.add_task(what, total=total, outcome="")

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.advance(self._task, steps)

    def finish(self, outcome: str = "") -> None:
        """Fill the bar, or print the line."""
        if self._task is not None:
            total = next(task.total for task in self._bars.tasks if task.id == self._task)
            self._bars.update(self._task, completed=total, outcome=outcome)
        if not self._bars.console.is_terminal:
            seconds = time.monotonic() - self._started_at
            self._bars.console.print(f"{self._what}: {outcome} ({seconds:.1f} s)", soft_wrap=True, markup=False)


def _draw() -> Bars:
    console = Console(stderr=True, highlight=False)
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[outcome]}"),
        console=console,
        disable=not console.is_terminal,
    )
