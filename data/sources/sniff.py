"""Which column of a table means what, worked out from its headers and checked against its first rows.

The answer is certain, or it is a question: `BadConfig` shows what was found, and the mapping to be completed. Certain
means that one column only can be the reader, the book, the date and the rating; that dates can be read, ratings
are on a scale that shows, and kinds of rows are known; and that a table of books, if there is one, has those that
were read. Of columns that tell the same things apart one to one, either will do.
"""

from __future__ import annotations

from collections.abc import Sequence

from data.errors import BadFile
from data.sources import evidence
from data.sources.base import Mapping
from data.sources.dates import YMD, year_first
from data.sources.draft import Draft
from data.sources.headers import DATE_ROLES, LOOSE_RATINGS, STATUS_ROLES, header_key, role_of
from data.sources.loans import (
    EVENT_WORDS,
    HOLD,
    LOAN,
    OTHER,
    RENEWAL,
    STATE_WORDS,
    TRUTH_WORDS,
    event_kinds,
    plain_words,
)
from data.sources.pairing import find_books
from data.sources.seen import Seen, ledgers_among, look_at
from data.sources.upload import Upload
from data.sources.values import STATUS_WORDS

MIN_ROWS = 1_000  # in so many rows, readers come back
_STATUSES = (STATUS_WORDS.keys() | STATE_WORDS.keys()) - TRUTH_WORDS
_RETURNED = STATE_WORDS.keys() | EVENT_WORDS.keys() | TRUTH_WORDS
LEAVE_OUT = "leave this line out, or"
YEAR_OF_TWO_DIGITS = " If the year comes first, write it with four digits"
WHICH_READER = "which column? If all rows are of one reader, leave this line out and name the reader"


def sniff(upload: Upload, *, reader_is_known: bool) -> Mapping:
    """Return the mapping of the tables of an upload.

    Parameters
    ----------
    reader_is_known
        Whether the user says whose readings they are, so that no column need do so.

    Raises
    ------
    BadConfig
        With a mapping to be completed, if anything is not certain.
    """
    tables = look_at(upload)
    if not tables:
        raise BadFile(upload.path, found="no table with rows", expected="a table of readings", remedy="name the file")
    draft = Draft()
    ledgers = ledgers_among(tables, reader_is_known=reader_is_known)
    ledger = ledgers[0] if ledgers else max(tables, key=lambda table: table.n_known)
    if any(set(other.cells.columns) != set(ledger.cells.columns) for other in ledgers):
        draft.questions["file"] = " or ".join(table.file.name for table in ledgers) + "?"
    elif upload.single is None:
        draft.readings_files = tuple(table.file.name for table in ledgers or [ledger])
    catalogues = [table for table in tables if table.is_catalogue and table not in [ledger, *ledgers]]
    _explain(draft, ledger, catalogues, reader_is_known=reader_is_known)
    if draft.questions or draft.book_questions:
        raise draft.refusal(upload.path, [table.described for table in tables])
    return draft.mapping()


def _explain(draft: Draft, ledger: Seen, catalogues: Sequence[Seen], *, reader_is_known: bool) -> None:
    """Find out what each column of the readings means."""
    _find_status(draft, ledger)
    if event := draft.readings.get("event"):
        ledger = ledger.where(event_kinds(event).is_in([LOAN, HOLD]))  # other rows may have no book, or no reader
    _find_reader(draft, ledger, reader_is_known=reader_is_known)
    find_books(draft, ledger, catalogues)
    _find_dates(draft, ledger)
    _find_rating(draft, ledger)
    _find_count(draft, ledger)


def _find_reader(draft: Draft, ledger: Seen, *, reader_is_known: bool) -> None:
    columns = ledger.named("reader")
    if not columns and reader_is_known:
        return
    if (reader := ledger.only(columns) if columns else None) is None:
        draft.questions["reader"] = f"{' or '.join(columns)}?" if columns else WHICH_READER
        return
    draft.readings["reader"] = reader
    if ledger.cells.height >= MIN_ROWS and not ledger.comes_back(reader):
        draft.questions["reader"] = "every row has another: is it the reader?"


def _find_dates(draft: Draft, ledger: Seen) -> None:
    for role in DATE_ROLES:
        columns = [name for name in ledger.named(role) if evidence.has_dates(ledger[name])]
        orders = {name: evidence.date_order(ledger[name]) for name in columns}
        readable = [name for name, order in orders.items() if order is not None]
        if columns and not readable:
            _ask_for_dates(draft, ledger, columns[0])
            return
        if readable:
            draft.readings["read_on"], draft.date_order = readable[0], orders[readable[0]] or YMD
            days = [year_first(ledger[name], orders[name] or YMD) for name in readable]
            if any(not evidence.are_same_days(days[0], other) for other in days[1:]):
                draft.questions["read_on"] = f"{' or '.join(readable)}?"
            break
    _find_end(draft, ledger)


def _ask_for_dates(draft: Draft, ledger: Seen, column: str) -> None:
    draft.readings["read_on"] = column
    if evidence.is_day_or_month_first(ledger[column]):
        hint = YEAR_OF_TWO_DIGITS if evidence.has_short_years(ledger[column]) else ""
        draft.questions["date_order"] = f"how are the dates of {column} written: dmy or mdy?{hint}"
    else:
        draft.questions["read_on"] = f"cannot be read as dates: {LEAVE_OUT} write them as 2024-05-31"


def _find_end(draft: Draft, ledger: Seen) -> None:
    began = draft.readings.get("read_on")
    is_span = began is not None and role_of(began) == "started"
    for name in ledger.named("ended", "finished") if is_span else ledger.named("ended"):
        if (order := evidence.date_order(ledger[name])) is not None and (began is None or order == draft.date_order):
            draft.readings["read_on" if began is None else "ended_on"] = name
            draft.date_order = order
            return
    dated = [name for name in ledger.named("ended") if began is None and evidence.has_dates(ledger[name])]
    words = {name: set(ledger.cells.select(word=plain_words(name))["word"]) - {""} for name in dated}
    unreadable = [name for name in dated if not words[name] <= _RETURNED]  # it may only say whether a book is back
    if unreadable:
        _ask_for_dates(draft, ledger, unreadable[0])


def _find_rating(draft: Draft, ledger: Seen) -> None:
    rated = [name for name in ledger.named("rating") if evidence.has_ratings(ledger[name])]
    columns = [name for name in rated if evidence.is_numeric(ledger[name], evidence.MIN_READ)]
    unreadable = [name for name in rated if name not in columns and header_key(name) not in LOOSE_RATINGS]
    if unreadable and not columns:
        draft.readings["rating"] = unreadable[0]
        draft.questions["rating"] = f"cannot be read as ratings: {LEAVE_OUT} write them as numbers"
    columns = [name for name in columns if not evidence.is_flag(ledger[name])]
    if not columns:
        return
    if (rating := ledger.only(columns)) is None:
        draft.questions["rating"] = f"{' or '.join(columns)}?"
        return
    draft.readings["rating"] = rating
    draft.scale = evidence.rating_scale(ledger[rating])
    if draft.scale is None:
        low, high = evidence.number_range(ledger[rating])
        draft.questions["rating_scale"] = f"[lowest, highest] that is possible? Seen: {low:g} to {high:g}"
        if low <= 0:
            draft.questions["no_rating"] = f'"{low:g}" if that stands for no rating; else leave this line out'


def _find_status(draft: Draft, ledger: Seen) -> None:
    """Find the column that says which rows are loans, readings or wishes: what is not read must not count as read."""
    is_of_loans = bool(ledger.named("started", "ended", "due"))
    unknown = []
    for name in ledger.named(*STATUS_ROLES):
        words = set(ledger.cells.select(word=plain_words(name))["word"].unique()) - {""}
        kinds = {EVENT_WORDS.get(word) for word in words}
        is_log = not is_of_loans and LOAN in kinds and bool(kinds & {RENEWAL, HOLD, OTHER})
        if words and words <= _STATUSES and not is_log:
            draft.readings.setdefault("status", name)
        elif kinds & {LOAN, RENEWAL}:
            draft.readings.setdefault("event", name)
        elif words and role_of(name) != "kind":
            unknown.append(name)
    for name in ledger.named("is_read"):
        if set(ledger.cells.select(word=plain_words(name))["word"]) <= TRUTH_WORDS:
            draft.readings.setdefault("status", name)
    if unknown and not {"status", "event"} & draft.readings.keys():
        draft.readings["status"] = unknown[0]
        draft.questions["status"] = (
            "does it say which rows were read? It has words that are not known; else leave it out"
        )


def _find_count(draft: Draft, ledger: Seen) -> None:
    counts = [name for name in ledger.named("n_times") if evidence.is_numeric(ledger[name])]
    if len(counts) == 1:
        draft.readings["n_times"] = counts[0]
