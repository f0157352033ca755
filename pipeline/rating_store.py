"""What rating features learned, as arrays by name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.liking import Liking
from pipeline.rating_evidence import BookContext, Population
from pipeline.reader_taste import ReaderTaste
from pipeline.scale_use import ScaleUse


def population_arrays(population: Population, context: BookContext) -> dict[str, np.ndarray]:
    """Return a population and its books as arrays."""
    taste = population.taste
    arrays = {
        "levels": population.levels,
        "scale": population.scale.concentration,
        "author": context.author,
        "vectors": context.vectors,
        "n_readers": context.n_readers,
        "nearness": np.array(taste.nearness, np.float64),
        "variances": taste.variances,
        "strengths": np.array([population.books.strength, population.authors.strength]),
    }
    for name, liking in {"book": population.books, "author": population.authors}.items():
        arrays[f"{name}_sums"], arrays[f"{name}_levels"] = liking.sums, liking.levels.concentration
    return arrays | {f"topics_{i}": profiles for i, profiles in enumerate(context.topics)}


def population_from(arrays: Mapping[str, np.ndarray]) -> tuple[Population, BookContext]:
    """Return the population and the books that `arrays` came from."""
    n_models = sum(name.startswith("topics_") for name in arrays)
    topics = tuple(arrays[f"topics_{i}"] for i in range(n_models))
    context = BookContext(arrays["author"], arrays["vectors"], arrays["n_readers"], topics)
    groups = {"book": np.arange(len(context.author)), "author": context.author_groups}
    books, authors = (
        Liking(group, arrays[f"{name}_sums"], float(strength), ScaleUse(arrays[f"{name}_levels"]))
        for (name, group), strength in zip(groups.items(), arrays["strengths"], strict=True)
    )
    nearness = tuple(float(scale) for scale in arrays["nearness"])
    taste = ReaderTaste(context.unit_vectors, groups["author"], nearness, arrays["variances"])
    return Population(ScaleUse(arrays["scale"]), books, authors, taste, arrays["levels"]), context
