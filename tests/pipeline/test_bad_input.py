"""The bad files that people really hand over: each ends in a message that helps, or in named rejects."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from data.errors import BadConfig, BadFile, BadHistory, WagahaiError
from data.history import History
from data.progress import Quiet
from data.sources.catalogue import recognise
from data.sources.upload import Upload
from data.store import Store
from pipeline.account import report
from pipeline.ingest import Ingested, ingest

GOOD = "user,book,finished,stars,title\n" + "".join(
    f"u{i % 11},b{i % 7},2024-01-{1 + i % 28:02},{1 + i % 5},Title {i % 7}\n" for i in range(60)
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def take(store: Store, tmp_path: Path) -> Callable[..., Ingested]:
    def take_one(content: bytes | str, name: str = "readings.csv") -> Ingested:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return ingest(store, path, recognise(Upload.open(path)), Quiet())

    return take_one


def bomb() -> bytes:
    return gzip.compress(b"\0" * (300 << 20), 9)


def archive(tmp_path: Path, **members: str) -> bytes:
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w") as made:
        for name, text in members.items():
            made.writestr(name.replace("__", "/"), text)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "readings.csv", "an empty file"),
        (bytes(range(256)) * 50, "readings.csv", "a binary file"),
        (b"%PDF-1.7 rest", "readings.csv", "a PDF document"),
        (gzip.compress(GOOD.encode())[:-30], "readings.csv.gz", "cut short|ends too early|truncated"),
        (bomb(), "readings.csv.gz", "binary|unpack"),
        ("user,book,user\nu,b,v\n", "readings.csv", "more than once|known formats"),
        ("It was a dark and stormy night.\n", "story.txt", "known formats"),
        (GOOD.replace("stars", "score").replace(",5,", ",4,"), "readings.csv", "rating_scale"),
        (GOOD.replace("user", "column 1"), "readings.csv", "which column|known formats"),
    ],
)
def test_a_bad_file_is_refused_with_what_to_do(
    store: Store, take: Callable[..., Ingested], content: bytes | str, name: str, message: str
) -> None:
    with pytest.raises((BadFile, BadConfig), match=message) as caught:
        take(content, name)
    assert "to do:" in str(caught.value)
    with pytest.raises(BadHistory):
        History(store.history).latest()


def test_an_archive_that_leaves_itself_is_refused(take: Callable[..., Ingested], tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"evil\.csv"):
        take(archive(tmp_path, **{"readings.csv": GOOD, "..__..__evil.csv": "x"}), "all.zip")
    assert not list(tmp_path.parent.rglob("evil.csv"))


def test_a_folder_without_readings_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFile, match="a folder without files"):
        Upload.open(tmp_path / "empty")


@pytest.mark.parametrize(
    ("content", "n_kept", "reasons"),
    [
        (GOOD.replace("\n", "\r"), 60, []),
        (GOOD + "\n" * 200_000 + ",,,,\n" * 200_000, 60, []),
        (GOOD + GOOD, 60, ["header line repeated"]),
        (GOOD + "u1,b1\x00,2024-01-01,5,T\n", 60, ["a character cannot be read"]),
        (GOOD + "u1,b1,2024-01-01,5," + "x" * 10_000_000 + "\n", 60, ["record is too long"]),
        (GOOD + "u1,b1,2024-01-01\n", 60, ["wrong number of fields"]),
        (GOOD + 'u1,"b1,2024-01-01,5,T\n', 60, ["quotation mark without its partner"]),
        (GOOD + "b1,2024-01-01,5,T,\n", 60, ["date cannot be read", "no title"]),
        (GOOD.replace("Title 1", "<script>alert(1)</script>").replace("Title 2", "שלום \u202eעולם"), 60, []),
    ],
    ids=["returns", "empty rows", "header again", "nul", "ten megabytes", "short", "quote", "shifted", "odd titles"],
)
def test_bad_rows_cost_themselves_and_are_named(
    store: Store, take: Callable[..., Ingested], content: str, n_kept: int, reasons: list[str]
) -> None:
    account = take(content).account
    assert account["n_kept"] + account["n_merged"] >= n_kept
    found = [reason["reason"] for reason in json.loads(account["reasons"])]
    assert bool(found) == bool(reasons)
    assert all(reason in reasons for reason in found)
    n_rejected = len(set(History(store.history).latest().rejects.select("line").collect()["line"]))
    assert account["n_rows"] == account["n_kept"] + account["n_merged"] + n_rejected
    assert "rejected" in report(account)


def test_what_is_refused_later_leaves_the_history_as_it_was(
    store: Store, take: Callable[..., Ingested], tmp_path: Path
) -> None:
    take(GOOD)
    before = History(store.history).latest()
    cut = gzip.compress(GOOD.encode())[:-5]
    for content, name in ((b"", "a.csv"), (b"\x00\x01" * 500, "b.csv"), (cut, "c.csv.gz")):
        with pytest.raises(WagahaiError):
            take(content, name)
    assert History(store.history).latest() == before


def test_a_table_of_other_columns_does_not_mix_its_readers_in_unasked(
    store: Store, take: Callable[..., Ingested], tmp_path: Path
) -> None:
    take(GOOD)
    other = GOOD.replace("user,book,finished", "borrower,item,returned on")
    path = tmp_path / "loans.csv"
    path.write_text(other)
    source = recognise(Upload.open(path))
    with pytest.raises(BadConfig, match=r"readings\.csv.*--namespace NAME"):
        ingest(store, path, source, Quiet())
    assert ingest(store, path, source, Quiet(), namespace="library").account["n_new_readers"] == 11
    take(GOOD.replace("Title", "Titel"), "more.csv")  # the same columns: the same service
