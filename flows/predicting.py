"""The command `predict`: what a reader will think of a book, whether they read it next, and why that is not sure."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

from data.errors import BadHistory, UnknownBook, WagahaiError
from data.release import Release
from data.spreadsheet import visible
from data.store import Store
from flows.answers import percent
from flows.placing import reader_id
from flows.reading import open_store, row_of
from flows.tables import write_csv, write_json, write_table
from pipeline.asked_reader import AskedReader, asked_reader, book_of_history
from pipeline.disclosure import least_told
from pipeline.doubt_config import RATING, TASKS, WILL_READ
from pipeline.lookup import find_book
from pipeline.predictions import Asked, Liked, ReadNext
from pipeline.rating_metrics import BOOK_EDGES, KNOWN, READER_EDGES, known_groups
from pipeline.rating_task import SETS

HELPS = 0.15  # share of the doubt from which on more ratings are said to help
_BAR = 40  # blocks of a probability of 1
_LEVELS = {"rating": "rating", "said": "probability", "bar": ""}
_CSV = ("rating", "p", "mean", "low50", "high50", "low90", "high90", "p_read")


def predict(chosen: argparse.Namespace) -> int:
    """Print what a reader will think of a book."""
    if (chosen.title is None) == (chosen.book is None):
        raise WagahaiError("name one book: a title in quotes, or --book ID")
    store = open_store(chosen.store)
    release = Release.open(store, chosen.release)
    asked = Asked(store, release)
    if not asked.tasks:
        raise WagahaiError(f"release {release.id} predicts nothing: {'; '.join(_reasons(asked).values())}")
    row, title, authors = _book(store, release, chosen)
    reader = asked_reader(store, release, reader_id(chosen.reader), chosen.namespace, *asked.scale)
    liked = read = None
    if RATING in asked.tasks:
        liked = asked.liked_unknown(reader, authors) if row is None else asked.liked(reader, np.array([row]))
    if WILL_READ in asked.tasks and row is not None and row not in reader.rows:
        read = asked.read_next(asked.known(reader), np.array([row]))
    record = _record(asked, reader, row, title, liked, read)
    if chosen.format == "json":
        write_json(record)
    elif chosen.format == "csv":
        write_csv(_csv(record), _CSV)
    else:
        _print(asked, record)
    return 0


def liked_record(liked: Liked, i: int, least: int) -> dict[str, Any]:
    """Return what is said of one book's rating, as JSON values.

    Parameters
    ----------
    least
        Ratings of a book below which it is not told how many there are.
    """
    said, levels = liked.said, liked.levels
    assert said.p is not None
    ends = {f"{round(100 * q)}": [float(levels[end[i]]) for end in liked.sets[q]] for q in SETS}
    n_book = int(liked.n_book_ratings[i])
    variances = {"epistemic_sd": said.epistemic_var[i], "aleatoric_sd": said.aleatoric_var[i]}
    return {
        "mean": round(float(said.mean[i]), 3),
        "sd": round(float(said.sd[i]), 3),
        **{name: round(float(np.sqrt(var)), 3) for name, var in variances.items()},
        "of_model": round(float(liked.of_model[i]), 3),
        "of_book": round(float(liked.of_book[i]), 3),
        "of_reader": round(float(liked.of_reader[i]), 3),
        "sets": ends,
        "levels": [
            {"rating": float(level), "p": round(float(value), 4)}
            for level, value in zip(levels, said.p[i], strict=True)
        ],
        "n_reader_ratings": int(liked.n_reader_ratings[i]),
        "n_book_ratings": n_book if n_book >= least else None,
        "reader": KNOWN[int(known_groups(liked.n_reader_ratings[i : i + 1], READER_EDGES)[0])],
        "book": KNOWN[int(known_groups(liked.n_book_ratings[i : i + 1], BOOK_EDGES)[0])],
    }


def read_record(read: ReadNext, i: int) -> dict[str, Any]:
    """Return what is said of whether one book is read next, as JSON values."""
    names = ("p", "low", "high", "epistemic")
    return {name: float(f"{float(getattr(read, name)[i]):.3g}") for name in names}


def why_unsure(rating: dict[str, Any]) -> str:
    """Return what the doubt about a rating is made of, and whether more ratings would help, in plain words."""
    of_model, of_book, of_reader = (rating[part] for part in ("of_model", "of_book", "of_reader"))
    stays = max(0.0, 1 - of_model - of_book - of_reader)
    parts = (
        f"{_share(of_reader)} would go with more ratings by this reader, {_share(of_book)} with more ratings of the "
        f"book, {_share(of_model)} with more readers"
    )
    if of_reader + of_book + of_model >= HELPS:
        return f"More ratings would help: of the doubt {parts}; {_share(stays)} stays: tastes vary."
    return f"More ratings would help little: of the doubt {parts}; {_share(stays)} stays: tastes vary."


# ---- what is asked --------------------------------------------------------------------------


def _book(store: Store, release: Release, chosen: argparse.Namespace) -> tuple[int | None, str, str]:
    """Return the row of the book in the release, None if only the history has it, its title and its authors."""
    books = release.books
    try:
        row = row_of(books, chosen.book) if books.row(chosen.book or "") is not None else None
        if row is None and chosen.title is not None:
            row = find_book(books, chosen.title)
    except UnknownBook as error:
        return _book_beyond(store, release, chosen.title, error)
    if row is None:
        return _book_beyond(store, release, chosen.book, UnknownBook(chosen.book, ()))
    return row, books.columns["title"][row], books.columns["authors"][row]


def _book_beyond(store: Store, release: Release, text: str, error: UnknownBook) -> tuple[int | None, str, str]:
    try:
        return book_of_history(store, release, text)
    except (BadHistory, UnknownBook):
        raise error from None


def _reasons(asked: Asked) -> dict[str, str]:
    return {task: why for task in TASKS if (why := asked.why_not(task)) is not None}


# ---- how it is told -------------------------------------------------------------------------


def _record(
    asked: Asked, reader: AskedReader, row: int | None, title: str, liked: Liked | None, read: ReadNext | None
) -> dict[str, Any]:
    release = asked.release
    book: dict[str, Any] = {"book": None, "title": title, "n_readers": None, "in_release": False}
    if row is not None:
        n_readers = int(release.books.n_readers[row])
        book |= {"book": release.books.columns["book"][row], "n_readers": n_readers, "in_release": True}
    of_reader = {"n_books": len(reader.rows), "n_ratings": len(reader.rated.rows), "n_other_scale": reader.n_other}
    is_read = None if row is None else row in reader.rows  # of a book beyond the release it is not looked up
    return {
        "release": release.id,
        "asked": {"reader": of_reader, "book": {**book, "is_read": is_read}},
        "rating": None if liked is None else liked_record(liked, 0, least_told(release)),
        "trust": {task: release.predictor_quality["tasks"][task]["verdict"]["told"] for task in asked.tasks},
        "will_read": None if read is None else read_record(read, 0),
        "left_out": _reasons(asked),
    }


def _csv(record: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per rating; one row alone where ratings are not predicted."""
    p_read = record["will_read"] and record["will_read"]["p"]
    if (rating := record["rating"]) is None:
        return [{"p_read": p_read}]
    sets = {
        f"{end}{q}": value
        for q, ends in rating["sets"].items()
        for end, value in zip(("low", "high"), ends, strict=True)
    }
    return [{**level, "mean": rating["mean"], **sets, "p_read": p_read} for level in rating["levels"]]


def _print(asked: Asked, record: dict[str, Any]) -> None:
    reader, book = record["asked"]["reader"], record["asked"]["book"]
    known = (
        f"{book['n_readers']:,} readers" if book["in_release"] else "not in the release: told by its author, if known"
    )
    who = f"a reader ({reader['n_books']:,} books of the release read, {reader['n_ratings']:,} rated)"
    heading = f"{book['title']} ({known}) for {who}, release {record['release']}"
    if (rating := record["rating"]) is not None:
        half, most = (" to ".join(f"{end:g}" for end in dict.fromkeys(rating["sets"][q])) for q in ("50", "90"))
        expected = f"Expected rating {rating['mean']:.1f}; as often in {half} as not, 9 times in 10 in {most}."
        rows = [_level(one) for one in rating["levels"]]
        write_table(f"{heading}\n{expected}", rows, _LEVELS)
        sys.stdout.write(f"{_known(rating)}\n{why_unsure(rating)}\n")
        if not asked.release.predictor_quality["tasks"][RATING]["verdict"]["is_better"]:
            sys.stdout.write(f"{record['trust'][RATING]}\n")
    else:
        sys.stdout.write(f"{visible(heading)}\n")
    if book["is_read"]:
        sys.stdout.write("The reader has read it; a rating of their own is left out of what is said.\n")
    if (read := record["will_read"]) is not None:
        sys.stdout.write(_read_in_words(read, asked))
    for task, why in record["left_out"].items():
        sys.stdout.write(f"{task.replace('_', ' ')}: not predicted. {visible(why)}\n")


def _level(level: dict[str, Any]) -> dict[str, str]:
    return {"rating": f"{level['rating']:g}", "said": percent(level["p"]), "bar": "█" * round(_BAR * level["p"])}


def _known(rating: dict[str, Any]) -> str:
    n_book = "few" if rating["n_book_ratings"] is None else f"{rating['n_book_ratings']:,}"
    return (
        f"The reader is {rating['reader']} ({rating['n_reader_ratings']:,} ratings), "
        f"the book is {rating['book']} ({n_book} ratings by others)."
    )


def _read_in_words(read: dict[str, Any], asked: Asked) -> str:
    sampling = asked.reading.sampling
    times = sampling.p_hidden / (1 - sampling.p_hidden)
    spread = f"{_per_cent(read['low'])} to {_per_cent(read['high'])} by 9 draws in 10"
    return (
        f"Read next: {_per_cent(read['p'])} ({spread}), among as many further books as {times:.2g} times those read. "
        f"More data would take away {_share(read['epistemic'])} of that doubt.\n"
    )


def _share(share: float) -> str:
    return percent(share).strip()


def _per_cent(p: float) -> str:
    return f"{100 * p:.2g} %"
