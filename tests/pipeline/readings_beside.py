"""A release by hand together with the corpus it claims to be learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np

from data.artifact import read_json, write_json
from data.corpus import KIND, Corpus
from data.ensemble import Ensemble
from data.release import Release
from data.store import Store
from data.vocabulary import Vocabulary
from tests.models.corpora import corpus_of
from tests.pipeline import books as by_hand
from tests.pipeline.books import books_of, release_of


def release_and_corpus(
    store: Store,
    rows: Sequence[dict[str, Any]],
    vectors: np.ndarray,
    histories: Sequence[Sequence[int]],
    ensemble: Ensemble | None = None,
) -> tuple[Release, Corpus]:
    """Write the release of these books and the corpus of these histories; readers are counted."""
    plain = corpus_of(histories, len(rows))
    counted = [{**row, "n_readers": int(n)} for row, n in zip(rows, plain.readers_per_book, strict=True)]
    books = books_of(counted)
    vocabulary = Vocabulary.of(books.columns["book"])
    corpus = Corpus(plain.readers, vocabulary, plain.counts, plain.sequence, plain.read_on, plain.reader_tokens)
    store.make_whole(store.artifact(KIND, "c1"), lambda folder: corpus.save(folder, {}, {}))
    with patch.object(by_hand, "VOCABULARY", vocabulary.digest):
        release = release_of(store, books, vectors, ensemble=ensemble, far_min_readers=1)
    manifest = read_json(release.folder / "manifest.json")
    manifest["corpus"]["artifact"] = "c1"
    write_json(release.folder / "manifest.json", manifest)
    store.switch("r1", "test")
    return Release.open(store), corpus
