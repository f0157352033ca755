"""Pseudonyms: the same for the same reader, useless without the key."""

from __future__ import annotations

import hashlib

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from data.pseudonym import Pseudonyms, pseudonym


def test_the_pseudonym_is_keyed_blake2b() -> None:
    key = hashlib.sha256(b"k").digest()
    assert pseudonym(" 読者1 ", "n", b"k") == hashlib.blake2b("n\0読者1".encode(), key=key, digest_size=16).hexdigest()


@given(st.tuples(st.text(), st.text(), st.binary()), st.tuples(st.text(), st.text(), st.binary()))
def test_only_the_same_id_namespace_and_key_agree(one: tuple[str, str, bytes], other: tuple[str, str, bytes]) -> None:
    one, other = ((raw.replace("\0", ""), name.replace("\0", ""), key) for raw, name, key in (one, other))
    same = (one[0].strip(), *one[1:]) == (other[0].strip(), *other[1:])
    assert (pseudonym(*one) == pseudonym(*other)) == same


def test_ids_of_any_length_and_keys_of_any_length_are_taken() -> None:
    assert len({pseudonym("a" * 10_000, "n", b"k" * n) for n in (0, 1, 64, 65, 1000)}) == 5


def test_a_frame_keeps_its_rows_and_other_columns() -> None:
    frame = pl.DataFrame({"reader": ["b", "a", "b "], "book": [1, 2, 3]})
    found = Pseudonyms("n", b"k").put(frame)
    assert found["reader"].to_list() == [pseudonym(id_, "n", b"k") for id_ in "bab"]
    assert found["book"].to_list() == [1, 2, 3]
    assert Pseudonyms("n", b"k").put(frame.clear()).schema == frame.schema
