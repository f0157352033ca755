"""Text from strangers, made safe for those who obey text: terminals and spreadsheets."""

from __future__ import annotations

import unicodedata

_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # bidirectional overrides and isolates
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # a Japanese spreadsheet takes the wide ones too


def visible(text: str) -> str:
    """Return `text` without what a terminal obeys or what turns the line round: titles and ids are untrusted."""
    obeyed = {c for c in text if c in _TURNING or (unicodedata.category(c) == "Cc" and c not in "\n\t")}
    return text.translate({ord(c): "\ufffd" for c in obeyed})


def harmless(value: object) -> object:
    """Return a cell of a CSV: a text that a spreadsheet would run as a formula is preceded by an apostrophe."""
    if not isinstance(value, str):
        return value
    guard = "'" if value.startswith(_FORMULA) else ""
    # the csv module leaves a carriage return unquoted, where it would start a new row
    return guard + visible(value.replace("\r", " "))
