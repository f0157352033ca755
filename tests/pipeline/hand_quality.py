"""Forecasts of ratings whose quality is known: the predictor is calibrated, the yardstick too sure of itself.

Ratings are drawn from what the predictor says. The yardstick says the same with every probability cubed, so that its
sets are too narrow; the floor says how often levels are given.
"""

from __future__ import annotations

import numpy as np

from pipeline.judge_rating import BIASES, NET, SHARES, STRONGEST, RatingQuality

LEVELS = np.arange(1, 6, dtype=np.float32)
N_READERS, PER_READER = 40, 60
N_RATED = (5, 50, 200)  # ratings of cold, warm and hot readers: the first 18, the next 18, the last four
N_OF_BOOK = (0, 5, 30)  # ratings of cold, warm and hot books, by turns
PARTS = {"of_book": (0.3, 0.2, 0.1), "of_reader": (0.4, 0.2, 0.0)}  # of the aleatoric variance, by group
HELD = 19  # ratings of twenty in the set that answers name
EPISTEMIC = 0.25  # of the aleatoric variance


def hand_quality(seed: int = 0) -> RatingQuality:
    """Return the forecasts, 60 of each of 40 readers."""
    random = np.random.default_rng(seed)
    reader = np.repeat(np.arange(N_READERS), PER_READER)
    of_reader, of_book = np.minimum(reader // 18, 2), np.arange(len(reader)) % 3
    p = random.dirichlet(np.full(5, 0.8), len(reader))
    category = (random.random(len(p))[:, None] > np.cumsum(p, axis=1)).sum(axis=1).clip(max=4)
    sure = p**3 / (p**3).sum(axis=1, keepdims=True)
    shares = np.bincount(category, minlength=5) / len(category)
    mean = p @ LEVELS
    aleatoric = p @ LEVELS.astype(float) ** 2 - mean**2
    return RatingQuality(
        levels=LEVELS,
        category=category.astype(np.int64),
        reader=reader.astype(np.int64),
        p={
            NET: p.astype(np.float32),
            SHARES: np.tile(shares, (len(p), 1)).astype(np.float32),
            BIASES: ((p + shares) / 2).astype(np.float32),
            STRONGEST: _positive(sure).astype(np.float32),
        },
        epistemic_var=(EPISTEMIC * aleatoric).astype(np.float32),
        aleatoric_var=aleatoric.astype(np.float32),
        of_book=np.array(PARTS["of_book"], np.float32)[of_book],
        of_reader=np.array(PARTS["of_reader"], np.float32)[of_reader],
        n_reader_ratings=np.array(N_RATED)[of_reader],
        n_book_ratings=np.array(N_OF_BOOK)[of_book],
        in_set=np.arange(len(p)) % 20 < HELD,
        n_in_set=np.full(len(p), 4),
    )


def _positive(p: np.ndarray) -> np.ndarray:
    mixed: np.ndarray = 0.99 * p + 0.002
    return mixed
