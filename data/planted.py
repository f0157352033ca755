"""Types of a simulated history: what is asked for, what was drawn, and the truth behind it.

`data.simulate` draws it; its docstring tells the story.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class SimulationConfig:
    """What kind of readers are drawn; by default a skip-gram model finds the planted neighbours.

    Parameters
    ----------
    n_readers
        Number of readers.
    mean_books, books_log_sd, min_books, max_books
        Log-normal books per reader, clipped to the bounds and to a quarter of the catalogue (the mean falls
        a little).
    zipf_exponent, zipf_offset, fame_noise_sd
        The edition at rank k (from 0) has popularity ``(k + zipf_offset) ** -zipf_exponent``; the rank is
        by `fame` with noise of this standard deviation.
    min_community_editions
        A (language, genre, shelf) with at least this many editions is a community; smaller ones are pooled
        by genre.
    genre_spill, shelf_spill
        How much a community reads of another genre and of another shelf, relative to its own (1: no taste).
    mainstream_share, language_spill
        Probability that a read follows popularity alone; what is read in another language, relative to
        one's own.
    p_english, p_bilingual
        Shares of readers of English only and of both languages; the others read Japanese only.
    concentration
        Total of the Dirichlet's parameters, spread over communities by their size; small means few tastes
        per reader.
    loyalty_mean, loyalty_shape, author_binge
        Gamma distribution of loyalty: an author read once in an imprint gains the factor ``1 + loyalty``
        there, and the author of the book just read the further factor `author_binge`.
    series_pull, series_hold, other_edition
        Factors on the next volume once a volume is read, on a volume whose predecessor is unread, and on
        the other editions of a work once it is read.
    quality_mean, quality_sd, leniency_sd, fit_gain
        Rating points: the normal distributions of edition quality and reader leniency, and what a perfect
        fit adds.
    noise_sd, noise_log_sd
        Log-normal distribution of a reader's rating noise: its median in rating points, its log standard
        deviation.
    p_rating_missing
        Probability that a reading has no rating.
    """

    n_readers: int = 3000
    mean_books: float = 45.0
    books_log_sd: float = 0.9
    min_books: int = 5
    max_books: int = 160
    zipf_exponent: float = 0.75
    zipf_offset: float = 40.0
    fame_noise_sd: float = 0.6
    min_community_editions: int = 12
    genre_spill: float = 0.04
    shelf_spill: float = 0.15
    mainstream_share: float = 0.18
    language_spill: float = 0.01
    p_english: float = 0.22
    p_bilingual: float = 0.08
    concentration: float = 1.5
    loyalty_mean: float = 8.0
    loyalty_shape: float = 2.0
    author_binge: float = 3.5
    series_pull: float = 40.0
    series_hold: float = 0.03
    other_edition: float = 0.1
    quality_mean: float = 3.4
    quality_sd: float = 0.5
    fit_gain: float = 0.8
    leniency_sd: float = 0.4
    noise_sd: float = 0.6
    noise_log_sd: float = 0.4
    p_rating_missing: float = 0.2


@dataclass(frozen=True, eq=False)
class Truth:
    """What was planted. Every array is in the order of `readers`, `communities` and `editions`.

    Attributes
    ----------
    readers, editions, communities
        Ids; a community is named ``language/genre/shelf``, the one of a genre's small shelves
        ``language/genre/*``.
    reader_community, reader_communities
        (n_readers,) int64 index of the heaviest community; (n_readers, n_communities) float64 mixture, rows
        sum to 1.
    community_editions, edition_popularity
        (n_communities, n_editions) and (n_editions,) float64: probability that a read of the community, or
        any read before taste, is this edition; rows sum to 1.
    edition_quality, reader_leniency, reader_noise_sd, fit_gain
        (n_editions,), (n_readers,), (n_readers,) float64 and a scalar: rating points.
    reader_loyalty
        (n_readers,) float64: an author read in an imprint is ``1 + loyalty`` times as likely there from
        then on.
    """

    readers: tuple[str, ...]
    editions: tuple[str, ...]
    communities: tuple[str, ...]
    reader_community: IntArray
    reader_communities: FloatArray
    community_editions: FloatArray
    edition_popularity: FloatArray
    edition_quality: FloatArray
    reader_leniency: FloatArray
    reader_noise_sd: FloatArray
    reader_loyalty: FloatArray
    fit_gain: float

    def expected_rating(self, readers: IntArray, editions: IntArray) -> FloatArray:
        """Return the (n,) rating before noise, rounding and clipping of `readers` for `editions` (indices).

        The fit is the reader's weight on the communities an edition belongs to: between 0 and 1.
        """
        belongs = self.community_editions / self.community_editions.sum(axis=0)
        fit = np.einsum("nc,cn->n", self.reader_communities[readers], belongs[:, editions])
        return np.asarray(self.edition_quality[editions] + self.fit_gain * fit + self.reader_leniency[readers])


@dataclass(frozen=True, eq=False)
class Simulation:
    """`readings` (reader, edition: String, read_on: Date, rating, position: Int64) and the `truth`.

    `position` counts a reader's books from 0; rows are sorted by reader and position, and `read_on` never
    falls along them (two books may be finished on one day). A rating may be null.
    """

    readings: pl.DataFrame
    truth: Truth
