"""Which column of readings tells the books apart, and which table describes them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from data.progress import Quiet
from data.sources import evidence
from data.sources.draft import Draft
from data.sources.headers import BOOK_ROLES, TEXT_ROLES, header_key, role_of
from data.sources.seen import Seen
from data.sources.tabular import open_table
from data.sources.upload import SourceFile

MIN_KNOWN = 0.5  # of the books read, in the table that describes them


def find_books(draft: Draft, ledger: Seen, catalogues: Sequence[Seen]) -> None:
    """Find the column with the books of the readings, and what describes them; ask what is not certain."""
    columns = _book_columns(draft, ledger)
    draft.books = texts = _texts(ledger)
    if "book" in draft.questions:
        return
    if columns:
        draft.readings["book"] = columns[0]
    elif "title" not in texts:
        draft.questions["book"] = "which column?"
    for column in columns[:1] if "title" in texts else columns:
        pairs = [(table, key) for table in catalogues if (key := _key_of(table, ledger, column)) is not None]
        if len(pairs) > 1:
            draft.book_questions["file"] = " or ".join(table.file.name for table, _ in pairs) + "?"
        if pairs:
            (catalogue, key), draft.readings["book"] = pairs[0], column
            draft.books_file, draft.books = catalogue.file.name, {"book": key} | _texts(catalogue, key)
            return
    if columns and "title" not in texts and evidence.are_titles(ledger[columns[0]]):
        texts["title"] = draft.readings.pop("book")  # the column of books has their titles
    elif catalogues and columns and "title" not in texts:
        draft.books_file, draft.books = catalogues[0].file.name, _texts(catalogues[0])
        draft.book_questions["book"] = f"which column of {draft.books_file} has what {columns[0]} has?"


def _book_columns(draft: Draft, ledger: Seen) -> list[str]:
    """Return the columns that tell books apart, the best first; ask if two are as good."""
    found: list[str] = []
    for role in BOOK_ROLES:
        columns = ledger.filled(ledger.named(role))
        if not columns:
            continue
        if (column := ledger.only(columns)) is not None:
            found.append(column)
        elif not found:
            draft.questions["book"] = f"{' or '.join(columns)}?"
    titles = ledger.named("title")
    if not found and titles:  # a bare id may be that of the row: only one that comes back with its title is a book's
        ids = [name for name in ledger.named("id") if not evidence.is_key(ledger[name])]
        found = [name for name in ids if _has_one_each(ledger[name], ledger[titles[0]])]
    return found


def _has_one_each(ids: pl.Series, titles: pl.Series) -> bool:
    pairs = pl.DataFrame([ids.alias("id"), titles.alias("title")])
    return pairs.n_unique() <= pairs["id"].n_unique() / evidence.MIN_SHARE


def _key_of(catalogue: Seen, ledger: Seen, column: str) -> str | None:
    """Return the column of a table of books that has what `column` of the readings has; None if no one does."""
    same = [name for name in catalogue.cells.columns if header_key(name) == header_key(column)]
    similar = catalogue.named(role_of(column) or "id", "id")
    for candidates in (same, similar):
        keys = [name for name in candidates if evidence.is_key(catalogue[name])]
        keys = [name for name in keys if _known_share(ledger[column], catalogue.file, name) >= MIN_KNOWN]
        if keys:
            return keys[0] if len(keys) == 1 else None
    return None


def _known_share(read: pl.Series, file: SourceFile, key: str) -> float:
    """Return the share of the books read that a table of books has."""
    unknown = books = read.str.strip_chars().unique()
    for rows in open_table(file, required=(key,), wanted=()).parts(Quiet()):
        known = rows.cells.get_column(key).alias("cell").str.strip_chars()
        unknown = unknown.filter(~unknown.is_in(known.implode()))
    return 1 - len(unknown) / len(books)


def _texts(table: Seen, key: str | None = None) -> dict[str, str]:
    """Return our columns of a book -> those of the table, the most filled where several are called so."""
    found = {role: columns for role in TEXT_ROLES if (columns := table.named(role))}
    if "title" not in found and table.is_catalogue:
        found["title"] = table.named("name")
    texts = {role: max(columns, key=lambda name: evidence.filled_share(table[name])) for role, columns in found.items()}
    isbns = {name: evidence.isbn_share(table[name]) for name in table.named("isbn")}
    if isbns and max(isbns.values()) > 0:
        texts["isbn13"] = max(isbns, key=lambda name: isbns[name])
    works = table.named("work") or (table.named("record") if key and role_of(key) in ("item", "copy") else [])
    if works and works[0] != key:
        texts["work"] = works[0]
    return texts
