"""Dates with a month in words, and dates of Japanese eras, as ISO dates; rare enough for Python to read them.

``14-Mar-2021``, ``14 Mar 21``, ``Mar 14, 2021``, ``1er février 2021``, ``14. März 2021``, ``2021-Mar-14``, ``March
2021``; ``令和3年4月5日``, ``R3.4.5``, ``昭和64年1月7日``, ``令和元年5月``.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import defaultdict

# January to December. Three letters or more of a name will do, if no other month begins with them in any language.
_MONTHS = """
    january february march april may june july august september october november december
    janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
    januar februar marz april mai juni juli august september oktober november dezember
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"""
_SHORTEST = 3
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}  # the year before the first
_INITIALS = {"M": "明治", "T": "大正", "S": "昭和", "H": "平成", "R": "令和"}

_NAME = r"(?P<name>[^\W\d_]{3,})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?"
_MARK = r"(?:[\s./,-]+|\s+de\s+)"
_SPELLED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_DAY}{_MARK}{_NAME}{_MARK}(?P<year>\d{{4}}|\d\d)",
        rf"{_NAME}[\s-]+{_DAY}[\s,-]+(?P<year>\d{{4}})",
        rf"(?P<year>\d{{4}}){_MARK}{_NAME}{_MARK}{_DAY}",
        rf"{_NAME}{_MARK}(?P<year>\d{{4}})",
    )
]
_IN_ERA = re.compile(
    rf"(?P<era>{'|'.join(_ERAS)}|[{''.join(era[0] for era in _ERAS)}{''.join(_INITIALS)}])\s?(?P<year>元|\d{{1,2}})"
    r"(?:年|(?=[./-]\d))(?:\s?[./-]?(?P<month>\d{1,2})(?:月|(?=[./-]\d))(?:\s?[./-]?(?P<day>\d{1,2})日?)?)?",
    re.IGNORECASE,
)


def full_year(two_digits: int, today: dt.date) -> int:
    """Return the year that two digits stand for: the last one that has begun."""
    century = today.year // 100 * 100
    return century + two_digits - (100 if two_digits > today.year % 100 else 0)


def spelled_date(text: str, today: dt.date) -> str | None:
    """Return a date as ``2021-03-14``, or ``2021-03`` or ``2021`` if that is all it says; None if it is none."""
    if found := _IN_ERA.fullmatch(text):
        return _joined(_era_year(found["era"].upper(), found["year"]), found["month"], found["day"])
    for pattern in _SPELLED:
        if (found := pattern.fullmatch(text)) and (month := _MONTH_OF.get(_folded(found["name"]))):
            year = int(found["year"]) if len(found["year"]) > 2 else full_year(int(found["year"]), today)
            return _joined(year, str(month), found.groupdict().get("day"))
    return None


def _era_year(era: str, year: str) -> int:
    era = _INITIALS.get(era, era)
    before = next(before for name, before in _ERAS.items() if name.startswith(era))
    return before + (1 if year == "元" else int(year))


def _joined(year: int, month: str | None, day: str | None) -> str:
    return "-".join([f"{year:04}", *(part.zfill(2) for part in (month, day) if part)])


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _months_by_beginning() -> dict[str, int]:
    meant = defaultdict(set)
    for at, name in enumerate(_MONTHS.split()):
        for size in range(_SHORTEST, len(name) + 1):
            meant[name[:size]].add(at % 12 + 1)
    return {beginning: months.pop() for beginning, months in meant.items() if len(months) == 1}


_MONTH_OF = _months_by_beginning()
