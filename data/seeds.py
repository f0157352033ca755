"""Randomness by name: one root seed, one independent stream per purpose.

A stream depends on the root seed and its own name only, so adding a model or a step never
reshuffles another (the rule of lenskit/lkpy and NumPy's ``SeedSequence.spawn_key``).
"""

from __future__ import annotations

from zlib import crc32

import numpy as np


def _sequence(seed: int, name: str) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(crc32(name.encode()),))


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator of the stream `name` (for example ``"fit/word2vec"``) under `seed`."""
    return np.random.default_rng(_sequence(seed, name))


def derive_seed(seed: int, name: str) -> int:
    """Return a 31-bit seed for a library that takes an integer (gensim, torch)."""
    return int(_sequence(seed, name).generate_state(1, np.uint32)[0] >> np.uint32(1))
