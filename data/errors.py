"""Errors a user can act on: each says what was found, what was expected and what to do.

The command line prints the message of a `WagahaiError` and nothing else, and path and reason of an `OSError`; any
other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class WagahaiError(Exception):
    """Base of every error whose message is written for the user."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the way back from a worker process (Dask), whatever the arguments of ``__init__`` were."""
        return _restored, (type(self), self.args, self.__dict__)


class BadFile(WagahaiError):
    """A source file that is refused whole; nothing of it enters the history.

    Parameters
    ----------
    path
        The file as the user named it.
    found, expected, remedy
        What is in the file, what should be there, and what to do about it.
    """

    def __init__(self, path: object, *, found: str, expected: str, remedy: str) -> None:
        super().__init__(f"{path}: refused.\n  found:    {found}\n  expected: {expected}\n  to do:    {remedy}")


class BadConfig(WagahaiError):
    """A setting that does not exist, has the wrong type or an impossible value."""


class NoDevice(WagahaiError):
    """A device that was asked for by name and is not there."""


class BadArtifact(WagahaiError):
    """A saved artifact that is not what its reader expects: names the field, expected and found."""


class BadHistory(WagahaiError):
    """A frame that does not fit its table, or a history that is not as it was recorded."""


class EmptyCorpus(WagahaiError):
    """No reading is left after the corpus thresholds."""


class NoRelease(WagahaiError):
    """There is no release to answer from, or none of that id."""


class StoreBusy(WagahaiError):
    """Another process holds the lock of this store."""


class ReleaseRefused(WagahaiError):
    """A release that did not pass its gates and is therefore not switched to."""


class UnknownBook(WagahaiError):
    """No book matches; carries the closest titles.

    Attributes
    ----------
    suggestions
        Titles as written, closest first.
    """

    def __init__(self, text: str, suggestions: Sequence[str]) -> None:
        self.suggestions = tuple(suggestions)
        closest = "".join(f"\n  {title}" for title in self.suggestions)
        empty = "" if text.strip() else "; give a title, or part of one, in quotes, or an id with --book"
        told = f"; the closest titles are:{closest}" if closest else empty
        super().__init__(f"unknown: no book matches {text!r}{told}")


class AmbiguousTitle(WagahaiError):
    """Several books match; they are listed, none is guessed.

    Attributes
    ----------
    matches
        Lines that tell the books apart (title, authors, publisher, year, id).
    """

    def __init__(self, text: str, matches: Sequence[str], n_matches: int) -> None:
        self.matches = tuple(matches)
        listed = "".join(f"\n  {line}" for line in self.matches)
        more = f"\n  ... and {n_matches - len(self.matches)} more" if n_matches > len(self.matches) else ""
        super().__init__(f"{n_matches} books match {text!r}; name one in full, or by its id with --book:{listed}{more}")


def _restored(kind: type[WagahaiError], arguments: tuple[Any, ...], state: dict[str, Any]) -> WagahaiError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(state)
    return error
