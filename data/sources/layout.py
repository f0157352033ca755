"""Where the records of delimited text lie, found on its bytes without reading any field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NEWLINE, _QUOTE, _RETURN = 10, 34, 13


@dataclass(frozen=True)
class Layout:
    """Where each record lies, one entry per record.

    Attributes
    ----------
    starts, ends
        Offset of its first byte, and of the newline that ends it.
    lines, n_lines
        Line on which it starts, the first being 1, and how many it takes.
    n_fields
        How many fields it has.
    """

    starts: Positions
    ends: Positions
    lines: Positions
    n_lines: Positions
    n_fields: Positions

    def only(self, data: bytes, records: Mask) -> bytes:
        """Return the bytes of some records, each with its newline."""
        kept = np.repeat(records, self.ends - self.starts + 1)
        return np.frombuffer(data, np.uint8)[kept].tobytes()


def find_records(data: bytes, delimiter: str, expected: int) -> Layout | None:
    """Find the records of a text, or return None where RFC 4180 does not say what they are.

    That is where a carriage return stands alone (only the csv module tells which of them end a line), or a
    quotation mark anywhere but around a field or doubled within one.

    Parameters
    ----------
    data
        UTF-8 that ends with a newline.
    delimiter
        One ASCII character.
    expected
        Number of fields that records have as a rule; they are counted faster if all do.
    """
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return None
    octets = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(octets == _QUOTE) if b'"' in data else np.empty(0, np.int64)
    if quotes.size and not _quotes_are_strict(octets, quotes, ord(delimiter)):
        return None
    delimiters = np.flatnonzero(octets == ord(delimiter))
    newlines = np.flatnonzero(octets == _NEWLINE)
    delimiters = delimiters[_outside(quotes, delimiters)]
    last_lines = np.flatnonzero(_outside(quotes, newlines)) + 1
    ends = newlines[last_lines - 1]
    n_lines = np.diff(last_lines, prepend=0)
    n_fields = _count_fields(delimiters, ends, expected)
    return Layout(np.append(0, ends[:-1] + 1), ends, last_lines - n_lines + 1, n_lines, n_fields)


def _quotes_are_strict(octets: npt.NDArray[np.uint8], quotes: Positions, delimiter: int) -> bool:
    """Say whether quotes open only at the start of a field, close only at its end, and are doubled inside."""
    if quotes.size % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = octets[opening - 1]  # a quote at 0 looks at the last byte, which is a newline
    after = octets[closing + 1]
    may_open = np.isin(before, (delimiter, _NEWLINE, _QUOTE)).all()
    return bool(may_open and np.isin(after, (delimiter, _NEWLINE, _RETURN, _QUOTE)).all())


def _outside(quotes: Positions, positions: Positions) -> Mask:
    """Say of each position whether it lies outside quotes: an even number of them lies before it."""
    if not quotes.size:
        return np.ones(positions.size, bool)
    outside: Mask = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def _count_fields(delimiters: Positions, ends: Positions, expected: int) -> Positions:
    if _all_have(delimiters, ends, expected - 1):
        return np.full(ends.size, expected, np.int64)
    return np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1


def _all_have(delimiters: Positions, ends: Positions, n_each: int) -> bool:
    """Say whether exactly `n_each` delimiters lie before every end and after the one before it."""
    if delimiters.size != n_each * ends.size:
        return False
    if not n_each:
        return True
    first, last = delimiters[::n_each], delimiters[n_each - 1 :: n_each]
    return bool((last < ends).all() and (first[1:] > ends[:-1]).all())
