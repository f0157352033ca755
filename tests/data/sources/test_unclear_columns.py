"""Dates and ratings of tables without a mapping are read, asked about or rejected row by row; never dropped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from data.errors import BadConfig
from data.sources.base import Mapping, Options
from data.sources.events import Events
from data.sources.sniff import sniff
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

DAYS = ("2021-03-14", "2021-04-15", "2021-05-16", "2021-06-17", "2021-07-18")


def write(path: Path, *cells: str, name: str = "loan_date", **more: Sequence[str]) -> Path:
    readers = [f"r{i % 3}" for i in range(len(cells))]
    pl.DataFrame({"user_id": readers, "book_id": range(len(cells)), name: cells, **more}).write_csv(path)
    return path


def asked(path: Path) -> str:
    with pytest.raises(BadConfig) as refused:
        sniff(Upload.open(path), reader_is_known=False)
    return str(refused.value)


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (("44269", "44301", "44332", "44364", "44395"), "excel"),
        (("14-Mar-21", "15 Apr 2021", "May 16, 2021", "17-Jun-2021", "R3.7.18"), "ymd"),
        (("14/03/21", "15/04/21", "16/05/21", "17/06/21", "18/07/21"), "dmy"),
        (("3/14/21", "4/15/21", "5/16/21", "6/17/21", "7/18/21"), "mdy"),
        (("3/14/2021 1:05:00 PM", "4/15/2021", "5/16/2021", "6/17/2021", "7/18/2021"), "mdy"),
    ],
)
def test_dates_that_are_read(tmp_path: Path, cells: Sequence[str], order: str) -> None:
    path = write(tmp_path / "r.csv", *cells)
    assert sniff(Upload.open(path), reader_is_known=False).date_order == order
    assert tuple(parse(Events(), path).readings["read_on"].cast(str)) == DAYS


def test_dates_of_which_most_are_read(tmp_path: Path) -> None:
    parsed = parse(Events(), write(tmp_path / "r.csv", *DAYS, "see card", "lost", "n/a", "0000-00-00", ""))
    assert parsed.readings.height == 8
    assert parsed.rejects.select("reason", "found").rows() == [
        ("date cannot be read", "see card"),
        ("date cannot be read", "lost"),
    ]


def test_dates_that_no_order_reads_are_asked_about(tmp_path: Path) -> None:
    message = asked(write(tmp_path / "r.csv", "2021-01-01", "spring", "summer", "autumn"))
    assert 'read_on = "loan_date"  # cannot be read as dates: leave this line out, or' in message
    assert "dmy" not in message
    message = asked(write(tmp_path / "r.csv", "21/03/14", "21/04/15", "21/05/16", "22/06/17"))
    assert "dmy or mdy? If the year comes first, write it with four digits" in message
    message = asked(write(tmp_path / "r.csv", "20x0", "20x1", name="return_date"))
    assert 'read_on = "return_date"  # cannot be read as dates' in message
    path = write(tmp_path / "r.csv", "yes", "no", "", name="returned")
    assert "read_on" not in sniff(Upload.open(path), reader_is_known=False).readings


@pytest.mark.parametrize(
    ("cells", "ratings", "scale"),
    [
        (("3,5", "5", "1,0", "4"), [3.5, 5, 1, 4], (1, 5)),
        (("★★★", "★★★★★", "★☆☆☆☆", "-"), [3, 5, 1, None], (1, 5)),
        (("4/5", "5/5", "1 / 5", ""), [4, 5, 1, None], (1, 5)),
        (("5", "n/a", "2", "null"), [5, None, 2, None], (1, 5)),
    ],
)
def test_ratings_that_are_read(
    tmp_path: Path, cells: Sequence[str], ratings: list[float | None], scale: tuple[float, float]
) -> None:
    path = write(tmp_path / "r.csv", *cells, name="rating")
    assert sniff(Upload.open(path), reader_is_known=False).rating_scale == scale
    parsed = parse(Events(), path)
    assert parsed.readings["rating"].to_list() == ratings
    assert parsed.rejects.is_empty()


def test_ratings_of_which_most_are_read(tmp_path: Path) -> None:
    parsed = parse(Events(), write(tmp_path / "r.csv", "5", "4", "3", "1", "five", "inf", "4/10", name="rating"))
    assert parsed.readings["rating"].to_list() == [5, 4, 3, 1]
    assert parsed.rejects["found"].to_list() == ["five", "inf", "4/10"]


def test_ratings_that_cannot_be_read_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "5", "good", "bad", "so so", name="rating")
    assert 'rating = "rating"  # cannot be read as ratings: leave this line out, or' in asked(path)
    assert '"-1" if that stands for no rating' in asked(write(tmp_path / "r.csv", "-1", "5", "4", name="rating"))
    path = write(
        tmp_path / "r.csv", "lovely", "from Ann", "", name="note"
    )  # texts, whatever the name may say elsewhere
    assert sniff(Upload.open(path), reader_is_known=False) == Mapping({"reader": "user_id", "book": "book_id"}, {})


def test_how_a_table_was_understood_is_said_in_a_line(tmp_path: Path) -> None:
    cells = [day.replace("-", "/")[5:] + "/2021" for day in DAYS]
    path = write(tmp_path / "r.csv", *cells, stars=["5", "4", "0", "0", "1"], branch=["a"] * 5, note=["b"] * 5)
    upload = Upload.open(path)
    options = Events().options_for(upload, Options())
    assert Events().explains(upload, options) == (
        "reader = user_id, book = book_id, read_on = loan_date (mdy), rating = stars (1 to 5, 0 is none); "
        "not used: branch, note"
    )


def test_readers_may_come_back_late(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user_id,book_id\n" + "".join(f"{i % 30_000},{i % 50}\n" for i in range(31_000)))
    assert sniff(Upload.open(path), reader_is_known=False).readings["reader"] == "user_id"
