"""A text in blocks of whole lines, for formats of which every line is a record."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from data.sources.encoding import text_blocks
from data.sources.upload import SourceFile

MAX_LINE_BYTES = 4 << 20  # a book with its description, or a review; not a file within a file


def whole_lines(file: SourceFile, encoding: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield whole lines as UTF-8, the number of the first, and the bytes gone through since the last.

    Of a line that is longer than `MAX_LINE_BYTES` at most a block more is kept: that it is too long is still seen.
    """
    line, kept, gone = 1, b"", 0
    for block, position in itertools.chain(text_blocks(file, encoding), [(b"", file.size)]):
        text = kept + block
        end = text.rfind(b"\n") + 1 if block else len(text)
        text, kept = text[:end], text[end:][: MAX_LINE_BYTES + 1]
        if text:
            yield text, line, position - gone
            gone = position
            line += text.count(b"\n")


def has_long_line(text: bytes) -> bool:
    """Say whether a line is longer than `MAX_LINE_BYTES`."""
    at = 0
    while len(text) - at > MAX_LINE_BYTES:
        end = text.rfind(b"\n", at, at + MAX_LINE_BYTES + 1)
        if end < 0:
            return True
        at = end + 1
    return False
