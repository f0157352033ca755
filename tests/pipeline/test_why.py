"""Why books are near: counts, lift and what is not told, by hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.certainty import Calibration
from data.corpus import KIND, Corpus
from data.ensemble import Ensemble
from data.errors import BadArtifact, WagahaiError
from data.release import Release
from data.store import Store
from pipeline.query import nearest
from pipeline.why import Also, open_corpus, place_in, read_also, readers_of, shared_readers, why
from tests.models.corpora import corpus_of
from tests.pipeline.readings_beside import release_and_corpus

CIRCLE = np.array([[np.cos(a), np.sin(a)] for a in np.radians([0, 20, 35, 90, 180])], np.float32)
# 34 readers, 17, 16, 16, 24 and 10 of the books; whoever reads book 2 reads book 3
GROUPS = [([0, 1, 2, 3], 6), ([0, 1], 5), ([0, 2, 3], 5), ([1, 2, 3], 5), ([3, 4], 5), ([3], 3), ([4], 4), ([4, 0], 1)]
HISTORIES = [books for books, n in GROUPS for _ in range(n)]
ROWS = [{"title": title} for title in "abcde"]


@pytest.fixture
def both(tmp_path: Path) -> tuple[Release, Corpus]:
    return release_and_corpus(Store(tmp_path), ROWS, CIRCLE, HISTORIES)


def test_shared_readers_against_chance(both: tuple[Release, Corpus]) -> None:
    """Book 0 has 17 readers, book 1 has 16, 11 read both; by chance 17 * 16 / 34 would."""
    found = why(*both, 0, 1).shared
    assert (found.n_shared, found.n_expected, found.min_readers) == (11, 8, 5)
    assert found.lift == pytest.approx(11 / 8)
    assert found.jaccard == pytest.approx(11 / 22)


def test_what_shared_readers_also_read_by_lift(both: tuple[Release, Corpus]) -> None:
    """Of the 11 readers of 0 and 1, 6 read book 2 (16 of all 34) and 6 read book 3 (24 of all 34)."""
    found = why(*both, 0, 1).also
    assert [(also.row, also.n_shared) for also in found] == [(2, 6), (3, 6)]
    assert [also.lift for also in found] == pytest.approx([(6 / 11) / (16 / 34), (6 / 11) / (24 / 34)])
    assert why(*both, 0, 1, n_also=1).also == found[:1]


def test_books_few_of_them_read_are_not_told(both: tuple[Release, Corpus]) -> None:
    """Of the 11 readers of 0 and 3, 6 read 1 and all read 2; of the 5 readers of 3 and 4 none reads anything else."""
    assert [also.row for also in why(*both, 0, 3).also] == [1]
    assert why(*both, 3, 4).also == ()
    assert why(*both, 3, 4).shared.n_shared == 5


@pytest.mark.parametrize(("one", "other"), [(0, 4), (4, 0), (2, 4), (2, 3)])
def test_few_or_all_shared_readers_are_not_told_nor_what_follows(
    both: tuple[Release, Corpus], one: int, other: int
) -> None:
    """One reader read 0 and 4, nobody 2 and 4, all readers of 2 read 3: all is said in the same words."""
    found = why(*both, one, other)
    assert (found.shared.n_shared, found.shared.lift, found.shared.jaccard) == (None, None, None)
    assert found.also == ()
    n_readers = both[1].readers_per_book
    assert found.shared.n_expected == pytest.approx(n_readers[one] * n_readers[other] / 34)


@pytest.mark.parametrize(("n", "told"), [(4, None), (5, 5), (0, None), (6, None), (10, None)])
def test_the_edge_of_what_is_told(n: int, told: int | None) -> None:
    assert shared_readers(n, 10, 10, 100, 5).n_shared == told


def test_a_lift_of_few_readers_does_not_lead() -> None:
    """Of 150 readers, 25 read books 0 and 4; 5 of them read book 1 (15 of all: lift 2), 20 book 2 (80 of all: 1.5)."""
    beside = [[0, 1, 2]] * 5 + [[1, 2, 4]] * 5 + [[2]] * 50 + [[3]] * 65
    corpus = corpus_of([[0, 1, 2, 4]] * 5 + [[0, 2, 4]] * 15 + [[0, 4]] * 5 + beside, 5)
    found = read_also(corpus, readers_of(corpus, 0), readers_of(corpus, 4), 5, 9, {0, 4})
    assert [(also.row, also.n_shared, round(also.lift, 3)) for also in found] == [(2, 20, 1.5), (1, 5, 2.0)]


def test_equal_lifts_go_by_readers_then_row() -> None:
    """Of 120 readers, 20 read books 0 and 5; of them 10 read book 3 (30 of all), and 5 books 1 and 2 (15 of all)."""
    beside = [[0, 1, 2, 3]] * 5 + [[1, 2, 3, 5]] * 5 + [[3]] * 10 + [[4]] * 80
    corpus = corpus_of([[0, 1, 2, 3, 5]] * 5 + [[0, 3, 5]] * 5 + [[0, 5]] * 10 + beside, 6)
    one, other = readers_of(corpus, 0), readers_of(corpus, 5)
    assert read_also(corpus, one, other, 5, 9, {0, 5}) == (Also(3, 10, 2.0), Also(1, 5, 2.0), Also(2, 5, 2.0))
    assert read_also(corpus, one[:4], other, 5, 9, {0, 5}) == ()
    assert read_also(corpus, one[:20], other, 5, 9, {0, 5}) == (), "all of the one read the other"


def test_of_three_books_nothing_follows_about_two() -> None:
    """20 readers share 0 and 1; 10 of them read book 2, which but 4 others of book 0 and 9 of book 1 have read."""
    groups = [([0, 1, 2], 10), ([0, 1], 10), ([0, 2], 4), ([1, 2], 9), ([0], 5), ([2], 50)]
    corpus = corpus_of([books for books, n in groups for _ in range(n)], 3)
    one, other = readers_of(corpus, 0), readers_of(corpus, 1)
    assert read_also(corpus, one, other, 5, 9, {0, 1}) == ()
    assert [also.row for also in read_also(corpus, one, other, 4, 9, {0, 1})] == [2]


def test_readers_of_a_book() -> None:
    corpus = corpus_of([[0, 1], [1], [0, 2], [2]], 4)
    assert [readers_of(corpus, book).tolist() for book in range(4)] == [[0, 2], [0, 1], [2, 3], []]


def test_places_in_each_others_lists(both: tuple[Release, Corpus]) -> None:
    """On the circle: 0 at 0, 1 at 20, 2 at 35, 3 at 90, 4 at 180 degrees."""
    found = why(*both, 0, 3)
    assert (found.of_other.rank, found.of_one.rank) == (3, 3)  # 0: 1 2 3 4; 3: 2 1 0 (90) and 4 (90): the lower row
    assert found.similarity == pytest.approx(0, abs=1e-6)
    assert (found.of_other.low, found.of_other.p_top) == (None, None)
    assert (why(*both, 4, 1).of_other.rank, why(*both, 4, 1).of_one.rank) == (3, 4)


def test_a_place_beyond_the_list_goes_on_by_similarity(tmp_path: Path) -> None:
    angles = np.radians(np.arange(0, 60, 4))  # 15 books
    vectors = np.array([[np.cos(a), np.sin(a)] for a in angles])
    release, _ = release_and_corpus(Store(tmp_path), [{"title": str(i)} for i in range(15)], vectors, [[0], [1]])
    assert [place_in(release, 0, row).rank for row in range(1, 15)] == list(range(1, 15))


def test_how_sure_a_place_is_is_what_the_list_says(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(30, 4))
    replicates = [vectors + random.normal(0, 0.3, vectors.shape) for _ in range(5)]
    ensemble = Ensemble.of(
        [(r / np.linalg.norm(r, axis=1)[:, None]).astype(np.float32) for r in replicates], Calibration()
    )
    rows = [{"title": str(i)} for i in range(30)]
    release, _ = release_and_corpus(Store(tmp_path), rows, vectors, [list(range(30))] * 5, ensemble)
    listed = nearest(release, 3, 10)
    assert listed.p_top is not None
    assert listed.low is not None
    for i, row in enumerate(listed.rows.tolist()):
        place = place_in(release, 3, row)
        assert place.rank == i + 1
        assert place.p_top == pytest.approx(listed.p_top[i])
        assert place.low == pytest.approx(listed.low[i])
    ranks = sorted(place_in(release, 3, row).rank for row in range(30) if row != 3)
    assert ranks == list(range(1, 30))


def test_a_place_asks_the_ensemble_once(both: tuple[Release, Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Ensemble] = []
    release = both[0]
    release.__dict__["ensemble"] = Ensemble.of([release.vectors] * 3, Calibration())
    similarity = Ensemble.similarity

    def counted(ensemble: Ensemble, direction_in: Any, rows: np.ndarray) -> np.ndarray:
        asked.append(ensemble)
        return similarity(ensemble, direction_in, rows)

    monkeypatch.setattr(Ensemble, "similarity", counted)
    assert place_in(release, 0, 4).p_top is not None
    assert len(asked) == 1


def test_one_book_has_no_reason_to_be_near_itself(both: tuple[Release, Corpus]) -> None:
    with pytest.raises(WagahaiError, match="both are one book"):
        why(*both, 1, 1)


def test_the_corpus_is_the_one_the_release_names(both: tuple[Release, Corpus], tmp_path: Path) -> None:
    release, corpus = both
    assert open_corpus(Store(tmp_path), release).digest == corpus.digest


def test_a_corpus_that_is_gone_says_so(both: tuple[Release, Corpus], tmp_path: Path) -> None:
    shutil.rmtree(Store(tmp_path).artifact(KIND, "c1"))
    with pytest.raises(WagahaiError, match=r"corpus of release r1 is not in .* wagahai refresh"):
        open_corpus(Store(tmp_path), both[0])


def test_a_corpus_of_other_books_is_refused(both: tuple[Release, Corpus], tmp_path: Path) -> None:
    release, _ = both
    release.manifest["vocabulary"] = "another"
    with pytest.raises(BadArtifact, match="other books than those of release r1"):
        open_corpus(Store(tmp_path), release)
