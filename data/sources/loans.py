"""Rows of a library's loans: what happened, how the loan stands, when it began and ended.

A row is one loan, or one transaction of a log:

- A *loan* is a reading from the day of the check-out. One without a return is a loan as well: in the statistics of
  libraries a loan counts when it begins, and a log that ends today has books out. One that ends before it begins is
  rejected. Where only the return has a day, that is the first day known.
- A *renewal* says that the loan goes on. It becomes a reading without a date, which the ingest merges into the loan of
  the same reader and book without counting it; if that loan began before the log, it is all that is left of it. A
  renewal without a book is that of a membership, and skipped.
- A *hold* (reservation, request) is a wish.
- A *return*, and whatever else a desk does, is no reading: such rows are skipped and counted.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from data.sources.values import STATUS_WORDS, Checked, gather_rejects, parse_dates, set_apart

LOAN, RENEWAL, HOLD, OTHER = "loan", "renewal", "hold", "other"
BEFORE_START = "loan ends before it begins"
UNKNOWN_EVENT = "kind of transaction is not known"


def _by_word(words: dict[str, str]) -> dict[str, str]:
    return {word.strip(): meaning for meaning, text in words.items() for word in text.split(",")}


EVENT_WORDS = _by_word(
    {
        LOAN: """
            o, out, check out, checkout, checked out, checkedout, circ checkout, onsite checkout, issue, issued, loan,
            loaned, lend, lent, lending, borrow, borrowed, borrowing, charge, charged, charge out, pret, prêt, emprunt,
            ausleihe, ausgeliehen, entleihung, verleih, 貸出, 貸し出し, 貸出処理, 借阅, 借书, 借出""",
        RENEWAL: """
            r, renew, renewal, renewed, auto renew, auto renewal, extend, extended, extension, prolongation, prolongé,
            renouvellement, verlängerung, verlängert, 延長, 貸出延長, 継続, 续借""",
        HOLD: """
            h, hb, hi, hv, n, nb, ni, nv, hold, place hold, hold placed, reserve, reserved, reservation, request,
            requested, recall, booking, réservation, vormerkung, reservierung, 予約, リクエスト, 预约""",
        OTHER: """
            i, in, f, fb, fi, fv, u, return, returned, check in, checkin, checked in, checkedin, discharge, discharged,
            retour, rendu, rückgabe, zurückgegeben, 返却, 返却処理, 归还, 还书, localuse, local use, in house use,
            use count, hold filled, filled hold, cancel hold, hold cancelled, hold canceled, request cancelled, cancel,
            cancelled, canceled, expired, 予約取消, 予約取消し, payment, separate payment, fine, fee, writeoff, lost,
            purchase, gift, crossed out, subscription, periodical subscription, supplement, reimbursement""",
    }
)
STATE_WORDS = _by_word(  # of a loan as a whole, in our words
    {
        "read": """
            loan, on loan, checked out, checkedout, out, borrowed, issued, lent, open, active, current, overdue, late,
            renewed, lost, returned, returned late, checked in, checkedin, closed, ended, complete, item returned,
            inactive, bought, missing, unknown, claimed returned, en cours, en prêt, en retard, rendu, retourné,
            ausgeliehen, entliehen, verliehen, überfällig,
            zurückgegeben, zurück, 貸出, 貸出中, 貸出済, 貸出済み, 延滞, 延滞中, 返却, 返却済, 返却済み,
            true, yes, 1""",
        "wish": """
            reserved, reservation, requested, request, waiting, hold, réservé, vorgemerkt, reserviert, 予約, 予約中,
            予約済, false, no, 0""",
    }
)
TRUTH_WORDS = frozenset({"true", "false", "yes", "no", "1", "0"})  # of a column that asks whether the book was read

_N_TIMES = r"^(\d{1,4})(?:\.0*)?$"
_START, _END = "\0start", "\0end"  # names that no file has


class Loans(NamedTuple):
    """Rows that are readings or wishes, rejects, and the number of rows that are neither."""

    good: pl.DataFrame
    rejects: pl.DataFrame
    n_skipped: int


def plain_words(column: str) -> pl.Expr:
    """Return the words of a column as the tables of words here have them."""
    return pl.col(column).fill_null("").str.normalize("NFKC").str.strip_chars().str.to_lowercase().pipe(_single_blanks)


def event_kinds(column: str) -> pl.Expr:
    """Return what kind of transaction each word of a column names; null where that is not known."""
    return plain_words(column).replace_strict(EVENT_WORDS, default=None, return_dtype=pl.String)


def parse_loans(rows: pl.DataFrame) -> Loans:
    """Turn what is special about loans into what `data.sources.values.parse_readings` reads.

    Parameters
    ----------
    rows
        As text: `book`, and any of `event` (the kind of a transaction), `status`, `read_on` (when the loan began),
        `ended_on` and `n_times`; with `file` and `line`.

    Returns
    -------
    Loans
        Rows with `status`, `read_on` and `n_times` where the rows have such columns, or need them.
    """
    rejects, n_rows = [], rows.height
    if "status" in rows.columns:
        rows = rows.with_columns(status=_our_status())
    if "event" in rows.columns:
        rows, unknown = _parse_events(rows)
        rejects.append(unknown)
        n_rows -= unknown.height
    n_skipped = n_rows - rows.height
    if "ended_on" in rows.columns:
        rows, contradictory = _parse_ends(rows)
        rejects.append(contradictory)
    if "n_times" in rows.columns:
        rows, unreadable = _parse_counts(rows)
        rejects.append(unreadable)
    return Loans(rows, gather_rejects(rejects), n_skipped)


def _our_status() -> pl.Expr:
    words = plain_words("status")
    return pl.when(words.is_in(list(STATUS_WORDS))).then("status").otherwise(words.replace(STATE_WORDS)).alias("status")


def _parse_events(rows: pl.DataFrame) -> Checked:
    kind = event_kinds("event")
    unknown = pl.when(kind.is_null()).then(pl.lit(UNKNOWN_EVENT))
    rows, rejects = set_apart(rows, unknown, "event", found=True)
    of_membership = (pl.col("event") == RENEWAL) & (pl.col("book").str.strip_chars() == "")
    rows = rows.with_columns(event=kind).filter((pl.col("event") != OTHER) & ~of_membership)
    status = pl.col("status") if "status" in rows.columns else pl.lit("read")
    rows = rows.with_columns(status=pl.when(pl.col("event") == HOLD).then(pl.lit("wish")).otherwise(status))
    dates = [name for name in ("read_on", "ended_on") if name in rows.columns]
    undated = (pl.when(pl.col("event") == RENEWAL).then(pl.lit("")).otherwise(name).alias(name) for name in dates)
    return Checked(rows.with_columns(undated).drop("event"), rejects)


def _parse_ends(rows: pl.DataFrame) -> Checked:
    """Reject loans that end before they begin; an end that cannot be read says nothing of the loan."""
    if "read_on" not in rows.columns:
        return Checked(rows.rename({"ended_on": "read_on"}), gather_rejects([]))
    rows = rows.with_columns(_days(rows["read_on"]).alias(_START), _days(rows["ended_on"]).alias(_END))
    before = pl.when(pl.col(_END) < pl.col(_START)).then(pl.lit(BEFORE_START))
    good, rejects = set_apart(rows, before, "ended_on", found=True)
    only_end = (pl.col("read_on").str.strip_chars() == "") & pl.col(_END).is_not_null()
    good = good.with_columns(read_on=pl.when(only_end).then("ended_on").otherwise("read_on"))
    return Checked(good.drop("ended_on", _START, _END), rejects)


def _days(texts: pl.Series) -> pl.Series:
    """Return the days that texts name; null where they name none, or only a month or a year."""
    distinct = texts.unique()
    named = pl.DataFrame([distinct.alias("read_on"), distinct.alias("text")])
    dates = parse_dates(named.with_columns(file=pl.lit(""), line=pl.lit(0, pl.Int64))).good
    dates = dates.filter(pl.col("read_on_precision") == "day").select("text", day="read_on")
    return pl.DataFrame([texts.alias("text")]).join(dates, on="text", how="left", maintain_order="left")["day"]


def _parse_counts(rows: pl.DataFrame) -> Checked:
    text = pl.col("n_times").str.normalize("NFKC").str.strip_chars()
    count = pl.when(text == "").then(1).otherwise(text.str.extract(_N_TIMES).cast(pl.Int32))
    good, rejects = set_apart(
        rows, pl.when(count.is_null()).then(pl.lit("count is not a number")), "n_times", found=True
    )
    return Checked(good.with_columns(n_times=count.clip(lower_bound=1).cast(pl.Int32)), rejects)


def _single_blanks(words: pl.Expr) -> pl.Expr:
    return words.str.replace_all(r"[-_\s]+", " ")
