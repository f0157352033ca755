"""How sure a neighbour is: the space learned again from bootstrap samples of the readers, and what that is worth.

Two things are made. The *replicates*: the model fitted to as many readers, drawn with replacement, each time from
another seed. And the *calibration*: what the replicates say is compared with what happens, on random halves of the
readers. Half A is treated as a release of its own (its books are those with enough readers in A; a model; an
ensemble); half B is the other sample of as many readers, with one model. Of some books the nearest and the farthest in
A are judged by B. Half of the judged books fit the calibration, the other half check it, and what they found is kept.

What is said of all readers is therefore what held for half of them, and that is modest: the same agreement of
replicates is worth more the more readers there are. Taken from quarters to halves, said .55 came true in .64 to .69
and said .85 in .9 to 1. The step is not carried on, because nothing could check it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from data.artifact import made_by
from data.certainty import FEW, Certainty, margins, thresholds
from data.corpus import Corpus
from data.digest import digest_of
from data.ensemble import FORMAT, KIND, Ensemble
from data.errors import EmptyCorpus
from data.progress import Progress, Quiet
from data.store import Store
from data.vectors import unit_rows
from models.base import Encoder, Run
from models.catalogue import model_class
from pipeline.calibration import Pairs, check, fit_calibration
from pipeline.config import Settings
from pipeline.doubt_config import EnsembleConfig
from pipeline.ranking import top_columns
from pipeline.represent import WHOLE, Part, model_config
from pipeline.resample import halves, sample

N_CANDIDATES = 50  # nearest and farthest books of each judged book
_BLOCK = 256  # books asked at a time
Fit = Callable[[Corpus, Run], np.ndarray]  # the unit vectors of the books, learned from these readers


def make_ensemble(store: Store, kind: str, part: Part, settings: Settings, progress: Progress) -> tuple[Path, bool]:
    """Return the folder of the calibrated ensemble of a kind of space, and whether it had to be made.

    Raises
    ------
    EmptyCorpus
        If there are too few books to judge a list of `ensemble.k`.
    """
    model, config = model_class(kind), model_config(kind, settings)
    key = part.key(settings.split)
    asked = [asdict(settings.ensemble), settings.corpus.min_readers, settings.publish.far_min_readers]
    digest = digest_of([KIND, FORMAT, kind, model.format, asdict(config), asked, key, part.seed])

    def fit(data: Corpus, run: Run) -> np.ndarray:
        fitted = model.fit(data, config, run)
        if not isinstance(fitted, Encoder):
            raise TypeError(f"{kind} has no space")
        return unit_rows(fitted.book_vectors())

    def make(folder: Path) -> None:
        data = part.data(settings.split)
        run = Run(part.seed, "release" if part.name == WHOLE else f"evaluation/{part.name}", progress=progress)
        ensemble = calibrated(
            data, fit, settings.ensemble, run, settings.corpus.min_readers, settings.publish.far_min_readers
        )
        provenance = {"data": key, "seed": part.seed, "stage": run.stage, "space": kind, "made_by": made_by()}
        ensemble.save(folder, asdict(settings.ensemble), data.books.digest, provenance)

    return store.get_or_make(KIND, digest, make)


@dataclass(frozen=True)
class Judged:
    """Some books of half A, judged by half B.

    Attributes
    ----------
    near, far
        Their nearest and farthest books.
    n_readers
        int64 (n_asked,), readers of the judged books in half A.
    half
        Half A.
    """

    near: Pairs
    far: Pairs
    n_readers: np.ndarray
    half: Corpus

    def of(self, asked: np.ndarray) -> tuple[Pairs, Pairs, np.ndarray]:
        """Return what is judged of some of the books."""
        return self.near.of(asked), self.far.of(asked), self.n_readers[asked]


def calibrated(
    data: Corpus, fit: Fit, config: EnsembleConfig, run: Run, min_readers: int, far_min_readers: int
) -> Ensemble:
    """Return the ensemble of `data`, calibrated on halves of its readers; EmptyCorpus if that cannot be done.

    Parameters
    ----------
    min_readers
        Readers a book needs to be in a release; half A is treated as one.
    far_min_readers
        Readers a book needs to be listed as far.
    """
    run.progress.start(f"ensemble ({run.stage})", 2 * config.n_replicates + 2)
    if (halved := judge(data, fit, config, run, min_readers, far_min_readers)) is None:
        raise EmptyCorpus(
            f"ensemble: too few books have {min_readers} readers in half of the readers to judge lists of {config.k}. "
            "Set ensemble.k lower, or ensemble.n_replicates = 0 to publish without."
        )
    order = run.generator("ensemble/fitted").permutation(len(halved.n_readers))
    fitted, checked = order[: len(order) // 2], order[len(order) // 2 :]
    calibration = fit_calibration(*halved.of(fitted), config)
    arrays, metrics = check(calibration, *halved.of(checked))
    metrics |= {
        "n_judged": len(order),
        "n_readers_of_half": halved.half.n_readers,
        "n_books_of_half": halved.half.n_books,
    }
    whole = Ensemble.of(replicates(data, fit, config.n_replicates, run, "ensemble/whole"))
    run.progress.finish(f"{config.n_replicates} replicates, calibration error {metrics['ece']:.3f}")
    return Ensemble(whole.codes, whole.scale, calibration, arrays, metrics)


def judge(
    data: Corpus, fit: Fit, config: EnsembleConfig, run: Run, min_readers: int, far_min_readers: int
) -> Judged | None:
    """Judge what half of the readers says of `n_judged` books by the other half; None if there are too few books."""
    half_a, half_b = halves(data, run.generator("ensemble/halves"), min_readers)
    if half_a.n_books < config.k + 2:
        return None
    vectors, other = (fit(half, _quiet(run, f"ensemble/{side}")) for half, side in ((half_a, "a"), (half_b, "b")))
    run.progress.advance(2)
    ensemble = Ensemble.of(replicates(half_a, fit, config.n_replicates, run, "ensemble/half"))
    random = run.generator("ensemble/judged")
    asked = np.sort(random.choice(half_a.n_books, min(config.n_judged, half_a.n_books), replace=False))
    n_readers = half_a.readers_per_book
    near, far = judged_pairs(ensemble, vectors, other, asked, n_readers, config.k, far_min_readers)
    return Judged(near, far, n_readers[asked], half_a)


def replicates(data: Corpus, fit: Fit, n_replicates: int, run: Run, name: str) -> Iterator[np.ndarray]:
    """Yield the vectors of models fitted to bootstrap samples of the readers, each from its own seed."""
    for replicate in range(n_replicates):
        random = run.generator(f"{name}/{replicate}")
        drawn = sample(data, np.sort(random.integers(0, data.n_readers, data.n_readers)))
        yield fit(drawn, _quiet(run, f"{name}/{replicate}/model"))
        run.progress.advance()


def judged_pairs(
    ensemble: Ensemble,
    vectors: np.ndarray,
    other: np.ndarray,
    asked: np.ndarray,
    n_readers: np.ndarray,
    k: int,
    far_min_readers: int,
) -> tuple[Pairs, Pairs]:
    """Return the nearest and the farthest books of `asked`, as the ensemble and as another model see them.

    Parameters
    ----------
    vectors, other
        Unit vectors of the books, from the readers the ensemble comes from and from others.
    asked, n_readers
        Rows of the judged books, and readers of every book.
    """
    n = min(N_CANDIDATES, len(vectors) - 1)
    common = np.flatnonzero(n_readers >= min(far_min_readers, int(np.median(n_readers))))
    near: list[tuple[np.ndarray, ...]] = []
    far: list[tuple[np.ndarray, ...]] = []
    for start in range(0, len(asked), _BLOCK):
        rows = asked[start : start + _BLOCK]
        mine, theirs = _similarity(vectors, rows), _similarity(other, rows)
        nearest = top_columns(mine, n)
        least = -mine[:, common]
        least[rows[:, None] == common] = -np.inf
        farthest = common[top_columns(least, min(n, max(1, len(common) - 1)))]
        top = np.zeros(theirs.shape, np.bool_)
        np.put_along_axis(top, top_columns(theirs, k), values=True, axis=1)
        chosen, edges = _replicated(ensemble, rows, np.concatenate([nearest, farthest], axis=1), k)
        for pairs, columns, part in ((near, nearest, chosen[..., :n]), (far, farthest, chosen[..., n:])):
            seen = (np.take_along_axis(table, columns, axis=1) for table in (mine, theirs, top))
            similarity, there, in_top = seen
            pairs.append((similarity, part.std(axis=0, ddof=1), there, *margins(part, edges), in_top))
    return _joined(near), _joined(far)


def neighbour_certainty(
    ensemble: Ensemble,
    vectors: np.ndarray,
    rows: np.ndarray,
    n_readers: np.ndarray,
    progress: Progress,
) -> Certainty:
    """Return how sure the neighbours of every book are: what `Ensemble.certainty` says of each, all books competing.

    Parameters
    ----------
    vectors
        Unit vectors of the books in the published space.
    rows
        int64 (n_books, n_candidates), the candidates of each book, itself not among them.
    n_readers
        int64 (n_books,).

    Returns
    -------
    Certainty
        Arrays (n_books, n_candidates).
    """
    n_books, k = len(vectors), ensemble.calibration.k
    low, high, p_top = (np.empty(rows.shape, np.float32) for _ in range(3))
    progress.start("how sure neighbours are", n_books)
    for start in range(0, n_books, _BLOCK):
        asked = np.arange(start, min(start + _BLOCK, n_books))
        columns = rows[asked]
        similarity = np.matmul(vectors[columns], vectors[asked][:, :, None])[..., 0]
        chosen, edges = _replicated(ensemble, asked, columns, k)
        low[asked], high[asked] = ensemble.calibration.near.around(
            similarity, chosen.std(axis=0, ddof=1), n_readers[asked, None]
        )
        if n_books - 1 < FEW * k:  # one by one: their probabilities depend on each other
            p_top[asked] = [_among_all(ensemble, book, rows[book], n_readers[book]) for book in asked.tolist()]
        else:
            p_top[asked] = ensemble.calibration.p_top(*margins(chosen, edges), n_readers[asked, None])
        progress.advance(len(asked))
    progress.finish(f"{n_books:,} books")
    return Certainty(low, high, p_top)


def _among_all(ensemble: Ensemble, book: int, rows: np.ndarray, n_readers: int) -> np.ndarray:
    """Return the probability of the books `rows` to be among the nearest of `book`, all others competing."""
    others = np.delete(np.arange(ensemble.codes.shape[1]), book)
    replicates = ensemble.similarity(lambda vectors_of: vectors_of(np.array([book]))[0], others)
    return ensemble.calibration.among(replicates, np.searchsorted(others, rows), n_readers)


def _replicated(ensemble: Ensemble, asked: np.ndarray, columns: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return, in each replicate, the similarities (n_replicates, n, n_columns) and thresholds (n_replicates, n, 2).

    The thresholds are those of all books: a book with few readers has, in a sample of them, neighbours from anywhere.
    Among the 200 nearest of the published space they were the same in every replicate for 1 % of the books only
    (Book-Crossing; 19 % of goodbooks).
    """
    n_books = ensemble.codes.shape[1]
    every = slice(None)
    chosen = np.empty((ensemble.n_replicates, *columns.shape), np.float32)
    edges = np.empty((ensemble.n_replicates, len(asked), 2), np.float32)
    for replicate in range(ensemble.n_replicates):
        similarity = _similarity(ensemble.vectors(replicate, every), asked)
        chosen[replicate] = np.take_along_axis(similarity, columns, axis=1)
        edges[replicate] = thresholds(similarity, min(k, n_books - 1))
    return chosen, edges


def _similarity(vectors: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Cosines of the asked books with all, (n_asked, n_books); of a book with itself, minus infinity."""
    similarity: np.ndarray = vectors[asked] @ vectors.T
    similarity[np.arange(len(asked)), asked] = -np.inf
    return similarity


def _joined(parts: list[tuple[np.ndarray, ...]]) -> Pairs:
    return Pairs(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _quiet(run: Run, name: str) -> Run:
    """Return the run of one fit among many: its own seed, and no report of its own."""
    return replace(run, seed=run.derive_seed(name), progress=Quiet())
