"""Descriptions of books in the Amazon review data: `meta_Books.json` of 2014 and 2018, `meta_Books.jsonl` of 2023.

Lines of 2014 are Python literals, not JSON. Authors are the `brand` of 2014 and 2018 (``Visit Amazon's Paulo Coelho
Page``), and the `store` of 2023 (``Peter Ackroyd (Author)``) or its `author`. Publisher, year, language, ISBN and
format stand in the product details, each in a text of its own making. Of 2018 some titles are the script of the page
that they were taken from; they are none.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator

import polars as pl

from data.progress import Progress
from data.sources.base import NO_READINGS, Parsed
from data.sources.books import FORMAT_WORDS, parse_books
from data.sources.json_lines import Decode, decode_json, open_json_lines, peek_keys
from data.sources.titled import asin_edition, without_asin
from data.sources.upload import SourceFile
from data.sources.values import gather_rejects

_MAX_LITERAL = 1 << 20  # characters: Python needs about a hundred times as many bytes to read it
_COLUMNS = ("title", "subtitle", "brand", "store", "author", "details")
_SCRIPT = "getTime"  # what gives the script of a page away; the publishers of the data say so
_BRAND = re.compile(r"Visit Amazon's (.*) Page")
_NO_STORE = "Format:"
_CREDIT = re.compile(r"([^()]+)\(([^()]*)\)[\s,]*")  # Stephen King (Author),  Frank Muller (Narrator)
_AFTER_PUBLISHER = re.compile(r"\s*[;(].*", re.DOTALL)  # Chatto & Windus; First Edition (January 1, 2004)
_YEAR = re.compile(r"\b(1[4-9]\d\d|20\d\d)\b")
_FORMAT_GIVEN_AWAY = {"listening length": "audio", "file size": "ebook"}
_SUBTITLE_MARK = " – "  # Hardcover – Import, January 1, 2004


def decode_literal(text: str) -> object:
    """Return the value of a Python literal, as JSON could spell it.

    Raises
    ------
    ValueError
        If it is none, or too long.
    """
    if len(text) > _MAX_LITERAL:
        raise ValueError("too long a literal")
    try:
        with warnings.catch_warnings(action="ignore"):  # Python's, of escapes that it does not know
            value = ast.literal_eval(text.strip())
        return decode_json(json.dumps(value))
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("no Python literal") from error


def book_key_of(keys: set[str]) -> str | None:
    """Return the key under which descriptions with these keys have the id of the book; None if they are none."""
    if "parent_asin" in keys and keys & {"store", "details", "main_category"}:
        return "parent_asin"
    old = {"imUrl", "salesRank", "related", "categories", "category", "also_buy", "main_cat", "brand"}
    return "asin" if "asin" in keys and keys & old and "reviewerID" not in keys else None


def peek_metadata(file: SourceFile) -> set[str]:
    """Return the keys of the first descriptions in a file, whatever its spelling."""
    return peek_keys(file) or peek_keys(file, decode_literal)


def decoder_of(file: SourceFile) -> Decode:
    """Return what makes objects of the lines of a file, JSON or Python literals."""
    return decode_json if peek_keys(file) else decode_literal


def parse_amazon_books(file: SourceFile, rating_scale: tuple[float, float], progress: Progress) -> Iterator[Parsed]:
    """Read a file of descriptions part by part.

    Raises
    ------
    BadFile
        If it is no such file.
    """
    key = book_key_of(peek_metadata(file)) or "asin"
    table = open_json_lines(file, required=(key,), wanted=_COLUMNS, decode=decoder_of(file))
    for rows in table.parts(progress):
        picked = rows.pick({"book": key} | {name: name for name in _COLUMNS})
        books, rejects = parse_books(_described(picked))
        yield Parsed(NO_READINGS, books, gather_rejects([rows.rejects, rejects]), 0, rows.encoding, rating_scale)


def _described(rows: pl.DataFrame) -> pl.DataFrame:
    """Return columns as `parse_books` takes them."""
    rows = rows.with_columns(pl.lit("").alias(name) for name in _COLUMNS if name not in rows.columns)
    details = pl.DataFrame([_from_details(cell) for cell in rows["details"]], _DETAILS, orient="row")
    people = zip(rows["store"], rows["author"], rows["brand"], strict=True)
    binding = pl.col("subtitle").str.split(_SUBTITLE_MARK).list.first()
    return rows.hstack(details).with_columns(
        title=pl.when(~pl.col("title").str.contains(_SCRIPT, literal=True)).then("title").otherwise(pl.lit("")),
        authors=pl.Series([_authors(*names) for names in people], dtype=pl.String),
        format=pl.when(pl.col("format") == "").then(binding).otherwise("format"),
        isbn13=pl.concat_str(without_asin("book"), "isbns", separator=";"),
        edition=asin_edition("book"),
    )


_DETAILS = {name: pl.String() for name in ("publisher", "year", "language", "isbns", "format")}


def _from_details(cell: str) -> tuple[str, str, str, str, str]:
    """Return publisher, year, language, ISBNs and format from product details, empty where they are not given."""
    found = _object(cell)
    said = {re.sub(r"[\s:\u200e-]+", " ", name).strip().lower(): str(text) for name, text in found.items()}
    publisher = said.get("publisher", "")
    years = _YEAR.findall(said.get("publication date") or publisher)
    isbns = ";".join(said.get(name, "") for name in ("isbn 13", "isbn 10"))
    formats = [name for name in said if name in FORMAT_WORDS]
    formats += [word for name, word in _FORMAT_GIVEN_AWAY.items() if name in said]
    name = _AFTER_PUBLISHER.sub("", publisher)
    return name, years[-1] if years else "", said.get("language", ""), isbns, formats[0] if formats else ""


def _authors(store: str, author: str, brand: str) -> str:
    """Return the names of the authors, joined by semicolons."""
    credits_ = _CREDIT.findall(store)
    names = [name.strip() for name, role in credits_ if "author" in role.lower()]
    if names or (names := [str(_object(author).get("name") or "")]) != [""]:
        return "; ".join(names)
    other = brand or ("" if store.startswith(_NO_STORE) else store)
    match = _BRAND.fullmatch(other.strip())
    return match[1] if match else _CREDIT.sub(lambda credit: f"{credit[1].strip()}; ", other).strip("; ")


def _object(cell: str) -> dict[str, object]:
    """Return the object that a cell is; an empty one if it is none (in copies as tables, it is a text again)."""
    try:
        value = json.loads(cell) if cell.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
