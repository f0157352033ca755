"""Working ahead changes when things are made, not what comes out."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from data.ahead import ahead


def test_items_come_in_order_and_errors_where_they_were_due() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise ValueError("the fourth")

    found: list[int] = []
    with pytest.raises(ValueError, match="the fourth"):
        found.extend(item for item in ahead(items()))
    assert list(ahead(range(5))) == [0, 1, 2, 3, 4]
    assert list(ahead([])) == []


def test_the_next_is_made_while_one_is_used_and_only_the_next() -> None:
    made: list[int] = []
    second = threading.Event()

    def items() -> Iterator[int]:
        for i in range(10):
            made.append(i)
            if i == 1:
                second.set()
            yield i

    waiting = ahead(items())
    assert next(waiting) == 0
    assert second.wait(10)  # without any further call
    assert made == [0, 1]
    waiting.close()  # type: ignore[attr-defined]  # a generator
    assert made == [0, 1]
