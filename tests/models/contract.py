"""What every model promises. A model's test class inherits `RankerContract` and names its class and settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import scipy.sparse as sp

from data.corpus import Corpus
from data.digest import digest_of
from data.errors import BadArtifact
from models.base import Encoder, Ranker, Run
from tests.models.corpora import shown, tastes

_SCORE_ELSEWHERE = """
import sys
import numpy as np
import scipy.sparse as sp
from pathlib import Path
from models.catalogue import model_class
kind, folder, vocabulary = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
model = model_class(kind).load(folder / "model", vocabulary=vocabulary)
np.save(folder / "scores.npy", model.score(sp.load_npz(folder / "visible.npz")))
"""


class RankerContract:
    """Tests that every ranker passes.

    Attributes
    ----------
    model
        Class under test.
    config
        Settings that differ from the defaults, so that a round trip means something.
    """

    model: ClassVar[type[Ranker[Any, Any]]]
    config: ClassVar[Any]

    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls) -> Corpus:
        return tastes(seed=1)

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, corpus: Corpus) -> Ranker[Any, Any]:
        return cls.fit(corpus)

    @pytest.fixture
    def saved(self, fitted: Ranker[Any, Any], corpus: Corpus, tmp_path: Path) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        fitted.save(folder, vocabulary=corpus.books.digest, provenance={"seed": 3})
        return folder

    @classmethod
    def fit(cls, corpus: Corpus, seed: int = 3) -> Ranker[Any, Any]:
        return cls.model.fit(corpus, cls.config, Run(seed))

    def test_scores_are_one_float32_for_every_row_and_book(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        scores = fitted.score(corpus.counts[:5])
        assert scores.shape == (5, corpus.n_books)
        assert scores.dtype == np.float32
        assert not np.isnan(scores).any()

    def test_the_config_survives_saving(self, fitted: Ranker[Any, Any], saved: Path) -> None:
        loaded = self.model.load(saved)
        assert loaded.config == fitted.config == self.config
        assert type(loaded.config) is self.model.config_type

    def test_the_same_seed_gives_the_same_arrays(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        assert_same_arrays(self.fit(corpus).arrays(), fitted.arrays())

    def test_loaded_arrays_are_those_saved(self, fitted: Ranker[Any, Any], saved: Path) -> None:
        assert_same_arrays(self.model.load(saved).arrays(), fitted.arrays())

    def test_a_fresh_process_gives_the_same_scores(
        self, fitted: Ranker[Any, Any], corpus: Corpus, saved: Path, tmp_path: Path
    ) -> None:
        sp.save_npz(tmp_path / "visible.npz", corpus.counts)
        command = [sys.executable, "-c", _SCORE_ELSEWHERE, self.model.kind, str(tmp_path), corpus.books.digest]
        subprocess.run(command, check=True, cwd=Path(__file__).parents[2], timeout=60)
        np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), fitted.score(corpus.counts))

    def test_the_manifest_says_what_made_it(self, saved: Path, corpus: Corpus) -> None:
        manifest = json.loads((saved / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["kind"] == self.model.kind
        assert manifest["vocabulary"] == corpus.books.digest
        assert manifest["provenance"]["seed"] == 3
        assert {"commit", "python", "numpy"} <= manifest["provenance"]["made_by"].keys()

    def test_nothing_is_pickled(self, fitted: Ranker[Any, Any], saved: Path) -> None:
        assert sorted(path.name for path in saved.iterdir()) == ["arrays.npz", "manifest.json"]
        with np.load(saved / "arrays.npz", allow_pickle=False) as arrays:
            assert {name: arrays[name].dtype.hasobject for name in arrays.files} == dict.fromkeys(
                fitted.arrays(), False
            )

    def test_changed_arrays_are_refused(self, saved: Path) -> None:
        path = saved / "arrays.npz"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(BadArtifact, match=r"digest of arrays\.npz"):
            self.model.load(saved)

    def test_missing_arrays_are_refused(self, saved: Path) -> None:
        (saved / "arrays.npz").unlink()
        with pytest.raises(BadArtifact, match=r"arrays\.npz"):
            self.model.load(saved)

    @pytest.mark.parametrize(("key", "value"), [("kind", "other"), ("format", 99)])
    def test_another_kind_or_format_is_refused(self, saved: Path, key: str, value: object) -> None:
        edit_manifest(saved, key, value)
        with pytest.raises(BadArtifact, match=f"{key}: expected .*, found {value}"):
            self.model.load(saved)

    def test_settings_of_another_version_are_refused(self, saved: Path) -> None:
        edit_manifest(saved, "config", {"no_such_setting": 1})
        with pytest.raises(BadArtifact, match="no_such_setting"):
            self.model.load(saved)

    def test_another_vocabulary_is_refused(self, saved: Path) -> None:
        with pytest.raises(BadArtifact, match="vocabulary digest: expected other"):
            self.model.load(saved, vocabulary="other")

    def test_an_artifact_is_written_once(self, fitted: Ranker[Any, Any], saved: Path) -> None:
        with pytest.raises(BadArtifact, match="holds an artifact already"):
            fitted.save(saved, vocabulary="other", provenance={})

    def test_fitting_another_leaves_this_one_unchanged(self, corpus: Corpus) -> None:
        first = self.fit(corpus)
        before = {name: array.copy() for name, array in first.arrays().items()}
        scores = first.score(corpus.counts)
        self.fit(tastes(seed=2), seed=4)
        assert_same_arrays(first.arrays(), before)
        np.testing.assert_array_equal(first.score(corpus.counts), scores)

    def test_fitting_and_scoring_leave_their_input_unchanged(self) -> None:
        corpus = tastes(seed=5)
        before = {name: array.copy() for name, array in contents(corpus).items()}
        self.fit(corpus).score(corpus.counts)
        assert_same_arrays(contents(corpus), before)

    def test_rows_together_score_as_rows_alone(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        together = fitted.score(corpus.counts)
        alone = np.concatenate([fitted.score(corpus.counts[[i]]) for i in range(corpus.n_readers)])
        np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)

    def test_scoring_leaves_the_model_unchanged(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        first = fitted.score(corpus.counts)
        first[:] = 0  # what a caller does with its scores is no business of the model
        np.testing.assert_array_equal(fitted.score(corpus.counts), fitted.score(corpus.counts))
        assert fitted.score(corpus.counts).any()

    def test_a_reader_who_shows_nothing_is_scored(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        scores = fitted.score(shown([[], [0]], corpus.n_books))
        assert not np.isnan(scores).any()
        np.testing.assert_allclose(scores[1], fitted.score(shown([[0]], corpus.n_books))[0], rtol=1e-5, atol=1e-6)

    def test_no_reader_gives_no_score(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        assert fitted.score(shown([], corpus.n_books)).shape == (0, corpus.n_books)


class EncoderContract(RankerContract):
    """What an encoder promises beside."""

    @pytest.fixture
    def encoder(self, fitted: Ranker[Any, Any]) -> Encoder[Any, Any]:
        assert isinstance(fitted, Encoder)
        return fitted

    def test_readers_and_books_share_a_space(self, encoder: Encoder[Any, Any], corpus: Corpus) -> None:
        books, readers = encoder.book_vectors(), encoder.transform(corpus.counts)
        assert books.dtype == readers.dtype == np.float32
        assert books.shape == (corpus.n_books, readers.shape[1])
        assert len(readers) == corpus.n_readers

    def test_a_reader_who_shows_nothing_is_at_the_origin(self, encoder: Encoder[Any, Any], corpus: Corpus) -> None:
        assert not encoder.transform(shown([[]], corpus.n_books)).any()


def assert_same_arrays(found: Any, expected: Any) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def contents(corpus: Corpus) -> dict[str, np.ndarray]:
    counts = corpus.counts
    parts = {"data": counts.data, "indices": counts.indices, "indptr": counts.indptr}
    return {**parts, "sequence": corpus.sequence, "read_on": corpus.read_on, "tokens": corpus.reader_tokens}


def edit_manifest(folder: Path, key: str, value: object) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest = {**manifest, key: value}
    manifest["digest"] = digest_of({name: v for name, v in manifest.items() if name != "digest"})  # as if so written
    path.write_text(json.dumps(manifest), encoding="utf-8")
