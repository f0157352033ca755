"""What counts as the id of a reader in a name or a text, and what is chance."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from data.traces import Sought, search

STRANGE = ["a b", "[x", "a\\b", "a&b~c", "#1", "花子", "a.b", "x-y_z", "o'neil", "1+1"]


def sought(raw: str) -> Sought:
    return Sought(raw, ("0" * 31 + "1",))


@pytest.mark.parametrize(
    ("raw", "name", "hidden"),
    [
        ("7", "title_7.txt", "title_….txt"),
        ("7", "title_77.txt", "title_77.txt"),
        ("7", "a7.txt", "a7.txt"),
        ("hanako", "hanako.csv", "….csv"),
        ("hanako", "exports/hanako/2020.csv", "exports/…/2020.csv"),
        ("hanako", "hanakos.csv", "hanakos.csv"),
        ("花子", "花子の本.csv", "花子の本.csv"),
        ("花子", "花子.csv", "….csv"),
        ("a.b", "a.b.csv", "….csv"),
        ("a.b", "axb.csv", "axb.csv"),
    ],
)
def test_a_name_loses_the_id_but_not_what_only_contains_it(raw: str, name: str, hidden: str) -> None:
    assert sought(raw).hide(name) == hidden
    assert pl.Series([name]).str.contains(sought(raw).in_name).item() == (name != hidden)


@pytest.mark.parametrize("raw", STRANGE)
def test_ids_of_any_signs_are_taken_as_they_are(raw: str) -> None:
    name = f"x/{raw}.csv"
    assert sought(raw).hide(name) == "x/….csv"
    assert pl.Series([name]).str.contains(sought(raw).in_name).item()
    assert not pl.Series(["x/other.csv"]).str.contains(sought(raw).in_name).item()


@pytest.mark.parametrize(
    ("raw", "odd"),
    [
        ("7", False),
        ("1234567", False),
        ("9784101010014", False),
        ("hanako", False),
        ("margaret", False),
        ("hanako@example.org", True),
        ("reader-17", True),
        ("A2SUAM1J3GNN3B", True),
        ("8842281e1d1347389f2ab93d60773d4d", True),
    ],
)
def test_only_an_id_that_no_book_has_in_it_is_looked_for_in_texts(raw: str, odd: bool) -> None:
    assert sought(raw).is_odd == odd
    assert bool(sought(raw).in_text.search(f"the {raw} of it".encode())) == odd


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"files": "title_7.txt, authors_7.txt"}', True),
        ('{"minValues": "{\\\\"file\\\\":\\\\"title_7.txt\\\\"}"}', True),
        ('{"examples": ["a.csv:7", "title_7.txt:12 0"]}', True),
        ('{"examples": ["a.csv:7", "b.csv:1 7"], "n": 7}', False),
        ('{"files": "a.csv", "title": "7"}', False),
        ('{"reader": "00000000000000000000000000000001"}', True),
    ],
)
def test_a_plain_id_counts_where_a_file_is_named(text: str, found: bool) -> None:
    assert bool(sought("7").in_text.search(text.encode())) == found


def test_a_reader_is_not_mistaken_for_a_book(tmp_path: Path) -> None:
    pl.DataFrame({"reader": ["p", "8"], "book": ["t:7", "7"]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"reader": ["p", "7"], "book": ["t:7", "7"]}).write_parquet(tmp_path / "b.parquet")
    steps: list[int] = []
    found = list(search(sorted(tmp_path.iterdir()), tmp_path, sought("7"), lambda: steps.append(1)))
    assert [(trace.path, trace.where) for trace in found] == [("b.parquet", "column reader")]
    assert len(steps) == 2
