"""One code for a language, however a source writes it."""

from __future__ import annotations

import re
import unicodedata

# ISO 639-1 codes, each with its ISO 639-2 codes (terminological, bibliographic) and the names met in files.
_LANGUAGES = """
af afr|am amh|ar ara arabic عربي العربية|az aze|be bel|bg bul bulgarian|bn ben bengali|bo bod tib|br bre|bs bos|
ca cat catalan|cs ces cze czech|cy cym wel welsh|da dan danish dansk|de deu ger german deutsch|el ell gre greek|
en eng english 英語|eo epo esperanto|es spa spanish español castellano|et est estonian|eu eus baq basque|
fa fas per persian farsi|fi fin finnish suomi|tl fil tgl tagalog filipino|fr fra fre french français|
ga gle irish|gl glg galician|gu guj|he iw heb hebrew|hi hin hindi|hr hrv croatian|hu hun hungarian magyar|
hy hye arm|id in ind indonesian|is isl ice icelandic|it ita italian italiano|ja jp jpn japanese 日本語 和書|
ka kat geo|kk kaz|km khm|kn kan|ko kor korean 한국어 韓国語|ku kur|ky kir|la lat latin|lb ltz|lo lao|
lt lit lithuanian|lv lav latvian|mg mlg|mi mri mao|mk mkd mac macedonian|ml mal malayalam|mn mon|mr mar marathi|
ms msa may zsm malay|mt mlt|my mya bur|ne nep|nl nld dut dutch nederlands|no nb nn nor nob nno norwegian norsk|
oc oci|pa pan|pl pol polish polski|ps pus|pt por portuguese português|rm roh|ro ron rum romanian|
ru rus russian русский|sa san sanskrit|si sin|sk slk slo slovak|sl slv slovenian|sq sqi alb albanian|
sr srp scc serbian|sv swe swedish svenska|sw swa swahili|ta tam tamil|te tel telugu|th tha thai|
tr tur turkish türkçe|uk ukr ukrainian|ur urd urdu|uz uzb|vi vie vietnamese|yi yid yiddish|
zh zho chi cmn yue chinese 中文 中国語|zu zul|grc ancient-greek|ang old-english|enm middle-english
"""
_CODES = {
    word: words[0] for line in _LANGUAGES.replace("\n", " ").split("|") for words in [line.split()] for word in words
}
_UNKNOWN = frozenset({"", "--", "mul", "multiple", "mis", "und", "unknown", "zxx", "other", "n/a", "na", "none"})


def language_code(text: str | None) -> str | None:
    """Return the ISO 639-1 code of a language (``eng``, ``en-US`` and ``English`` are ``en``), or None if unknown.

    A text that names no language we know is returned folded: it still equals itself.
    """
    folded = unicodedata.normalize("NFKC", text or "").strip().casefold()
    if folded in _UNKNOWN:
        return None
    if folded in _CODES:
        return _CODES[folded]
    primary = re.split(r"[-_ (/;,]", folded)[0]
    return None if primary in _UNKNOWN else _CODES.get(primary, primary)
