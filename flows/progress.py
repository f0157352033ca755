"""Progress as a person sees it: bars on a terminal, one line per finished piece of work elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class TerminalProgress:
    """A `data.progress.Progress` on standard error; use it as a context manager.

    On a terminal every piece of work is a bar with the time left. In a log it is one line when the
    work is done, with what came out and how long it took.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[outcome]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._what = ""
        self._started_at = 0.0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

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
            total = self._bars.tasks[self._task].total
            self._bars.update(self._task, completed=total, outcome=outcome)
        if not self._console.is_terminal:
            seconds = time.monotonic() - self._started_at
            self._console.print(f"{self._what}: {outcome} ({seconds:.1f} s)", soft_wrap=True, markup=False)
