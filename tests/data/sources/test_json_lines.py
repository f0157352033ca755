"""JSON lines: the fast path says exactly what the `json` module says, and bad lines cost themselves only."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BadFile
from data.progress import Quiet
from data.sources import encoding, json_lines, lines
from data.sources.json_lines import NO_OBJECT, NOT_JSON, decode_json, open_json_lines, peek_keys
from data.sources.records import TOO_LONG, UNREADABLE
from data.sources.rows import Rows
from data.sources.upload import SourceFile, Upload

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([-0.0, 5.0, 1e22])
)
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(st.characters(codec=None), max_size=8), st.just("[x]"))
NESTED = st.one_of(VALUES, st.lists(VALUES, max_size=3), st.dictionaries(st.text(max_size=3), VALUES, max_size=2))
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "*", "é"]), NESTED, max_size=4)

WRITTEN_NUMBERS = st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,2})?", fullmatch=True)
ODDITIES = st.text(' {}[]",:\\ab019.-eE+\t\r', max_size=12)


def file_of(path: Path, content: bytes) -> SourceFile:
    path.write_bytes(content)
    (file,) = Upload.open(path).files
    return file


def read(path: Path, content: bytes, required: tuple[str, ...] = (), wanted: tuple[str, ...] | None = None) -> Rows:
    return open_json_lines(file_of(path, content), required=required, wanted=wanted).whole(Quiet())


def test_known_answer(tmp_path: Path) -> None:
    content = (
        b'{"user": "u\\u00e9\\ud83d\\ude00", "n": 5.0, "is": true, "x": {"a": 1}}\r\n'
        b"\n"
        b'{"n": -1e22, "user": "v", "n": 7, "is": false}\n'
        b"   \n"
        b'{"user": null, "n": 0.10}'
    )
    rows = read(tmp_path / "a.jsonl", content, required=("user",), wanted=("n", "is", "absent"))
    assert rows.cells.columns == ["user", "n", "is"]
    assert rows.cells.rows() == [("ué😀", "5", "true"), ("v", "-10000000000000000000000", "false"), ("", "0.1", "")]
    assert rows.lines.to_list() == [1, 3, 5]
    assert (rows.rejects.height, rows.encoding) == (0, "utf-8")


def test_lists_and_objects(tmp_path: Path) -> None:
    content = '{"by": ["A", null, 2.0, true], "of": {"k": "é"}, "all": [{"i": 1}], "t": "[Untitled]"}\n'
    rows = read(tmp_path / "a.jsonl", content.encode())
    assert rows.cells.rows() == [("A; ; 2; true", '{"k": "é"}', '[{"i": 1}]', "[Untitled]")]


def test_bad_lines_cost_themselves_only(tmp_path: Path) -> None:
    bad = [
        (b'{"a": "x"', NOT_JSON),
        (b'{"a": "x"} junk', NOT_JSON),
        (b"{'a': 'x'}", NOT_JSON),
        (b"[1]", NO_OBJECT),
        (b'"a"', NO_OBJECT),
        (b'{"a": Infinity}', NOT_JSON),
        (b'{"a": "\xff"}', UNREADABLE),
        (b'{"a": "x\x00y"}', UNREADABLE),
        (b'{"a": "x\\u0000y"}', UNREADABLE),
        (b'{"b": ' + b"[" * 100_000 + b"}", NOT_JSON),
    ]
    content = b'{"a": "1"}\n' + b"".join(line + b"\n" for line, _ in bad) + b'{"a": NaN}\n{"a": "\\ud800"}\n'
    rows = read(tmp_path / "a.jsonl", content)
    assert rows.cells["a"].to_list() == ["1", "", "?"]
    assert rows.lines.to_list() == [1, 12, 13]
    expected = [("a.jsonl", line, reason, None, None) for line, (_, reason) in enumerate(bad, 2)]
    assert rows.rejects.rows() == expected
    assert rows.n_rows == 13


@settings(max_examples=300, deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=5), st.booleans())
def test_the_fast_path_is_the_slow_path(objects: list[dict[str, object]], ascii_: bool) -> None:
    texts = [json.dumps(value, ensure_ascii=ascii_).encode("utf-8", "replace") for value in objects]
    text, names = b"\n".join(texts) + b"\n", ["a", "b", "*", "é"]
    if (fast := json_lines._parse_fast(text, names)) is not None:
        slow = json_lines._parse_slow(text, names, decode_json)
        assert [fast[0].rows(), fast[1].to_list(), fast[2]] == [slow[0].rows(), slow[1].to_list(), slow[2]]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(WRITTEN_NUMBERS, ODDITIES), min_size=1, max_size=2))
def test_the_fast_path_takes_nothing_that_is_no_json(texts: list[str]) -> None:
    text = "".join(f'{{"a": {text}}}\n' for text in texts).encode()
    if (fast := json_lines._parse_fast(text, ["a"])) is not None:
        slow = json_lines._parse_slow(text, ["a"], decode_json)
        assert [fast[0].rows(), fast[1].to_list(), fast[2]] == [slow[0].rows(), slow[1].to_list(), slow[2]]


def test_plain_lines_go_the_fast_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of(tmp_path / "a.jsonl", b'{"a": "1", "b": [1]}\n\n{"a": 2.5, "b": []}\n')
    table = open_json_lines(file, required=("a",), wanted=())
    monkeypatch.delattr(json_lines, "_parse_slow")
    assert table.whole(Quiet()).cells.rows() == [("1",), ("2.5",)]


def test_parts_of_a_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BLOCK_BYTES", 64)
    content = "".join(f'{{"a": "é{i}"}}\n' if i % 10 else "oops\n" for i in range(1, 100)).encode()
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(content))
    (file,) = Upload.open(packed).files
    table = open_json_lines(file)
    parts = list(table.parts(Quiet()))
    assert len(parts) > 10
    whole = table.whole(Quiet())
    assert whole.cells["a"].to_list() == [f"é{i}" for i in range(1, 100) if i % 10]
    assert whole.lines.to_list() == [i for i in range(1, 100) if i % 10]
    assert whole.rejects["line"].to_list() == list(range(10, 100, 10))


def test_lines_that_are_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lines, json_lines):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(encoding, "BLOCK_BYTES", 64)
    content = b'{"a": "1"}\n{"a": "%b"}\n{"a": "2"}\n{"a": "%b"}' % (b"x" * 1000, b"x" * 110)
    rows = read(tmp_path / "a.jsonl", content)
    assert rows.cells["a"].to_list() == ["1", "2"]
    assert rows.rejects.select("line", "reason").rows() == [(2, TOO_LONG), (4, TOO_LONG)]


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16"])
def test_marks(tmp_path: Path, name: str) -> None:
    rows = read(tmp_path / "a.jsonl", '{"a": "日本"}\n{"a": "é"}\n'.encode(name))
    assert (rows.cells["a"].to_list(), rows.encoding) == (["日本", "é"], name)


def test_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(BadFile, match=r"is it user"):
        open_json_lines(file_of(path, b'{"user": 1, "book": 2}\n'), required=("usr",))
    with pytest.raises(BadFile, match="no line that is a JSON object"):
        open_json_lines(file_of(path, b"user,book\n1,2\n"))
    with pytest.raises(BadFile, match="an empty file"):
        open_json_lines(file_of(path, b""))


def test_peek_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert peek_keys(file_of(path, b'{"a": 1}')) == {"a"}
    assert peek_keys(file_of(path, b'\xef\xbb\xbf{"a": 1}\noops\n{"b": {"c": 1}}\n{"cut": ')) == {"a", "b"}
    assert peek_keys(file_of(path, b"a,b\n1,2\n")) == set()
    assert peek_keys(file_of(path, b"\x00\x01\x02\x03" * 100)) == set()
    assert peek_keys(file_of(path, b"")) == set()


def test_keys_that_cannot_be_columns_are_left_out(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.jsonl", b'{"\\ud800": 1, "\\u0000": 2, "^a$": 3, " ": 4}\n')
    assert (rows.cells.columns, rows.cells.rows()) == (["^a$"], [("3",)])
