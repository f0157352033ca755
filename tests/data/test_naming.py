"""Digests, seeds and vocabularies: equal things have equal names, others have others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from data.digest import digest_of, digest_of_arrays, digest_of_files
from data.errors import BadFile
from data.seeds import derive_seed, generator
from data.vocabulary import Vocabulary


@dataclass(frozen=True)
class Settings:
    size: int = 2


def test_a_digest_is_of_the_value_not_of_its_spelling() -> None:
    assert digest_of({"b": 1, "a": [2.0]}) == digest_of({"a": [2.0], "b": 1}) != digest_of({"a": [2.5], "b": 1})
    assert digest_of(Settings()) == digest_of({"size": 2}) != digest_of(Settings(3))
    assert len(digest_of("猫")) == 16


@pytest.mark.parametrize("value", [{1, 2}, Path("a"), object(), [b"x"], [Settings()]])
def test_a_digest_never_depends_on_a_repr(value: object) -> None:
    with pytest.raises(TypeError):
        digest_of(value)


def test_the_digest_of_arrays_sees_name_type_shape_and_values() -> None:
    base = np.arange(4, dtype=np.int32)
    arrays: list[dict[str, np.ndarray]] = [
        {"a": base},
        {"b": base},
        {"a": base.view(np.uint32)},
        {"a": base.reshape(2, 2)},
        {"a": base + 1},
        {},
    ]
    digests = [digest_of_arrays(each) for each in arrays]
    assert len(set(digests)) == len(arrays)
    assert digest_of_arrays({"a": np.arange(8, dtype=np.int32)[::2] // 2}) == digests[0]  # layout does not count
    assert digest_of_arrays({"a": np.empty((0, 3))}) != digest_of_arrays({"a": np.empty((0, 4))})


def test_the_digest_of_files_is_of_contents_in_order(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    for path, content in ((a, "x"), (b, "y"), (c, "x")):
        path.write_text(content)
    assert digest_of_files([a, b]) == digest_of_files([c, b]) != digest_of_files([b, a])
    (tmp_path / "xy").write_text("xy")
    assert digest_of_files([a, b]) != digest_of_files([tmp_path / "xy"])


def test_a_stream_depends_on_seed_and_name_alone() -> None:
    first = generator(1, "fit/word2vec").random(3)
    np.testing.assert_array_equal(generator(1, "fit/word2vec").random(3), first)
    assert not np.array_equal(generator(2, "fit/word2vec").random(3), first)
    assert not np.array_equal(generator(1, "fit/lda").random(3), first)
    assert 0 <= derive_seed(1, "fit/lda") == derive_seed(1, "fit/lda") < 2**31
    assert derive_seed(1, "fit/lda") != derive_seed(1, "fit/word2vec")


def test_a_vocabulary_numbers_ids_in_order() -> None:
    vocabulary = Vocabulary.of(["b", "猫", 3])
    assert len(vocabulary) == 3
    assert [vocabulary.index(id_) for id_ in vocabulary.ids] == [0, 1, 2]
    assert "猫" in vocabulary
    assert "x" not in vocabulary
    with pytest.raises(KeyError):
        vocabulary.index("x")
    with pytest.raises(ValueError, match="1 repeated"):
        Vocabulary.of("aba")


def test_a_vocabulary_survives_its_array_and_its_digest_sees_the_order() -> None:
    vocabulary = Vocabulary.of(["b", "吾輩は猫である", ""])
    again = Vocabulary.of(vocabulary.to_array())
    assert again == vocabulary
    assert again.digest == vocabulary.digest != Vocabulary.of(["吾輩は猫である", "b", ""]).digest
    assert Vocabulary.of(Vocabulary(()).to_array()) == Vocabulary(())


def test_a_refusal_says_found_expected_and_to_do() -> None:
    message = str(BadFile("a.csv", found="x", expected="y", remedy="z"))
    assert message == "a.csv: refused.\n  found:    x\n  expected: y\n  to do:    z"
