"""Titles and ISBNs made comparable: one folding for look-up and for works.

A title is stored as written and compared by its *search key*. Folding is by NFKC (width, ligatures,
compatibility forms), case, Latin accents, kana (katakana to hiragana) and old kanji forms (旧字体 to
新字体); everything that is neither letter nor digit separates words.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

# 旧字体 -> 新字体: the pairs of the Jouyou table that occur in titles and names, and others met there (森鷗外).
_OLD = (
    "亞惡壓圍醫壹稻飮隱營榮衞驛圓鹽緣應歐毆櫻奧橫溫穩假價禍畫會壞懷繪慨槪擴殼覺學嶽樂渴卷陷勸寬關歡觀"
    "氣歸龜僞戲犧舊據擧虛峽挾狹鄕響曉勤謹區驅勳薰徑惠揭溪經繼莖螢輕鷄藝擊缺儉劍圈檢權獻硏縣險顯驗嚴"
    "吳娛效恆黃鑛號國穀黑濟碎齋劑櫻冊雜參慘棧蠶贊殘絲飼齒兒辭濕實舍寫社者釋煮壽收臭從澁獸縱祝肅處暑敍"
    "緖諸獎將涉燒祥稱證乘剩壤孃條淨狀疊讓釀囑觸寢愼晉眞神盡圖粹醉隨髓數樞瀨聲靜齊攝竊節說專戰淺潛纖踐"
    "錢禪祖雙壯搜插巢爭總聰莊裝騷增憎藏贈臟屬續墮體對帶滯臺瀧擇澤單擔膽團彈斷遲癡蟲晝鑄著廳徵聽鎭遞鐵"
    "轉點傳黨燈當盜稻鬭德獨讀屆繩貳惱腦霸廢拜賣麥發髮拔蠻祕濱甁拂佛倂竝變邊辯瓣辨舖穗寶豐沒飜每萬滿默"
    "彌藥譯豫餘與譽搖樣謠遙來賴亂覽龍兩獵綠壘勵禮隸靈齡戀爐勞樓錄灣"
    "內步戶戾淚卽旣敎晚靑悅閱稅脫銳姬歷曆郞鬪頰瘦强產彥顏攜鷗蟬蘆搔俠塡剝廣壺瑤蠟籠麵絕峯嶋濤"
    "册冰凉劒卻吿啞堯尙幷敕"
    "淸爲鄰祿摑麴烟髙﨑濵邉冨舩槇渕曾礦顚攪繫噓嚙屛潑蔣醬俱吞禱瀆焰萊軀桝頸檜藪龝簞驒罐艷餠"
)
_NEW = (
    "亜悪圧囲医壱稲飲隠営栄衛駅円塩縁応欧殴桜奥横温穏仮価禍画会壊懐絵慨概拡殻覚学岳楽渇巻陥勧寛関歓観"
    "気帰亀偽戯犠旧拠挙虚峡挟狭郷響暁勤謹区駆勲薫径恵掲渓経継茎蛍軽鶏芸撃欠倹剣圏検権献研県険顕験厳"
    "呉娯効恒黄鉱号国穀黒済砕斎剤桜冊雑参惨桟蚕賛残糸飼歯児辞湿実舎写社者釈煮寿収臭従渋獣縦祝粛処暑叙"
    "緒諸奨将渉焼祥称証乗剰壌嬢条浄状畳譲醸嘱触寝慎晋真神尽図粋酔随髄数枢瀬声静斉摂窃節説専戦浅潜繊践"
    "銭禅祖双壮捜挿巣争総聡荘装騒増憎蔵贈臓属続堕体対帯滞台滝択沢単担胆団弾断遅痴虫昼鋳著庁徴聴鎮逓鉄"
    "転点伝党灯当盗稲闘徳独読届縄弐悩脳覇廃拝売麦発髪抜蛮秘浜瓶払仏併並変辺弁弁弁舗穂宝豊没翻毎万満黙"
    "弥薬訳予余与誉揺様謡遥来頼乱覧竜両猟緑塁励礼隷霊齢恋炉労楼録湾"
    "内歩戸戻涙即既教晩青悦閲税脱鋭姫歴暦郎闘頬痩強産彦顔携鴎蝉芦掻侠填剥広壷瑶蝋篭麺絶峰島涛"
    "冊氷涼剣却告唖尭尚并勅"
    "清為隣禄掴麹煙高崎浜辺富船槙淵曽鉱顛撹繋嘘噛屏溌蒋醤倶呑祷涜焔莱躯枡頚桧薮秋箪騨缶艶餅"
)
_KANJI = str.maketrans(_OLD, _NEW)
_KANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}  # katakana ァ..ヶ ヽ ヾ -> hiragana
_ACCENTS = re.compile(  # Latin, Greek, Cyrillic; Hebrew and Arabic points. Not U+3099/309A: the voiced marks of kana
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]"
)
_APOSTROPHES = "'\u2019\u02bc`"
_BLANKS = re.compile("[^\\S\u3000]+")  # the wide blank of Japanese titles stays as written
_OUTER = " \u3000\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"  # what nobody sees at the ends of a text
_CJK = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
)
_VOLUME = re.compile(
    "^(?:[全第]?[0-9０-９一二三四五六七八九十百]+[巻部冊集話編篇回上中下]*|[上中下前後](?:[巻編篇冊]|の[一二三四五])?|完結?[編篇]?)$"
)
_REPEATED = re.compile("(.)[\u3005\u309d\u30fd]")  # 々 ゝ ヽ: the character before, again
_REPEATED_VOICED = re.compile("(.)[\u309e\u30fe]")  # ゞ ヾ: again, voiced
_LAST_BRACKET = re.compile("^(?P<base>.+?)\\s*[(\uff08]\\s*(?P<inside>[^()\uff08\uff09]+?)\\s*[)\uff09]\\s*$")
_SERIES = re.compile(r"^(?P<series>.+?),?\s*#(?P<volume>\d+(?:\.\d+)?)(?P<several>\s*[-–&,]\s*#?\d)?")
_ELLIPSIS = re.compile(r"(?:…|\.\.\.)\s*$")


class _Fold(dict[int, str | int]):
    """What becomes of a character in a search key; worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        """Keep letters, digits and the vowel signs of Indic and Thai writing; drop other marks; the rest is a blank."""
        character, category = chr(code), unicodedata.category(chr(code))
        is_sign = category[0] == "M" and (
            0x0900 <= code < 0x1D00 or 0xA800 <= code < 0xAC00 or code in (0x3099, 0x309A)
        )
        if character.isalnum() or is_sign:
            self[code] = character
        else:
            self[code] = "" if category[0] == "M" or category == "Cf" or character in _APOSTROPHES else " "
        return str(self[code])


_FOLD = _Fold(_KANJI | _KANA)


def clean_text(text: str) -> str:
    """Return `text` as a person would write it: HTML entities resolved, control characters and needless blanks removed.

    Joiners within (Persian, emoji) and characters newer than this Python stay.
    """
    for _ in range(2):  # files exported twice carry &amp;amp;
        text = html.unescape(text)
    visible = "".join(c if c.isprintable() or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text)
    return _BLANKS.sub(" ", visible).strip(_OUTER)


def search_key(text: str) -> str:
    """Return the folded words of `text`, separated by single blanks; equal keys mean the same title.

    Folding a key again changes nothing. Text without any letter or digit (a title may be ``?``)
    keeps its NFKC form, so that two such titles stay apart.
    """
    folded = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    folded = _REPEATED_VOICED.sub("\\1\\1\u3099", _REPEATED.sub(r"\1\1", folded))
    folded = unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", folded)))
    return " ".join(folded.translate(_FOLD).split()) or folded.strip()


def compact_key(text: str) -> str:
    """Return the search key without blanks: brackets and spacing are typed in many ways."""
    return search_key(text).replace(" ", "")


def is_truncated(title: str) -> bool:
    """Say whether a source cut the title short (``アルジャーノンに花束を〔新版…``)."""
    return _ELLIPSIS.search(title) is not None


@dataclass(frozen=True)
class TitleParts:
    """A title taken apart: what it is called, and what its last bracket says."""

    base: str
    imprint: str | None = None
    series: str | None = None
    volume: float | None = None


def split_title(title: str) -> TitleParts:
    """Take the last bracket off a title: a series with number, or else an imprint.

    ``The Hunger Games (The Hunger Games, #1)`` has a series and a volume;
    ``吾輩は猫である (新潮文庫)`` has an imprint. A bracket without CJK characters and without ``#`` is
    part of the title (``Emma (Annotated)`` stays whole), and so is a volume (``海辺のカフカ (上)``).
    """
    if not (match := _LAST_BRACKET.match(title)):
        return TitleParts(title)
    inside = match["inside"]
    if series := _SERIES.match(inside):
        volume = None if series["several"] else float(series["volume"])  # #1-3 is no volume
        return TitleParts(match["base"], series=series["series"].strip(" ,"), volume=volume)
    if _CJK.search(inside) and not _VOLUME.match(inside):
        return TitleParts(match["base"], imprint=inside)
    return TitleParts(title)


def isbn13(text: str | None) -> str | None:
    """Return the ISBN-13 of an ISBN-10 or ISBN-13, or None if its check digit does not hold.

    Hyphens and the ``="..."`` of spreadsheet exports are ignored. An ISBN-10 that lost its leading
    zeros is padded; the check digit then says whether that was right. Numbers in scientific notation, article
    numbers of other goods (the second bar code of a Japanese book) and ``0000000000`` are none.
    """
    plain = unicodedata.normalize("NFKC", text or "")
    if re.search(r"[0-9]\s*[eE][+-]?[0-9]", plain):
        return None
    digits = re.sub(r"[^0-9Xx]", "", plain).upper()
    if len(digits) == 13 and digits.isdecimal():
        return digits if digits[:3] in ("978", "979") and _check13(digits[:12]) == digits[12] else None
    if not 6 <= len(digits) <= 10 or not digits[:-1].isdecimal():
        return None
    ten = digits.zfill(10)
    total = sum((10 - i) * (10 if c == "X" else int(c)) for i, c in enumerate(ten))
    return None if total % 11 or not total else f"978{ten[:9]}{_check13('978' + ten[:9])}"


def _check13(twelve: str) -> str:
    return str(-sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(twelve)) % 10)
