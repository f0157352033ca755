"""Planted biases and variances are found again; a Gaussian is cut as the protocol cuts it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.ratings import Ratings
from pipeline.rating_baselines import Biases, degrees_of_freedom, everybody, gaussian_levels
from tests.benchmarks.retrieval import load_protocol


def planted(seed: int) -> tuple[Ratings, np.ndarray, np.ndarray, np.ndarray]:
    """Ratings on a fine scale, biases of readers and books, sd of readers."""
    random = np.random.default_rng(seed)
    of_reader, of_book = random.normal(0, 0.5, 300), random.normal(0, 0.3, 80)
    sd = np.exp(random.normal(-1, 0.4, 300))
    reader, book = np.nonzero(random.random((300, 80)) < 0.5)
    levels = np.linspace(-4, 4, 801, dtype=np.float32)
    raw = of_reader[reader] + of_book[book] + sd[reader] * random.normal(size=len(reader))
    value = levels[np.clip(np.round((raw + 4) * 100), 0, 800).astype(np.int64)]
    return Ratings(reader.astype(np.int32), book.astype(np.int32), value, levels, 300, 80), of_reader, of_book, sd


def test_planted_biases_and_variances_are_found() -> None:
    ratings, of_reader, of_book, sd = planted(seed=1)
    found = Biases.fit(ratings)
    centre = of_book.mean()
    assert np.corrcoef(found.of_reader, of_reader)[0, 1] > 0.97
    assert np.abs(found.of_book - (of_book - centre)).mean() < 0.05
    assert np.abs(found.mean + found.of_reader - of_reader - centre).mean() < 0.1
    assert np.corrcoef(np.log(found.reader_sd), np.log(sd))[0, 1] > 0.95


def test_readers_who_never_vary_have_biases_and_one_without_ratings_has_none() -> None:
    """Nothing is left of any rating: a bias is believed whole, and nobody gets zero divided by zero."""
    reader, book = np.repeat(np.arange(2, dtype=np.int32), 3), np.tile(np.arange(3, dtype=np.int32), 2)
    levels = np.array([1, 2, 3, 4], np.float32)
    found = Biases.fit(Ratings(reader, book, np.repeat(levels[[1, 3]], 3), levels, 3, 4))
    np.testing.assert_allclose(found.of_reader, [-1, 1, 0], atol=1e-5)
    np.testing.assert_allclose(found.of_book, 0, atol=1e-5)
    p = found.forecast(np.array([0, 1, 2]), np.array([0, 3, 3]), sd_of_reader=False)
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_variances_are_those_of_ratings_not_known() -> None:
    """Three ratings a reader: residuals of biases that knew them would be a tenth too small."""
    random = np.random.default_rng(6)
    reader, book = np.repeat(np.arange(2000), 3), random.integers(0, 400, 6000)
    unique = np.unique(reader * 400 + book)
    reader, book = unique // 400, unique % 400
    levels = np.linspace(-6, 6, 1201, dtype=np.float32)
    raw = random.normal(0, 1, 2000)[reader] + random.normal(size=len(reader))
    value = levels[np.clip(np.round((raw + 6) * 100), 0, 1200).astype(np.int64)]
    is_held = random.random(len(reader)) < 0.1
    ratings = Ratings(reader.astype(np.int32), book.astype(np.int32), value, levels, 2000, 400)
    found = Biases.fit(ratings.rows(np.flatnonzero(~is_held)))
    error = value - found.mean - found.of_reader[reader] - found.of_book[book]
    assert found.sd == pytest.approx(error[is_held].std(), rel=0.08)
    assert error[~is_held].std() < 0.92 * found.sd


def test_degrees_of_freedom_are_found() -> None:
    """Variances drawn from a scaled inverse chi-squared of 8 degrees of freedom."""
    random = np.random.default_rng(2)
    var = 8 * 2.0 / random.chisquare(8, 5000)
    n = random.integers(5, 40, 5000)
    assert degrees_of_freedom(n, var * random.chisquare(n), 2.0) == pytest.approx(8, rel=0.1)


def test_nobody_known_has_no_bias() -> None:
    ratings = planted(seed=3)[0]
    more = Ratings(ratings.reader, ratings.book, ratings.value, ratings.levels, 301, 81)
    found = Biases.fit(more)
    assert found.of_reader[300] == found.of_book[80] == 0
    assert found.reader_sd[300] == pytest.approx(found.sd)


def test_forecasts_are_gaussians_of_the_biases() -> None:
    ratings = planted(seed=4)[0]
    found = Biases.fit(ratings)
    p = found.forecast(np.array([3]), np.array([5]), sd_of_reader=True)
    mean = float(p[0] @ ratings.levels)
    assert mean == pytest.approx(found.mean + found.of_reader[3] + found.of_book[5], abs=1e-3)
    assert np.sqrt(p[0] @ (ratings.levels - mean) ** 2) == pytest.approx(found.reader_sd[3], rel=1e-2)
    assert found.forecast(np.array([3]), np.array([5]), sd_of_reader=False).sum() == pytest.approx(1)


def test_everybody_s_levels() -> None:
    ratings = Ratings(
        np.zeros(3, np.int32), np.arange(3, dtype=np.int32), np.array([1, 1, 2], np.float32),
        np.array([1, 2], np.float32), 1, 3,
    )  # fmt: skip
    assert everybody(ratings, 2).tolist() == [[2.5 / 4, 1.5 / 4]] * 2


@pytest.mark.realdata
def test_a_gaussian_is_cut_as_the_protocol_cuts_it(shared: Path) -> None:
    protocol = load_protocol(shared / "protocol" / "ratings.py")
    random = np.random.default_rng(5)
    mean, sd = random.uniform(-1, 12, 50), random.uniform(0.2, 4, 50)
    levels = np.arange(1, 11, dtype=np.float32)
    assert np.allclose(gaussian_levels(mean, sd, levels), protocol.gaussian_pmf(mean, sd), atol=1e-12)
