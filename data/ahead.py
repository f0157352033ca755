"""Work one step ahead: the next item is made in a thread while the current one is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Yield the items in their order; at most one waits. What making one raises is raised where it was due.

    Worth it where both sides spend their time outside Python (Polars, Delta, files): two cores then work.
    """
    source = iter(items)
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(_next, source)
        while item := coming.result():
            coming = thread.submit(_next, source)
            yield item[0]


def _next(source: Iterator[T]) -> list[T]:
    """Return the next item in a list, an empty one at the end: an item may be anything."""
    return list(islice(source, 1))
