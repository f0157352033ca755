"""The table of every book's nearest books: how near, how sure, and how many readers they share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from data.corpus import Corpus
from data.ensemble import Ensemble
from data.progress import Progress
from pipeline.config import Settings
from pipeline.disclosure import is_told
from pipeline.ensemble import neighbour_certainty
from pipeline.index import Index

_BLOCK = 2_048  # books whose shared readers are counted at a time


def neighbour_table(
    corpus: Corpus, vectors: np.ndarray, index: Index, ensemble: Path | None, settings: Settings, progress: Progress
) -> pl.DataFrame:
    """Return the `publish.n_neighbours` nearest books of each book, the surest first.

    Parameters
    ----------
    index
        Of the vectors. Where it is a graph, how sure neighbours are is not worked out: time would grow with the square
        of the books. A query still says it of the book it asks about.

    Returns
    -------
    DataFrame
        ``book, neighbour, rank, similarity, low, high, p_top10, n_shared, lift``, sorted by book and rank. Without an
        ensemble, or by a graph, ``low``, ``high`` and ``p_top10`` are null, and ranks follow the similarity. Where
        too few readers share both books, or too few of one have not read the other (`pipeline.disclosure`),
        ``n_shared`` and ``lift`` are null.
    """
    rows, similarity = index.search(np.arange(len(vectors)), min(settings.publish.n_neighbours, len(vectors) - 1))
    n_books, k = rows.shape
    columns = {"similarity": similarity}
    if ensemble is not None and index.recall is None:
        opened = Ensemble.open(ensemble, corpus.books.digest)
        sure = neighbour_certainty(opened, vectors, rows, corpus.readers_per_book, progress)
        columns |= {"low": sure.low, "high": sure.high, "p_top10": sure.p_top}
        order = np.lexsort((rows, -similarity, -sure.p_top), axis=1)
        rows = np.take_along_axis(rows, order, axis=1)
        columns = {name: np.take_along_axis(values, order, axis=1) for name, values in columns.items()}
    ids = pl.Series(corpus.books.ids, dtype=pl.String)
    frame = pl.DataFrame(
        {
            "book": ids.gather(np.repeat(np.arange(n_books), k)),
            "neighbour": ids.gather(rows.ravel()),
            "rank": np.tile(np.arange(1, k + 1, dtype=np.int32), n_books),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )
    missing = [pl.lit(None, pl.Float32).alias(name) for name in ("low", "high", "p_top10") if name not in columns]
    return frame.with_columns(*missing, *_shared(corpus, rows, settings.corpus.min_readers)).select(
        "book", "neighbour", "rank", "similarity", "low", "high", "p_top10", "n_shared", "lift"
    )


def _shared(corpus: Corpus, rows: np.ndarray, min_readers: int) -> list[pl.Series]:
    """Return the readers each pair shares and their lift over independent reading, null where that is not told."""
    books = corpus.counts.T.tocsr()
    blocks = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        shared = (books[start : start + len(block)] @ corpus.counts).tocsr()
        blocks.append(np.asarray(shared[np.arange(len(block))[:, None], block].todense()))
    n_shared = np.concatenate(blocks).astype(np.int64)
    n_readers = corpus.readers_per_book
    expected = n_readers[:, None] * n_readers[rows] / corpus.n_readers
    told = pl.Series(is_told(n_shared, n_readers[:, None], n_readers[rows], min_readers).ravel())
    lift = pl.Series("lift", (n_shared / expected).astype(np.float32).ravel())
    frame = pl.DataFrame([pl.Series("n_shared", n_shared.astype(np.int32).ravel()), lift])
    masked = frame.select(pl.when(told).then(pl.col(name)).alias(name) for name in ("n_shared", "lift"))
    return masked.get_columns()
