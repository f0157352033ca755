"""``works.toml``: what it may say, and how it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import BadConfig
from data.works.overrules import Overrules, read_overrules


def test_a_file_says_what_is_the_same_and_what_is_apart(tmp_path: Path) -> None:
    path = tmp_path / "works.toml"
    assert read_overrules(path) == Overrules()
    path.write_text('same = [["a:1", "b:2", "a:1"]]\napart = [["a:1", "c:3", "c:4"]]\n')
    said = read_overrules(path)
    assert said == Overrules((("a:1", "b:2"),), (("a:1", "c:3", "c:4"),))
    assert said.books == {"a:1", "b:2", "c:3", "c:4"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("same = [", "cannot be read as TOML"),
        ("smae = []", "unknown key 'smae'; known are same and apart"),
        ('same = "a:1"', "same = 'a:1', expected lists of book ids"),
        ('apart = ["a:1", "b:2"]', r"apart: 'a:1', expected at least two book ids: apart = \[\["),
        ('same = [["a:1"]]', "expected at least two book ids"),
        ('same = [["a:1", "a:1"]]', "expected at least two book ids"),
        ("same = [[1, 2]]", "expected at least two book ids"),
    ],
)
def test_anything_else_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "works.toml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=message) as raised:
        read_overrules(path)
    assert str(raised.value).startswith(str(path))
