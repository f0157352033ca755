"""What holds for every source format: it knows its own, however packed and written, and no damage is a traceback."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import WagahaiError
from data.sources.base import Parsed, Source
from data.sources.catalogue import SOURCES, recognise, source_named
from data.sources.upload import Upload
from tests.data.sources.parsing import parse, text_of
from tests.data.sources.uploads import UPLOADS, write_upload

DAMAGE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PRIVATE = ("nice", "good", "Very good", "Spiritual", "Adam", "Wow")  # reviews and names in the uploads
every_source = pytest.mark.parametrize("name", list(UPLOADS))


def content(parsed: Parsed) -> tuple[pl.DataFrame, ...]:
    """What was found, wherever it stood; the reader of a personal export is named after the file."""
    books = parsed.books.unique("book", keep="first", maintain_order=True)
    return parsed.readings.drop("file", "line", "reader"), books, parsed.rejects.drop("file", "line")


def same(one: Parsed, other: Parsed) -> bool:
    return all(a.equals(b) for a, b in zip(content(one), content(other), strict=True))


def test_every_format_has_an_upload() -> None:
    assert list(UPLOADS) == [source.name for source in SOURCES]


@every_source
def test_it_is_recognised_and_leaves_private_words_behind(tmp_path: Path, name: str) -> None:
    path = write_upload(tmp_path / "u", name)
    assert recognise(Upload.open(path)).name == name
    parsed = parse(source_named(name), path)
    assert parsed.readings.height > 0
    assert parsed.rejects.is_empty()
    words = text_of(parsed)
    assert not any(f'"{word}"' in words for word in PRIVATE)


@every_source
@pytest.mark.parametrize("packed", ["gz", "zst", "zip"])
def test_it_is_read_as_it_is_packed(tmp_path: Path, name: str, packed: str) -> None:
    source = source_named(name)
    plain = parse(source, write_upload(tmp_path / "plain", name))
    folder = tmp_path / "packed"
    folder.mkdir()
    for file, text in UPLOADS[name].items():
        if packed == "gz":
            (folder / f"{file}.gz").write_bytes(gzip.compress(text.encode()))
        elif packed == "zst":
            (folder / f"{file}.zst").write_bytes(zstandard.compress(text.encode()))
        else:
            with zipfile.ZipFile(folder / "all.zip", "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"export/{file}", text)
    path = folder / "all.zip" if packed == "zip" else folder
    assert recognise(Upload.open(path)).name == name
    assert same(parse(source, path), plain)


@every_source
@pytest.mark.parametrize("written", ["crlf", "bom", "no last line end", "blank lines"])
def test_it_is_read_as_it_is_written(tmp_path: Path, name: str, written: str) -> None:
    change = {
        "crlf": lambda text: text.replace("\n", "\r\n").encode(),
        "bom": lambda text: text.encode("utf-8-sig"),
        "no last line end": lambda text: text.rstrip("\n").encode(),
        "blank lines": lambda text: text.replace("\n", "\n\n").encode(),
    }[written]
    source = source_named(name)
    plain, path = parse(source, write_upload(tmp_path / "plain", name)), write_upload(tmp_path / "other", name, change)
    assert recognise(Upload.open(path)).name == name
    assert same(parse(source, path), plain)


@pytest.mark.parametrize("name", ["goodbooks10k", "bookcrossing_original", "storygraph", "goodreads_export", "events"])
def test_columns_go_by_their_names(tmp_path: Path, name: str) -> None:
    def reversed_columns(text: str) -> bytes:
        delimiter = ";" if '";"' in text else ","
        rows = [row[::-1] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
        written = io.StringIO()
        csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
        return written.getvalue().encode()

    source = source_named(name)
    plain = parse(source, write_upload(tmp_path / "plain", name))
    path = write_upload(tmp_path / "other", name, reversed_columns)
    assert recognise(Upload.open(path)).name == name
    assert same(parse(source, path), plain)


damage = st.one_of(
    st.tuples(st.just("cut"), st.floats(0, 1), st.just(b"")),
    st.tuples(st.just("put"), st.floats(0, 1), st.binary(min_size=1, max_size=4)),
    st.tuples(
        st.just("put"), st.floats(0, 1), st.sampled_from([b'"', b"\n", b"\t", b",", b"\x00", b"[", b"}", b"\\", b"\r"])
    ),
    st.tuples(st.just("over"), st.floats(0, 1), st.binary(min_size=1, max_size=40)),
)


def damaged(text: bytes, blows: list[tuple[str, float, bytes]]) -> bytes:
    for kind, share, octets in blows:
        at = int(share * len(text))
        end = at + (len(octets) if kind == "over" else 0)
        text = text[:at] if kind == "cut" else text[:at] + octets + text[end:]
    return text


@every_source
@DAMAGE
@given(blows=st.lists(damage, min_size=1, max_size=4), which=st.integers(0, 3))
def test_no_damage_is_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, name: str, blows: list[tuple[str, float, bytes]], which: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged") / "u"
    path = write_upload(folder, name)
    file = sorted(folder.iterdir())[which % len(UPLOADS[name])]
    file.write_bytes(damaged(file.read_bytes(), blows))
    source = source_named(name)
    try:
        upload = Upload.open(path)
    except WagahaiError:
        return
    assert all(isinstance(other.recognises(upload), bool) for other in SOURCES)
    try:
        parsed = parse(source, path)
    except WagahaiError:
        return
    well_formed(source, parsed)


def well_formed(source: Source, parsed: Parsed) -> None:
    """No empty id, no rating off the scale, no row unaccounted for."""
    readings = parsed.readings
    assert not readings.select((pl.col("reader", "book").str.strip_chars() == "").any()).row(0)[0]
    assert readings["reader"].null_count() == readings["book"].null_count() == 0
    if parsed.rating_scale is not None:
        low, high = parsed.rating_scale
        assert readings["rating"].drop_nulls().is_between(low, high).all()
    assert parsed.books["title"].null_count() == 0
    assert readings.height <= parsed.n_rows, source.name
