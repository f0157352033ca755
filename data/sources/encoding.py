"""How a text file is encoded, decided on all of its bytes before anything is parsed; and its text as UTF-8.

The decision, in this order: a byte order mark (UTF-8, UTF-16); UTF-16 without a mark, if every second byte is
NUL; UTF-8, if all of it is valid; UTF-8 with damaged characters, if few of the foreign ones are; EUC-JP or CP932,
if one of them makes running Japanese of it; else latin-1, or cp1252 where it uses the places that latin-1 leaves
to control characters.

A character that cannot be decoded becomes NUL, `DAMAGED`: readers of rows reject the rows that hold one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from data.errors import BadFile
from data.sources.upload import SourceFile

DAMAGED = b"\x00"
BLOCK_BYTES = 16 << 20
PEEK_BYTES = 1 << 16

# What a person is most likely to hand over instead of text, by the first bytes.
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "save the sheet as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document", "save the sheet as CSV UTF-8"),
    (b"PAR1", "a Parquet file", "name it *.parquet"),
    (b"%PDF", "a PDF document", "export the table as CSV UTF-8"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV UTF-8"),
)
_TEXT = "a text file"
_SAVE_AS_UTF8 = "save the file as UTF-8 and try again"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NON_ASCII_RUN = re.compile(r"[^\x00-\x7f]+")
_HALF_WIDTH_KANA = re.compile(r"[\uff61-\uff9f]")
_NOT_HALF_WIDTH = re.compile(r"[^\uff61-\uff9f]")
_COUNTED = re.compile(r"(?<=\d)[年月日時分秒巻]")  # stand alone in every Japanese text
_C1 = re.compile(rb"[\x80-\x9f]")
_NOT_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# With fewer than 1 in 4 non-ASCII characters broken, a text is damaged UTF-8: other encodings rarely fit.
_DAMAGE_SHARE = 0.25
_BINARY_SHARE = 0.01  # of control characters in the first bytes
_KANA_SHARE = 0.3  # of half-width katakana in what CP932 makes of EUC-JP


def detect_encoding(file: SourceFile) -> str:
    """Return the encoding of a text file, having read all of it.

    Returns
    -------
    str
        ``utf-8``, ``utf-8-sig``, ``utf-16``, ``utf-16-le``, ``utf-16-be``, ``euc_jp``, ``cp932``, ``latin-1`` or
        ``cp1252``.

    Raises
    ------
    BadFile
        If the file cannot be read, is empty, or no text.
    """
    evidence = _Evidence()
    with file.open() as content:
        head = _require_text(file, content.read(PEEK_BYTES))
        if (known := _by_first_bytes(head)) is not None:
            return known
        evidence.add(head)
        while block := content.read(BLOCK_BYTES):
            evidence.add(block)
    return evidence.decide()


def unicode_encoding(file: SourceFile) -> str:
    """Return the encoding of a file that can only be Unicode, as JSON: what its mark says, else UTF-8.

    Raises
    ------
    BadFile
        If the file cannot be read, is empty, or no text.
    """
    with file.open() as content:
        head = _require_text(file, content.read(PEEK_BYTES))
    return _by_first_bytes(head) or "utf-8"


def text_blocks(file: SourceFile, encoding: str) -> Iterator[tuple[bytes, int]]:
    """Return the text block by block as UTF-8, without byte order mark, broken characters as `DAMAGED`.

    Yields
    ------
    tuple[bytes, int]
        A block, never empty, cut anywhere between two characters; and the bytes of `SourceFile.size` gone through.

    Raises
    ------
    BadFile
        If the file cannot be read.
    """
    decoder = codecs.getincrementaldecoder(encoding)("damaged")
    with file.open() as content:
        while octets := content.read(BLOCK_BYTES):
            if encoding == "utf-8" and octets.isascii() and not decoder.getstate()[0]:
                yield octets, content.position
            elif text := decoder.decode(octets):
                yield text.encode("utf-8", "replace"), content.position
        if rest := decoder.decode(b"", final=True):
            yield rest.encode("utf-8", "replace"), content.position


def read_utf8(file: SourceFile) -> tuple[bytes, str]:
    """Return all the text of a small file as UTF-8, and the encoding it was in.

    Raises
    ------
    BadFile
        If it cannot be read, is empty, no text, or has damaged characters.
    """
    encoding = detect_encoding(file)
    text = b"".join(block for block, _ in text_blocks(file, encoding))
    if (at := text.find(DAMAGED)) >= 0:
        line = text.count(b"\n", 0, at) + 1
        found = f"{encoding} text with a damaged character in line {line}"
        raise BadFile(file.shown, found=found, expected=f"valid {encoding}", remedy="repair it or export it again")
    return text, encoding


def peek_utf8(file: SourceFile, n_bytes: int = PEEK_BYTES) -> bytes:
    """Return about the first `n_bytes` of a text file as UTF-8, to tell formats apart.

    Raises
    ------
    BadFile
        If it cannot be read, is empty, or no text.
    """
    with file.open() as content:
        head = _require_text(file, content.read(n_bytes))
    encoding = _by_first_bytes(head)
    if encoding is None:
        evidence = _Evidence()
        evidence.add(head)
        encoding = evidence.decide()
    return codecs.getincrementaldecoder(encoding)("damaged").decode(head).encode("utf-8", "replace")


def _require_text(file: SourceFile, head: bytes) -> bytes:
    """Refuse what its first bytes show to be no text."""
    if not head or head in [mark for mark, _ in _MARKS]:
        raise BadFile(file.shown, found="an empty file", expected=_TEXT, remedy="check how it was exported")
    for signature, what, remedy in _SIGNATURES:
        if head.startswith(signature):
            raise BadFile(file.shown, found=what, expected=_TEXT, remedy=remedy)
    first = head[:PEEK_BYTES]
    if _by_first_bytes(first) is None and len(_CONTROL.findall(first)) > max(2, _BINARY_SHARE * len(first)):
        raise BadFile(file.shown, found="a binary file", expected=_TEXT, remedy=_SAVE_AS_UTF8)
    return head


def _by_first_bytes(head: bytes) -> str | None:
    """Return the encoding that a byte order mark, or NULs at every second place, give away."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0:PEEK_BYTES:2], head[1:PEEK_BYTES:2]
    for sparse, dense, encoding in ((even, odd, "utf-16-le"), (odd, even, "utf-16-be")):
        if dense.count(0) > len(dense) / 2 and sparse.count(0) < len(sparse) / 20:
            return encoding
    return None


class _Evidence:
    """What a text without a mark looks like in each encoding that it may have."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("damaged")
        self._n_foreign = self._n_broken = 0
        self._japanese = {name: _Japanese(name) for name in ("euc_jp", "cp932")}
        self._has_c1, self._is_cp1252 = False, True

    def add(self, octets: bytes) -> None:
        """Look at the next bytes."""
        if octets.isascii() and not self._utf8.getstate()[0]:
            for japanese in self._japanese.values():
                japanese.end()
            return
        text = self._utf8.decode(octets)
        n_broken = text.count("\0") - octets.count(0)
        self._n_broken += n_broken
        self._n_foreign += n_broken + sum(len(run) for run in _NON_ASCII_RUN.findall(text))
        if self._n_broken:
            self._has_c1 = self._has_c1 or _C1.search(octets) is not None
            self._is_cp1252 = self._is_cp1252 and _NOT_CP1252.search(octets) is None
        for japanese in self._japanese.values():
            japanese.add(octets)

    def decide(self) -> str:
        """Return the encoding that fits best."""
        if self._n_broken <= _DAMAGE_SHARE * self._n_foreign:
            return "utf-8"
        euc, shift_jis = self._japanese["euc_jp"], self._japanese["cp932"]
        if euc.is_running and (not shift_jis.is_valid or shift_jis.n_half_width > _KANA_SHARE * shift_jis.n_foreign):
            return euc.name
        if shift_jis.is_running:
            return shift_jis.name
        return "cp1252" if self._has_c1 and self._is_cp1252 else "latin-1"


class _Japanese:
    """Whether bytes are running Japanese in one encoding.

    ``général`` in latin-1 is valid CP932 too, but then gives single kanji between Latin letters; Japanese words have
    two characters or more as a rule, but for those that follow numbers. Half-width katakana alone prove nothing: they
    are what CP932 makes of most single bytes.
    """

    def __init__(self, name: str) -> None:
        self.name, self.is_valid = name, True
        self.n_foreign = self.n_half_width = 0
        self._n_alone = 0
        self._decoder = codecs.getincrementaldecoder(name)("strict")

    def add(self, octets: bytes) -> None:
        """Look at the next bytes, unless some before were not valid."""
        if not self.is_valid:
            return
        try:
            text = self._decoder.decode(octets)
        except UnicodeDecodeError:
            self.is_valid = False
            return
        runs = _NON_ASCII_RUN.findall(_COUNTED.sub("", text))
        self.n_foreign += sum(len(run) for run in runs)
        self._n_alone += sum(len(run) for run in runs if len(run) == 1 or not _NOT_HALF_WIDTH.search(run))
        self.n_half_width += len(_HALF_WIDTH_KANA.findall(text))

    def end(self) -> None:
        """Say that ASCII follows: a character begun before is broken."""
        if self.is_valid and self._decoder.getstate()[0]:
            self.is_valid = False

    @property
    def is_running(self) -> bool:
        """Whether all bytes were valid, and most foreign characters stand in words."""
        return self.is_valid and self.n_foreign > 2 * self._n_alone


def _damaged(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\0", error.end


codecs.register_error("damaged", _damaged)
