"""Names of authors made comparable: initials, names turned round, roles, several authors in one text.

What of a text is the first author's name is decided comma by comma: ``Le Guin, Ursula K.`` is one name turned
round, ``J.K. Rowling, Mary GrandPré`` are two. Of a name, the order of its parts does not matter then.
A one-word author before others (``Homer, Robert Fagles``) cannot be told from ``Doyle, Arthur Conan`` and is
read as the latter.
"""

from __future__ import annotations

import html
import re
import unicodedata

from data.editions import search_key

_BRACKETED = re.compile(r"[(\[][^()\[\]]*[)\]]")  # (Author), [著], Philip K. (Philip Kindred) Dick
_YEARS = re.compile(r"\b\d{4}-(?:\d{4})?")
_TITLES = re.compile(r"\b(?:ph\.?\s?d|m\.?d|jr|sr|dr|sir|dame|prof|professor|mrs?|ms|i{2,3})\b\.?", re.IGNORECASE)
_ROLES = re.compile(r"(?:\s+(?:著|編著|編|作|原作|訳|監修|漫画|画|絵|文)|(?<=..)著)$|^by\s+", re.IGNORECASE)
_BETWEEN_AUTHORS = re.compile(r"[;/、|]|\s(?:and|&|with|und)\s", re.IGNORECASE)
_PARTICLES = frozenset({"da", "de", "del", "della", "der", "des", "dos", "du", "le", "ter", "van", "von", "zu"})
_NOBODY = frozenset(
    {"anonymous", "anon", "author unknown", "collectif", "collective", "diverse", "multiple authors", "n a", "na"}
    | {"none", "not applicable", "null", "unknown", "unknown author", "various", "various artists", "various authors"}
    | {search_key(text) for text in ("不明", "著者不明", "作者不詳", "作者不明", "読み人知らず")}
)
_KANA = re.compile("[\u3040-\u30ff\uff66-\uff9d]")
_CJK = re.compile("[\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]")
_FULL_NAME = 3  # characters from which both sides of a comma between kanji are full names


def first_author_key(authors: str | None) -> str:
    """Return the folded name of the first author; empty where none is named (``Various`` and ``Unknown`` are none).

    ``Asimov, Isaac`` is ``Isaac Asimov``, ``Rowling, J. K.`` is ``J.K. Rowling``, and initials after a given name do
    not count (``Ursula K. Le Guin``). A name in kanji or kana is one word (``村上 春樹`` is 村上春樹); with kana, it
    is the same turned round (``キイス, ダニエル``).
    """
    plain = _BRACKETED.sub(" ", unicodedata.normalize("NFKC", html.unescape(authors or "")))
    if search_key(plain) in _NOBODY:
        return ""
    plain = _ROLES.sub("", _BETWEEN_AUTHORS.split(plain)[0].strip())
    pieces = [words for piece in plain.split(",") if (words := _words(piece)) and " ".join(words) not in _NOBODY]
    if not pieces:
        return ""
    first, second = pieces[0], pieces[1] if len(pieces) > 1 else []
    is_turned = bool(second) and _is_one_name(first, second)
    if not _CJK.search("".join(first)):
        return " ".join(sorted(_without_middle_initials(second + first if is_turned else first)))
    name = "".join(first + second if is_turned else first)
    return min(name[i:] + name[:i] for i in range(len(name))) if _KANA.search(name) else name


def _words(piece: str) -> list[str]:
    return search_key(_ROLES.sub("", _TITLES.sub(" ", _YEARS.sub("", piece.strip())).strip())).split()


def _is_one_name(first: list[str], second: list[str]) -> bool:
    """Say whether two texts with a comma between them are one name, the family's before the given one."""
    if all(map(_is_initial, second)):
        return not _is_initial(first[0])
    scripts = [_script(words) for words in (first, second)]
    if "kanji" in scripts:
        return min(len("".join(first)), len("".join(second))) < _FULL_NAME
    if scripts[0] != scripts[1]:
        return False
    if len(first) == 1 or _is_initial(first[-1]) or first[0] in _PARTICLES:
        return True
    if any(_is_initial(word) for word in first):  # J. K. Rowling: nothing is missing
        return False
    return all(_is_initial(word) for word in second[1:])  # Gabriel; Ursula K.


def _script(words: list[str]) -> str:
    text = "".join(words)
    return "kana" if _KANA.search(text) else "kanji" if _CJK.search(text) else "other"


def _is_initial(word: str) -> bool:
    return len(word) == 1


def _without_middle_initials(words: list[str]) -> list[str]:
    """Join initials that stand together (j k rowling: jk rowling), and drop those behind a given name."""
    joined = [words[0]]
    after_initial = _is_initial(words[0])
    for word in words[1:]:
        if _is_initial(word) and after_initial:
            joined[-1] += word
        else:
            joined.append(word)
        after_initial = _is_initial(word)
    if _is_initial(words[0]):
        return joined
    kept = [word for word in words if not _is_initial(word)]
    return kept if len(kept) > 1 else joined
