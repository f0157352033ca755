"""What the columns of readings and of loans are called, in the languages that libraries write them in.

A header is compared without case, accents, blanks and marks: ``User-ID``, ``userId`` and ``USER_ID`` are one. It has
a role only if all of it is known: ``average_rating`` is no rating, ``user_name`` no reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from data.editions import compact_key

# Roles of one kind, the best first: a record of the catalogue before the copy that was lent.
BOOK_ROLES = ("record", "book", "work", "item", "isbn", "copy")
DATE_ROLES = ("started", "finished", "read_on", "added")
STATUS_ROLES = ("status", "event", "kind")
LOOSE_RATINGS = ("note", "notes", "like", "likes", "liked")  # of a column of texts they say something else
TEXT_ROLES = ("title", "authors", "publisher", "year", "language", "format", "series", "volume", "imprint")

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TYPE = re.compile(r":(?:token|float)(?:_seq)?$")  # RecBole writes the type behind the name

_AFTER_IDS = """
    id ids identifier number no nr num code key uri uris uuid hash idx index barcode record recordid
    primaryidentifier nummer kennung 番号 コード"""
_BEFORE_IDS = "id identifiant numero numerode n no code codede"
_BEFORE_TEXTS = "book item biblio the"

# Of what a column of ids may hold the ids: any of these words, with or without a word for "id".
_THINGS = {
    "reader": """
        user reader patron borrower member customer reviewer cardholder subscriber student account client card
        librarycard usercard patroncard readercard membercard libraryuser usr lecteur emprunteur usager adherent abonne
        utilisateur carte cartelecteur membre benutzer leser nutzer entleiher ausleiher kunde kunden mitglied mitglieds
        ausweis leserausweis bibliotheksausweis usuario lector socio prestatario utente lettore tessera lezer lener
        利用者 会員 読者 ユーザー ユーザ 貸出者 借受者 利用者カード 貸出カード 会員カード 学籍
        用户 用戶 借阅者 读者证""",
    "record": """
        biblio bib bibrecord bibliorecord bibliographicrecord catalogrecord cataloguerecord catalog mms oclc
        manifestation instance notice noticebiblio titelsatz katalog 書誌 書誌レコード""",
    "book": """
        book publication document livre ouvrage buch werk libro publicacion 本 図書 書籍 作品 图书 书籍""",
    "work": "work oeuvre 著作",
    "item": "item product media medium medien 資料",
    "copy": "copy barcode bookcopy itemcopy accession inventory exemplar exemplaire 蔵書 所蔵",
}
# The same, but only with a word for "id": alone they are texts.
_NAMED_THINGS = {"book": "title titel titre"}

# What a text about a book may be called, with or without "book" before it.
_TEXTS = {
    "title": "title titel titre titulo titolo",
    "name": "name",
    "authors": "author authorname creator writer firstauthor auteur autor autoren autore verfasser",
    "publisher": "publisher editeur maisondedition verlag editorial editore 出版社 出版者 発行所 発行者",
    "year": """
        year publicationyear yearofpublication publishyear publishedyear yearpublished pubyear
        originalpublicationyear pubdate publicationdate publisheddate datepublished datepub erscheinungsjahr jahr
        annee anneedepublication anneedition ano anno 出版年 刊行年 発行年 出版年月 出版日 刊行日 発行日""",
    "language": "language languagecode lang sprache langue idioma lingua 言語",
    "format": "format binding 形態 判型",
    "series": "series reihe シリーズ シリーズ名",
    "volume": "volume vol tome 巻 巻次",
    "imprint": "imprint レーベル",
    "rating": "rating score star grade overall rate bewertung sterne evaluation 評価 評点 おすすめ度 评分",
}

_OTHERS = {
    "reader": "u uid who",
    "item": "i iid",
    "isbn": "isbn isbns isbn10 isbn13 isbnvalid validisbn isbncode bookisbn asin isbn番号 isbnコード ean",
    # What Koha, Sierra and Japanese systems print as bars: of a copy, not of what it is a copy of.
    "copy": """
        itemnumber itembarcode itemrecord itemrecordid 資料番号 資料コード 資料バーコード 登録番号 バーコード""",
    "id": "id",
    "title": """
        buchtitel titleordescription 題名 書名 書籍名 図書名 資料名 本のタイトル タイトル 書籍タイトル 书名""",
    "authors": "著者 著者名 作者 作家 著者等 責任表示",
    "rating": """
        userrating myrating ratingvalue starrating reviewscore reviewrating reviewoverall note notes like liked
        puntuacion calificacion ratingscore ratinggiven 星 満足度""",
    "started": """
        start started startdate datestarted startedat startedon startedreading xactstart begin begindate
        checkout checkoutdate checkouttime checkoutdatetime checkoutgmt checkedout checkedoutat datecheckedout
        loan loandate loantime loanedat loanedon loandatetime loandatecheckedout dateloaned dateofloan loanstart
        borrow borrowed borrowdate borroweddate borrowedat borrowedon dateborrowed borrowtime borrowingdate
        issued issuedate issueddate issuedat dateissued dateofissue outdate dateout lentdate lent lentat lendingdate
        chargedate
        pret datepret datedepret datedupret emprunt dateemprunt datedemprunt debut datedebut
        von ausleihe ausleihdatum ausgeliehen ausgeliehenam entleihdatum entliehenam leihdatum leihbeginn
        fechaprestamo dataprestito 貸出 貸出日 貸出日時 貸出年月日 貸出開始日 読み始めた日 読書開始日
        借阅日期 借书日期""",
    "finished": """
        finished finishedat finishedon finishdate datefinished finishedreading completed completedat readat readon
        dateread readdate datelecture datedelecture gelesenam 読了日 読んだ日""",
    "read_on": """
        date datetime time timestamp ts t day when unixtime unixreviewtime reviewtime reviewdate accesstime eventtime
        eventdate ratedat ratingdate transactiondate transactiontime transactiongmt datum zeitpunkt
        日付 日時 年月日 読書日 処理日 処理日時 日期 时间""",
    "added": "dateadded addedat addedon createdat createdon datecreated created createddate 登録日 登録日時 作成日",
    "ended": """
        end ended enddate endedat return returned returndate datereturned returnedat returnedon returneddate
        returntime dateofreturn loanreturndate checkin checkindate checkintime checkedin checkedinat datecheckedin
        actualreturndate retour dateretour datederetour rendu rendule fin datefin
        bis ruckgabe ruckgabedatum ruckgabeam zuruckgegeben zuruckgegebenam leihende fechadevolucion devolucion
        返却 返却日 返却日時 返却年月日 実返却日 貸出終了日 归还日期 还书日期""",
    "due": """
        due duedate datedue dueat dueon duegmt loanduedate loandatedue duetime expectedreturndate echeance dateecheance
        dateretourprevue dateretourprevu retourprevu fallig falligam falligkeit falligkeitsdatum leihfrist
        leihfristende fristende 返却期限 返却期限日 返却予定日 期限 返却期日 貸出期限 应还日期""",
    "status": """
        status shelf exclusiveshelf bookshelf readingstatus readstatus loanstatus circulationstatus checkoutstatus
        borrowstatus bookstatus statut etat zustand 状態 ステータス 読書状況 読書状態 貸出状況 貸出状態""",
    "is_read": "isread read hasread",
    "event": """
        event eventtype eventname action actiontype transaction transactiontype transtype transactioncode circtype
        circulationtype circaction operation operationtype op opcode activity activitytype interaction
        interactiontype vorgang vorgangsart mouvement typemouvement typedoperation
        処理 処理区分 取引区分 操作 貸出区分""",
    "kind": "type kind typ art state 種別 区分",
    "n_times": """
        readcount timesread ntimes nreads nloans checkoutcount loancount borrowcount numberofloans numberofcheckouts
        読書回数 読んだ回数 貸出回数 借りた回数""",
}


def header_key(header: str) -> str:
    """Return what headers are compared by."""
    return compact_key(_CAMEL.sub(" ", _TYPE.sub("", header.strip())))


def role_of(header: str) -> str | None:
    """Return what a column of that name holds, or None if that is not known."""
    return _ROLES.get(header_key(header))


def with_roles(headers: Iterable[str], *roles: str) -> list[str]:
    """Return the headers that have one of the roles, in the order given."""
    return [header for header in headers if role_of(header) in roles]


def names_by_role() -> dict[str, set[str]]:
    """Return every name that a column of each role may have, as `header_key` writes it."""
    names: dict[str, set[str]] = {}
    for role, things in _THINGS.items():
        names[role] = _with_plurals(things) | _identified(things)
    for role, things in _NAMED_THINGS.items():
        names[role] |= _identified(things)
    for role, texts in _TEXTS.items():
        words = _with_plurals(texts)
        names[role] = words | {owner + word for owner in _BEFORE_TEXTS.split() for word in words}
    for role, others in _OTHERS.items():
        names[role] = names.get(role, set()) | set(others.split())
    for role in ("reader", "item"):  # the more exact word decides: itemnumber is a copy
        names[role] -= names["copy"]
    return {role: {header_key(word) for word in words} for role, words in names.items()}


def _with_plurals(words: str) -> set[str]:
    return {form for word in words.split() for form in (word, f"{word}s")}


def _identified(things: str) -> set[str]:
    words = _with_plurals(things)
    after = {word + mark for word in words for mark in _AFTER_IDS.split()}
    return after | {mark + word for word in words for mark in _BEFORE_IDS.split()}


def _roles_by_name(names: Mapping[str, set[str]]) -> dict[str, str]:
    return {word: role for role, words in names.items() for word in words}


_ROLES = _roles_by_name(names_by_role())
