"""Where the doubt about ratings is, of which kind, and whether it is where the errors are.

The doubt about a rating is its variance by the predictor. Three parts of it go with more data: that of the model (more
readers), of the book (more ratings of it) and of the reader (more ratings by the same reader); the rest stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from pipeline.disclosure import parts_told, runs_told
from pipeline.judge_rating import NET, RatingQuality
from pipeline.rating_metrics import (
    BOOK_EDGES,
    KNOWN,
    READER_EDGES,
    Figure,
    auroc,
    clustered,
    covered,
    known_groups,
    risk_coverage,
    row_scores,
)

TOTAL, EPISTEMIC, ALEATORIC = "total", "epistemic", "aleatoric"
MIN_ROWS = 30  # of either kind, for an AUROC
_SHARES = np.arange(1, 21) / 20
_PROMISED = 0.9


@dataclass(frozen=True)
class Parts:
    """Shares of the mean variance of some ratings; they sum to 1.

    Attributes
    ----------
    of_model, of_book, of_reader
        What goes with more readers, more ratings of the books, more ratings by the readers.
    """

    of_model: float
    of_book: float
    of_reader: float

    @property
    def stays(self) -> float:
        """What is left however much is collected."""
        return 1 - self.helped

    @property
    def helped(self) -> float:
        """What more data would take away."""
        return self.of_model + self.of_book + self.of_reader


@dataclass(frozen=True)
class Cell:
    """Ratings of one group of readers and one of books.

    Attributes
    ----------
    readers
        Some of `KNOWN` that follow each other: groups of too few readers are put together.
    books
        Of `KNOWN`.
    is_told
        Whether anything may be said: there are enough readers, and what is told of the other groups does not give this
        one away. If not, the figures are not to be shown.
    n, n_readers
        Ratings, readers.
    sd
        Root of the mean variance that was said, in points.
    rmse, cover90
        Root mean square of the errors; share of ratings in nine-in-ten sets.
    parts
        What the variance is made of.
    """

    readers: tuple[str, ...]
    books: str
    is_told: bool
    n: int
    n_readers: int
    sd: float
    rmse: Figure
    cover90: Figure
    parts: Parts


@dataclass(frozen=True)
class RiskPoint:
    """The root mean square error of the ratings of least doubt, which are a share of all."""

    share: float
    rmse: Figure


@dataclass(frozen=True)
class Foreign:
    """Whether doubt tells what is foreign to what was learned from what is familiar.

    Attributes
    ----------
    foreign, familiar
        In words.
    n_foreign, n_familiar
        Ratings.
    auroc
        Kind of doubt -> probability that a foreign rating has more of it than a familiar one.
    """

    foreign: str
    familiar: str
    n_foreign: int
    n_familiar: int
    auroc: Mapping[str, Figure]


def doubts(quality: RatingQuality) -> dict[str, np.ndarray]:
    """Return the doubt about each rating by its kind, float64 (n,), in squared points."""
    epistemic, aleatoric = (getattr(quality, name).astype(np.float64) for name in ("epistemic_var", "aleatoric_var"))
    return {TOTAL: epistemic + aleatoric, EPISTEMIC: epistemic, ALEATORIC: aleatoric}


def parts_of(quality: RatingQuality, rows: np.ndarray | None = None) -> Parts:
    """Return what the variance of some ratings (a mask; None: all) is made of."""
    chosen = slice(None) if rows is None else rows
    of = doubts(quality)
    total = max(float(of[TOTAL][chosen].sum()), 1e-12)
    of_book, of_reader = (
        float((of[ALEATORIC] * getattr(quality, name))[chosen].sum()) / total for name in ("of_book", "of_reader")
    )
    return Parts(float(of[EPISTEMIC][chosen].sum()) / total, of_book, of_reader)


def doubt_map(quality: RatingQuality, min_readers: int, seed: int) -> list[Cell]:
    """Return cold, warm, hot readers by cold, warm, hot books, in this order; groups without ratings are left out.

    Groups of too few readers go together with the next; of what is then still a pair of few, nothing is told.

    Parameters
    ----------
    min_readers
        Readers below which a group is not told.
    """
    of_reader, of_book = (
        known_groups(quality.n_reader_ratings, READER_EDGES),
        known_groups(quality.n_book_ratings, BOOK_EDGES),
    )
    sizes = np.array([len(np.unique(quality.reader[of_reader == i])) for i in range(len(KNOWN))])
    groups = [(run, j) for run in runs_told(sizes, min_readers) for j in range(len(KNOWN))]
    masks = [(run, j, np.isin(of_reader, run) & (of_book == j)) for run, j in groups]
    masks = [one for one in masks if one[2].any()]
    n_readers = np.array([len(np.unique(quality.reader[mask])) for _, _, mask in masks])
    told = parts_told(n_readers, min_readers)
    scores = row_scores(quality.forecast(NET), seed)
    return [
        _cell(quality, scores, tuple(KNOWN[i] for i in run), KNOWN[j], mask, is_told=bool(told[k]))
        for k, (run, j, mask) in enumerate(masks)
    ]


def _cell(
    quality: RatingQuality,
    scores: Mapping[str, np.ndarray],
    readers: tuple[str, ...],
    books: str,
    mask: np.ndarray,
    *,
    is_told: bool,
) -> Cell:
    reader = quality.reader[mask]
    inside = covered(scores["pit"][mask], _PROMISED).astype(np.float64)
    return Cell(
        readers=readers,
        books=books,
        is_told=is_told,
        n=int(mask.sum()),
        n_readers=len(np.unique(reader)),
        sd=float(np.sqrt(doubts(quality)[TOTAL][mask].mean())),
        rmse=_root(clustered(scores["square"][mask], reader)),
        cover90=clustered(inside, reader),
        parts=parts_of(quality, mask),
    )


def risk_curves(quality: RatingQuality, seed: int) -> dict[str, list[RiskPoint]]:
    """Return, by kind of doubt, the errors of the twentieth, two twentieths ... of the ratings with least of it."""
    square = row_scores(quality.forecast(NET), seed)["square"]
    return {kind: _risk(square, doubt, quality.reader) for kind, doubt in doubts(quality).items()}


def _risk(square: np.ndarray, doubt: np.ndarray, reader: np.ndarray) -> list[RiskPoint]:
    curve, order = risk_coverage(square, doubt), np.argsort(doubt, kind="stable")
    at = np.unique(np.maximum((_SHARES * len(square)).round().astype(np.int64), 1))
    points = []
    for n in at.tolist():
        kept = order[:n]
        se = clustered(square[kept], reader[kept]).se
        points.append(RiskPoint(n / len(square), _root(Figure(float(curve[n - 1]), se))))
    return points


def foreign(quality: RatingQuality) -> list[Foreign]:
    """Return whether doubt tells books and readers of whom little is known from those of whom much is.

    Of each, those below the first edge against those from the second on; left out where there are fewer than `MIN_ROWS`
    ratings of either kind.
    """
    of_reader, of_book = (
        known_groups(quality.n_reader_ratings, READER_EDGES),
        known_groups(quality.n_book_ratings, BOOK_EDGES),
    )
    unrated = quality.n_book_ratings == 0
    compared = [
        ("books that nobody else rated", f"books with at least {BOOK_EDGES[1]} ratings", unrated, of_book == 2),
        (
            f"readers with fewer than {READER_EDGES[0]} ratings",
            f"readers with at least {READER_EDGES[1]}",
            of_reader == 0,
            of_reader == 2,
        ),
    ]
    return [
        Foreign(
            names[0],
            names[1],
            int(out.sum()),
            int(within.sum()),
            {kind: _auroc(doubt, out, within, quality.reader) for kind, doubt in doubts(quality).items()},
        )
        for *names, out, within in compared
        if min(out.sum(), within.sum()) >= MIN_ROWS
    ]


def _auroc(doubt: np.ndarray, out: np.ndarray, within: np.ndarray, reader: np.ndarray) -> Figure:
    rows = out | within
    return auroc_figure(doubt[rows], out[rows], reader[rows])


def auroc_figure(score: np.ndarray, is_out: np.ndarray, reader: np.ndarray) -> Figure:
    """Return the probability that a row of `is_out`, bool (n,), has the larger `score`, (n,); ties count half.

    Its standard error is from the structural components of DeLong, DeLong and Clarke-Pearson (1988), summed by reader
    (Obuchowski 1997): rows of one reader, foreign and familiar ones, are alike. NaN where all rows or none are out, or
    there is one reader alone.
    """
    value = auroc(score, is_out)
    _, cluster = np.unique(reader, return_inverse=True)
    n_clusters = int(cluster.max(initial=-1)) + 1
    if not np.isfinite(value) or n_clusters < 2:
        return Figure(value, float("nan"))
    n_out, n_in = int(is_out.sum()), int((~is_out).sum())
    among_all, among_own = rankdata(score), np.empty(len(score))
    for side in (is_out, ~is_out):
        among_own[side] = rankdata(score[side])
    below = among_all - among_own  # rows of the other side that are smaller; ties count half
    component = np.where(is_out, below / n_in - value, 1 - below / n_out - value)
    component /= np.where(is_out, n_out, n_in)
    sums = np.bincount(cluster, component)
    return Figure(value, float(np.sqrt((sums**2).sum() * n_clusters / (n_clusters - 1))))


def _root(square: Figure) -> Figure:
    """Return the root of a mean square and its standard error (the delta method)."""
    root = float(np.sqrt(square.value))
    return Figure(root, square.se / (2 * root) if root else 0.0)


def told(cells: Sequence[Cell]) -> list[Cell]:
    """Return the groups of which something may be said."""
    return [cell for cell in cells if cell.is_told]
