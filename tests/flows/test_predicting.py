"""`wagahai predict` and `wagahai recommend`, as a person runs them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest

from data.release import Release
from data.store import Store
from flows.cli import USER_ERROR, main
from flows.predicting import why_unsure
from tests.pipeline.ingredients import ingredients, write_evaluation, write_history

READER = "u000003"


class Wagahai:
    """Runs commands on a store and keeps what they print."""

    def __init__(self, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
        self.store, self.capsys = store, capsys

    def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        assert main(["--store", str(self.store.root), *arguments]) == code
        printed = self.capsys.readouterr()
        return printed.out, printed.err

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json")[0])


@pytest.fixture
def wagahai(predicting: Store, capsys: pytest.CaptureFixture[str]) -> Wagahai:
    return Wagahai(predicting, capsys)


def unread(wagahai: Wagahai) -> dict[str, Any]:
    """The first book that is recommended."""
    return dict(wagahai.json("recommend", READER, "-k", "1")["books"][0])


def test_an_answer_has_probabilities_sets_and_reasons(wagahai: Wagahai) -> None:
    book = unread(wagahai)
    answer = wagahai.json("predict", READER, "--book", book["book"])
    rating = answer["rating"]
    assert sum(level["p"] for level in rating["levels"]) == pytest.approx(1, abs=1e-3)
    assert [level["rating"] for level in rating["levels"]] == [1, 2, 3, 4, 5]
    mean = sum(level["p"] * level["rating"] for level in rating["levels"])
    assert rating["mean"] == pytest.approx(mean, abs=1e-2)
    assert rating["sd"] ** 2 == pytest.approx(rating["epistemic_sd"] ** 2 + rating["aleatoric_sd"] ** 2, abs=1e-2)
    (low90, high90), (low50, high50) = rating["sets"]["90"], rating["sets"]["50"]
    assert low90 <= low50 <= high50 <= high90
    assert answer["asked"]["book"]["in_release"]
    assert answer["will_read"]["low"] <= answer["will_read"]["p"] <= answer["will_read"]["high"]
    assert answer["will_read"]["p"] == book["will_read"]["p"], "one answer, whichever command is asked"
    assert answer["rating"]["mean"] == book["rating"]["mean"]


def test_the_table_says_it_in_words(wagahai: Wagahai) -> None:
    out, err = wagahai("predict", READER, "--book", unread(wagahai)["book"])
    assert "Expected rating" in out
    assert "█" in out
    assert "ratings would help" in out
    assert "with more ratings by this reader" in out
    assert "with more ratings of the book" in out
    assert "Read next: " in out
    assert READER not in out + err


def test_csv_has_a_row_a_level(wagahai: Wagahai) -> None:
    book = unread(wagahai)
    rows = list(csv.DictReader(io.StringIO(wagahai("predict", READER, "--book", book["book"], "--format", "csv")[0])))
    assert [float(row["rating"]) for row in rows] == [1, 2, 3, 4, 5]
    assert {row["p_read"] for row in rows} == {str(book["will_read"]["p"])}


def test_a_book_that_was_read_is_told_without_its_own_rating(wagahai: Wagahai, predicting: Store) -> None:
    read = wagahai.json("nearest", "--reader", READER, "-k", "0")
    assert read["asked"]["reader"][0]["n_books"] > 0
    books = Release.open(predicting).books
    recommended = {book["book"] for book in wagahai.json("recommend", READER, "-k", str(len(books)))["books"]}
    own = next(book for book in books.columns["book"] if book not in recommended)
    answer = wagahai.json("predict", READER, "--book", own)
    assert answer["asked"]["book"]["is_read"]
    assert answer["will_read"] is None
    assert len(recommended) == len(books) - read["asked"]["reader"][0]["n_books"]


def test_a_book_that_only_the_history_has_is_marked(wagahai: Wagahai, predicting: Store) -> None:
    from data.history import History

    books = History(predicting.history).latest().books.select("book").collect()["book"]
    known = set(Release.open(predicting).books.columns["book"])
    beyond = min(set(books) - known)  # the sample has books of too few readers for a release
    answer = wagahai.json("predict", READER, "--book", beyond)
    assert not answer["asked"]["book"]["in_release"]
    assert answer["rating"]["book"] == "cold"
    assert answer["will_read"] is None
    assert answer["asked"]["book"]["is_read"] is None, "it is not looked up, which is not no"
    assert "not in the release" in wagahai("predict", READER, "--book", beyond)[0]


def test_the_parts_of_the_doubt_are_told_and_what_stays_is_the_rest() -> None:
    told = why_unsure({"of_model": 0.02, "of_book": 0.3, "of_reader": 0.08})
    assert told.startswith("More ratings would help: ")
    for part in ("8 % would go with more ratings by this reader", "30 % with more ratings of the book",
                 "2 % with more readers", "60 % stays"):  # fmt: skip
        assert part in told
    assert why_unsure({"of_model": 0.02, "of_book": 0.04, "of_reader": 0.08}).startswith("More ratings would help litt")


def test_without_the_ratings_a_release_counted_no_other_opinion_is_made_up(
    wagahai: Wagahai, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader's own ratings could not be left out of what others think."""
    book, artifact = unread(wagahai)["book"], Store.artifact

    def without(store: Store, kind: str, digest: str) -> Path:
        return artifact(store, "gone" if kind == "ratings" else kind, digest)

    monkeypatch.setattr(Store, "artifact", without)
    _, err = wagahai("predict", READER, "--book", book, code=USER_ERROR)
    assert "ratings of release" in err
    assert "wagahai refresh" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("predict", "nobody-of-that-name", "--book", "BOOK"), "no reader of that id"),
        (("predict", READER, "no such title at all xyz"), "no book matches"),
        (("predict", READER), "name one book"),
        (("recommend", READER, "--seed", "3"), "--seed is of --explore"),
        (("recommend", READER, "--author", "nobody at all"), "the filters leave no book"),
    ],
)
def test_what_cannot_be_answered_is_said(wagahai: Wagahai, arguments: tuple[str, ...], told: str) -> None:
    book = unread(wagahai)["book"]
    out, err = wagahai(*(book if one == "BOOK" else one for one in arguments), code=USER_ERROR)
    assert told in err
    assert "nobody-of-that-name" not in out + err


def test_recommended_books_are_ordered_and_filtered(wagahai: Wagahai) -> None:
    answer = wagahai.json("recommend", READER, "-k", "8")
    assert [book["rank"] for book in answer["books"]] == list(range(1, 9))
    author = answer["books"][0]["authors"]
    others = wagahai.json("recommend", READER, "-k", "8", "--not-author", author)
    assert len(others["books"]) == 8
    assert author not in {book["authors"] for book in others["books"]}
    assert others["filters"]


def test_exploring_is_a_draw_that_can_be_repeated(wagahai: Wagahai) -> None:
    def listed(*arguments: str) -> list[str]:
        return [book["book"] for book in wagahai.json("recommend", READER, "-k", "20", *arguments)["books"]]

    assert listed("--explore", "--seed", "1") == listed("--explore", "--seed", "1")
    assert len({tuple(listed("--explore", "--seed", str(seed))) for seed in range(4)}) > 1
    today = int(dt.datetime.now(dt.UTC).strftime("%Y%m%d"))
    assert wagahai.json("recommend", READER, "--explore")["explore_seed"] == today
    assert str(today) in wagahai("recommend", READER, "--explore")[0]


def test_a_release_that_predicts_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.publish import publish

    store = Store(tmp_path)
    publish(store, ingredients(store, write_history(store), write_evaluation(store, "good", spectral=0.5)))
    asked = Wagahai(store, capsys)
    assert "the release was made without" in asked("recommend", "x", code=USER_ERROR)[1]
    assert "predicts nothing" in asked("predict", "x", "第1巻", code=USER_ERROR)[1]
