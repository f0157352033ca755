"""What a title says of its work: what it is called, which part of it this is, where in a series it stands.

Editions of one work are titled in many ways: ``The Hobbit``, ``Hobbit, The (Penguin Classics)``, ``The Hobbit:
A Novel``; ``海辺のカフカ〈上〉 (新潮文庫)``. What names the edition is taken off from the end, one piece after another.
A piece that names another work (``(Boxed Set)``, ``(Graphic Novel)``) stays.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, replace

from data.editions import compact_key, is_truncated, search_key

COMIC, TEXT = "comic", "text"

_OPENING = {")": "(", "]": "[", "〕": "〔", "】": "【", "〉": "〈", "》": "《", "}": "{"}
_CLOSING = {opening: closing for closing, opening in _OPENING.items()}
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_ELLIPSIS = re.compile(r"(?:…|\.\.\.)\s*$")
_ARTICLES = frozenset({"a", "an", "the"})

# ---- numbers ---------------------------------------------------------------------------------

_KANJI_DIGITS = {character: value for value, character in enumerate("一二三四五六七八九", start=1)}
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50}
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_NUMBER_WORD = r"vol(?:ume)?|v|book|bk|part|pt|parts|no|nr|number|band|bd|teil|tome|tomo|t|livre|libro|deel"
_ANY_NUMBER = rf"[0-9]+|[ivxl]+|{'|'.join(_WORDS)}"
_PART = re.compile(  # of a folded text
    rf"(?:(?:{_NUMBER_WORD})\s*(?P<named>{_ANY_NUMBER})"
    r"|(?P<whole>全)?\s*第?\s*(?P<counted>[0-9]+|[一二三四五六七八九十百]+)\s*[巻部冊集話編篇回章]?"
    r"|(?P<side>[上中下前後](?:の[一二三四五])?|完結)[巻編篇冊]?)"
)
_SPLIT_OFF = re.compile(r"^(?P<before>.*[^\s,.:;#~・\-–—])[\s,.:;#~・\-–—]+(?P<last>[^\s,:;]+(?:\s*[0-9]+)?)$")
_NAMED_LAST = re.compile(
    rf"^(?P<before>.*?[^\s,.:;\-–—])[\s,.:;\-–—]+(?P<last>(?:{_NUMBER_WORD})\b\.?\s*(?:{_ANY_NUMBER}))$", re.IGNORECASE
)
_STUCK = re.compile(
    "^(?P<before>.*?[\u3040-\u30ff\u3400-\u9fff])(?P<last>[全第]?[0-9]+巻?|第[一二三四五六七八九十百]+巻|[上中下]巻)$"
)
_IN_SERIES = re.compile(
    r"(?:#|\bno\b\.?|\bbook|\bbk\b\.?|\bvol(?:ume)?\b\.?|\bpart|,)[\s,]*(?P<volume>[0-9]+(?:\.[0-9]+)?)"
    r"(?=\s*(?:$|[,;:)](?!\s*[0-9])))",  # not #1-3, nor No. 1 Ladies' Detective Agency
    re.IGNORECASE,
)
_PART_OF_VOLUME = re.compile(r"#[0-9.]+,\s*part\s+(?P<part>[0-9]+)\s*$", re.IGNORECASE)  # (Harry Potter, #5, Part 1)

# ---- brackets and designations ---------------------------------------------------------------

_OTHER_WORK = re.compile(
    r"\b(?:box(?:ed)?|sets?|omnibus|bundle|sampler|excerpt|abridged|cliffs?\s*notes|study guide|companion|workbook|"
    r"calendar|journal|screenplay|script|play|coloring|activity|sticker|cd|dvd|cassette|graphic|simplified|level|"
    r"(?:[2-9]|two|three|four|five)\s+(?:\w+\s+)?(?:in|novels|books|stories))\b"
    r"|まんがで|マンガで|(?:まんが|マンガ|漫画|コミック)版",
    re.IGNORECASE,
)
_COMIC = re.compile(r"コミック|まんが|マンガ|漫画|\bcomics?\b|\bmanga\b", re.IGNORECASE)
_TEXT = re.compile("文庫|新書|選書|ノベルス|全集")
_DESIGNATION = re.compile(
    r"[\s]*[:;,.(\[\-–—]\s*(?:an?\s+|ein\s+)?(?:novel|novella|roman|thriller|mystery|memoir|krimi|kriminalroman)\s*[)\].]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class WorkTitle:
    """A title taken apart.

    Attributes
    ----------
    called
        What the work is called: the title without its brackets, part and designation.
    base
        The same folded, without blanks and article.
    part
        Which part of the work the title names (``上``, ``2``), empty if none: two parts are two works.
    volume
        Place in the series that the last bracket names, or None.
    form
        `COMIC` or `TEXT` where the last bracket tells, else empty.
    is_cut
        Whether the source cut the title short, so that `base` is only its beginning.
    """

    called: str
    base: str = ""
    part: str = ""
    volume: float | None = None
    form: str = ""
    is_cut: bool = False


def work_title(title: str) -> WorkTitle:
    """Take a title apart."""
    text = unicodedata.normalize("NFKC", html.unescape(title)).strip()
    whole = _without_open_bracket(text)
    found = WorkTitle(whole, is_cut=is_truncated(whole))
    while not found.is_cut and (shorter := _shorten(found)) is not None:
        found = shorter
    return replace(found, base=_folded(found.called) or compact_key(title))


def _without_open_bracket(text: str) -> str:
    """Return a title cut short within its last bracket without that bracket; any other as it is."""
    if not is_truncated(text):
        return text
    body = _ELLIPSIS.sub("", text)
    opened = max((body.rfind(bracket) for bracket in _CLOSING), default=-1)
    if opened <= 0 or _CLOSING[body[opened]] in body[opened:] or re.match("[上中下前後第0-9]", body[opened + 1 :]):
        return text
    return body[:opened].strip() or text


def _shorten(title: WorkTitle) -> WorkTitle | None:
    """Take one piece off the end; None if nothing more can go."""
    text = title.called.rstrip()
    if (found := _last_bracket(text)) is not None and (before := found[0].strip()):
        return _off_bracket(title, before, found[1].strip())
    for pattern in (_NAMED_LAST, _SPLIT_OFF, _STUCK):
        if (match := pattern.match(text)) and (part := part_of(match["last"])) and _folded(match["before"]):
            return replace(title, called=match["before"], part=f"{part} {title.part}".strip())
    shorter = _DESIGNATION.sub("", text)
    return replace(title, called=shorter) if shorter.strip() and shorter != text else None


def _off_bracket(title: WorkTitle, before: str, inside: str) -> WorkTitle | None:
    if part := part_of(inside):
        return replace(title, called=before, part=f"{part} {title.part}".strip())
    if _OTHER_WORK.search(inside):
        return None
    form = COMIC if _COMIC.search(inside) else TEXT if _TEXT.search(inside) else title.form
    if match := _PART_OF_VOLUME.search(inside):
        title = replace(title, part=f"{match['part']} {title.part}".strip())
    match = _IN_SERIES.search(inside)
    volume = float(match["volume"]) if match else title.volume
    return replace(title, called=before, volume=volume, form=form)


def _last_bracket(text: str) -> tuple[str, str] | None:
    """Return what stands before the bracket that ends `text`, and what in it; brackets may hold brackets."""
    if not text or (opening := _OPENING.get(text[-1])) is None:
        return None
    depth = 0
    for i in range(len(text) - 1, -1, -1):
        depth += (text[i] == text[-1]) - (text[i] == opening)
        if depth == 0:
            return text[:i], text[i + 1 : -1]
    return None


def part_of(text: str) -> str:
    """Return which part a text names, the same for ``第二巻``, ``(2)`` and ``Vol. 2``; empty if it names none."""
    if (match := _PART.fullmatch(search_key(text))) is None:
        return ""
    if side := match["side"]:
        return str(side)
    number = _number(match["named"] or match["counted"])
    return "" if number is None else f"全{number}" if match["whole"] else str(number)


def _number(text: str) -> int | None:
    """Return the value of digits, kanji, a Roman numeral or a word."""
    if text.isdecimal():
        return int(text)
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _ROMAN:
        values = [_ROMAN[c] for c in text]
        return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))
    hundreds, _, rest = text.rpartition("百")
    tens, _, ones = rest.rpartition("十")
    digits = [_KANJI_DIGITS.get(t, 1 if sign in text else 0) for t, sign in ((hundreds, "百"), (tens, "十"))]
    return 100 * digits[0] + 10 * digits[1] + _KANJI_DIGITS.get(ones, 0)


def _folded(text: str) -> str:
    """Return the folded title without blanks and without an article before or, turned round, behind it."""
    words = search_key(text.replace("&", " and ")).split()
    if len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    elif len(words) > 1 and words[-1] in _ARTICLES and "," in text:
        words = words[:-1]
    return "".join(words)
