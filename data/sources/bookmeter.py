"""読書メーター (Bookmeter), which has no export: what people scrape from it with scripts of their own.

**Lists**: CSV or JSON files with one row per book of one of a reader's four lists, by tools such as
dogatana/bookmeter, shuuji3/bookmeter-exporter, hyperfinitism/bookmeterjson, okaryo/BookMeterRecordScraping and
shirafukayayoi/Bookmeter_LoadBookList. Columns go by their names, in Japanese or English; a file without a header is
not read. Which list it is says a column or else the name of the file (``1234_20200101_stacked.csv``): read, reading,
and 積読本 (owned, unread) and 読みたい本, which both are wishes; a name that says nothing is of books read, the only
list that most of the tools know. The lists of one reader are told from those of another by what is left of the names
without the words for lists and dates; if nothing is left, by the name of the folder or archive.

**Pairs** (data.sources.bookmeter_pairs): a file of titles and one of authors per reader.

Titles may be cut at 23 characters (``…``), and stay as written. Books have Bookmeter's own number or the ISBN for an
id where a file has one (in a column, or in the address of a page), else title and first author.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import Options, Parsed, Source
from data.sources.bookmeter_pairs import Pair, find_pairs, parse_pairs
from data.sources.delimited import open_delimited, peek_columns
from data.sources.documents import open_document, peek_document_keys
from data.sources.encoding import peek_utf8
from data.sources.headers import header_key
from data.sources.personal import parse_export, require_one_reader
from data.sources.rows import Rows, Table, require_columns
from data.sources.titled import BooksWithin, asin_edition, without_asin
from data.sources.upload import SourceFile, Upload

BOOKMETER = "bookmeter:"

# Ours -> theirs, the best first: those of JSON with dots between levels; compared by `header_key`.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "title": ("title", "book title", "book.title", "タイトル", "書名", "本のタイトル", "書籍名", "作品名"),
    "authors": ("author", "authors", "author(s)", "book author", "book.author.name", "著者", "著者名", "作者"),
    "read_on": ("read date", "date", "date read", "読了日", "読んだ日", "日付", "review date", "review.read_at"),
    "status": ("status", "list", "状態", "ステータス", "読書状況", "種別", "リスト"),
    "publisher": ("publisher", "出版社"),
    "year": ("published date", "発売日", "出版年", "出版日"),
    "isbn13": ("isbn", "isbn13", "isbn_or_asin", "asin", "book asin"),
    "number": ("book_id", "book number"),
    "url": ("bookmeter_url", "book_path", "url", "リンク", "link", "book.url"),
    "shop": ("amazon_url", "url", "book.url"),
}
# What the tools write besides, and nobody reads here; `name` is an author's.
_OTHER_COLUMNS = (
    "page pages book_page book.page detail_pages detail_authors ページ ページ数 cover image image_url book_image_url "
    "表紙 画像 review review_text review.text review.is_netabare review.is_draft review_is_spoiler review_is_draft "
    "感想 レビュー 感想・レビュー ネタバレ bookcases bookcase_names 本棚 class recordsCount records books book name"
)
_KNOWN = {header_key(name) for names in (*_COLUMNS.values(), _OTHER_COLUMNS.split()) for name in names}
_TITLES = {header_key(name) for name in _COLUMNS["title"]}
_DETAILS = {header_key(name) for name in ("読了日", "読んだ日", "ページ数", "ページ", "感想", "感想・レビュー")}
_OF_TOOLS = {"bookmeter_url", "book_path"}
_PERHAPS_OF_TOOLS = {"author(s)", "bookAsin"}  # if nothing strange stands beside them
_MARKS = (b"bookmeter", b'"BookList"')  # in addresses of pages and pictures; of dogatana/bookmeter
_SUFFIXES = (".csv", ".tsv", ".txt", ".json")
_JSON_SUFFIX = ".json"

_LISTS = {
    "wish": r"積読本?|積ん読本?|読みたい本?|stacked|tsundoku|yomitai|unread|wish(?:[-_ ]?list)?|to[-_ ]?read"
    r"|reading[-_ ]list",
    "reading": r"読んでいる本?|読んでる本?|読書中|yonderu|reading(?![-_ ]?(?:history|log|records?|data|diary|notes?))",
    "read": r"読んだ本?|読了本?|yonda|finished|read",
}
_WORD = r"(?<![A-Za-z])(?:{})(?![A-Za-z])"
_DATE = r"(?<!\d)(?:19|20)\d\d[-_]?\d\d[-_]?\d\d(?!\d)"
_NOT_A_READER = re.compile(_WORD.format("|".join((*_LISTS.values(), "books?", _DATE))), re.IGNORECASE)
_LEFT_OVER = re.compile(r"[\s/_-]+(?=[\s/_-]|$)|^[\s/_-]+")
_UNKNOWN_AUTHORS = ("None", "著者不明", "不明")  # Python's for a cell with links; a tool's own
_OWN_PAGE = r"(?:bookmeter\.com|^)/books/(\d+)"
_SHOP_PAGE = r"amazon\.[a-z.]+/(?:[^?#]*/)?(?:dp|product)/(?:product/)?([0-9A-Z]{10})\b"


class Bookmeter(Source):
    """Bookmeter as scraped."""

    name = "bookmeter"
    describes = "CSV or JSON lists scraped from Bookmeter, or a folder of title_<id>.txt and authors_<id>.txt"
    names_readers = True

    def recognises(self, upload: Upload) -> bool:
        """Say whether there are pairs, or lists with columns of the tools."""
        return bool(find_pairs(upload)) or any(_is_list(file) for file in upload.files)

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the files of pairs and the lists; a file by itself is a list, whatever it looks like."""
        pairs = find_pairs(upload)
        files = [file for pair in pairs for file in pair.files] + _lists(upload, pairs)
        if not files:
            raise BadFile(upload.path, found="no such file", expected=self.describes, remedy="name the file")
        return files

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the pairs, then the lists, each whole: it is of one reader.

        Raises
        ------
        BadFile
            If a list is no table with a title.
        BadConfig
            If the options name one reader, and there are several.
        """
        pairs = find_pairs(upload)
        readers = {file: _reader_of(file, upload) for file in _lists(upload, pairs)}
        require_one_reader(upload, {pair.reader for pair in pairs} | set(readers.values()), options)
        within = BooksWithin()
        yield from parse_pairs(pairs, options, within, progress)
        for file, reader in readers.items():
            rows = _open_list(file).whole(progress)
            yield parse_export(rows, _describe(rows, file), options.reader or reader, None, within)


def _lists(upload: Upload, pairs: list[Pair]) -> list[SourceFile]:
    if upload.single is not None and not pairs:
        return [upload.single]
    paired = {file.name for pair in pairs for file in pair.files}
    return [file for file in upload.files if file.name not in paired and _is_list(file)]


def _is_list(file: SourceFile) -> bool:
    """Say whether a file has a title and what only Bookmeter's tools write; never raises."""
    if file.suffix not in _SUFFIXES:
        return False
    names = set(peek_document_keys(file) if file.suffix == _JSON_SUFFIX else peek_columns(file))
    keys = {header_key(name) for name in names}
    if not keys & _TITLES or names & _OF_TOOLS:
        return bool(keys & _TITLES)
    if not keys <= _KNOWN:
        return False
    if names & _PERHAPS_OF_TOOLS or keys & _DETAILS:
        return True
    head = peek_utf8(file)
    return any(mark in head for mark in _MARKS)


def _open_list(file: SourceFile) -> Table:
    table = open_document(file) if file.suffix == _JSON_SUFFIX else open_delimited(file)
    if "title" not in _columns(table.columns):
        require_columns(file.shown, table.columns, ("title",))
    return table


def _columns(names: Sequence[str]) -> dict[str, str]:
    """Return our name -> theirs."""
    keys = {header_key(name): name for name in reversed(names)}
    found = {ours: [keys[key] for key in map(header_key, theirs) if key in keys] for ours, theirs in _COLUMNS.items()}
    return {ours: theirs[0] for ours, theirs in found.items() if theirs}


def _describe(rows: Rows, file: SourceFile) -> pl.DataFrame:
    """Return columns of readings and of books, as text."""
    cells = rows.pick(_columns(rows.cells.columns))
    absent = {name: pl.lit("") for name in _COLUMNS if name not in cells.columns}
    listed = pl.lit(_list_of(file.stem))
    cells = cells.with_columns(**absent)
    status = pl.when(pl.col("status").str.strip_chars() != "").then("status").otherwise(listed)
    cells = cells.with_columns(number=pl.coalesce(_number("number"), _number("url")), shop=_shop_id(), status=status)
    return cells.with_columns(
        authors=pl.when(~pl.col("authors").str.strip_chars().is_in(_UNKNOWN_AUTHORS)).then("authors"),
        book="number",
        isbn13=without_asin("shop"),
        edition=pl.coalesce(pl.lit(BOOKMETER) + pl.col("number"), asin_edition("shop")),
    ).drop("number", "url", "shop")


def _number(column: str) -> pl.Expr:
    """Return Bookmeter's number of a book, written as such or as a page's address."""
    text = pl.col(column).str.strip_chars()
    return pl.coalesce(text.str.extract(_OWN_PAGE), text.str.extract(r"^(\d+)$"))


def _shop_id() -> pl.Expr:
    """Return the ISBN or Amazon's id, from its column or a page's address."""
    given = pl.col("isbn13").str.strip_chars()
    return pl.when(given != "").then(given).otherwise(pl.col("shop").str.extract(_SHOP_PAGE)).fill_null("")


def _list_of(stem: str) -> str:
    """Return the status of the books in a list of that name."""
    named = (status for status, words in _LISTS.items() if re.search(_WORD.format(words), stem, re.IGNORECASE))
    return next(named, "read")


def _reader_of(file: SourceFile, upload: Upload) -> str:
    """Return what a name says without lists and dates, else the upload's own name."""
    left = _NOT_A_READER.sub("", file.name_without_suffix)
    return _LEFT_OVER.sub("", left) or upload.path.stem
