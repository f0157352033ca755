"""Topics on a plane: how far apart they are as distributions of books, those of all models together.

The distance of two topics is Hellinger's, the length of the difference of the square roots of their probabilities over
sqrt(2) (0: the same, 1: no book in common). The plane minimises the weighted stress

    sum over pairs  w_ij (d_ij - |x_i - x_j|)^2        w_ij = d_ij^-NEARNESS

by majorisation (SMACOF, de Leeuw 1977; Borg and Groenen 2005, ch. 8), from classical scaling (Torgerson 1952) and from
random places; the best of them is kept. Nearly all topics are far from each other, so that what can be shown is which
are near: small distances weigh more, as in Sammon's map (1969). Classical scaling alone would not do: topics of books
in two languages share none, that is its first axis, and all topics of one language fall on a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.seeds import generator
from data.topics import Topics

NEARNESS = 4.0
N_STARTS = 12
_N_STEPS = 200
_SMALLEST = 1e-3  # distance below which two topics, or two points, are one


@dataclass(frozen=True)
class Plane:
    """Topics in two dimensions.

    Attributes
    ----------
    points
        float64 (n_topics of all models, 2).
    distances
        float64 (n, n), Hellinger distances, 0 to 1.
    distortion
        How much a distance on the plane differs from the true one, as a root mean square.
    """

    points: np.ndarray
    distances: np.ndarray
    distortion: float

    @classmethod
    def of(cls, models: Sequence[Topics]) -> Plane:
        """Place the topics of all models; the same topics always in the same places."""
        roots = np.sqrt(np.concatenate([topics.p for topics in models]).astype(np.float64))
        products = roots @ roots.T
        squares = np.maximum(products.diagonal()[:, None] + products.diagonal()[None, :] - 2 * products, 0) / 2
        np.fill_diagonal(squares, 0)
        distances = np.sqrt(squares)
        random = generator(0, "report/topics/plane")
        starts = [classical(squares), *(random.normal(0, 0.5, (len(roots), 2)) for _ in range(N_STARTS))]
        found = [least_distorted(distances, start) for start in starts]
        points = upright(min(found, key=lambda points: stress(distances, points)))
        off = ~np.eye(len(points), dtype=bool)
        differences = (_apart(points) - distances)[off]
        return cls(points, distances, float(np.sqrt((differences**2).mean())) if len(differences) else 0.0)


def classical(squares: np.ndarray) -> np.ndarray:
    """Return the plane of classical scaling of squared distances (n, n), float64 (n, 2)."""
    n = len(squares)
    centring = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ squares @ centring)
    points = np.zeros((n, 2))
    points[:, : min(2, n)] = (vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0)))[:, :2]
    return points


def least_distorted(distances: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return points (n, 2) of less stress than those of `start`: each step, the Guttman transform, never adds any."""
    weights = _weights(distances)
    inverse = np.linalg.pinv(np.diag(weights.sum(axis=1)) - weights)
    points: np.ndarray = start - start.mean(axis=0)
    for _ in range(_N_STEPS):
        apart = _apart(points)
        ratio = np.divide(weights * distances, apart, out=np.zeros_like(apart), where=apart > _SMALLEST)
        points = inverse @ (ratio.sum(axis=1)[:, None] * points - ratio @ points)
    return points


def stress(distances: np.ndarray, points: np.ndarray) -> float:
    """Return the weighted stress of points (n, 2), every pair counted twice."""
    return float((_weights(distances) * (distances - _apart(points)) ** 2).sum())


def upright(points: np.ndarray) -> np.ndarray:
    """Return the points turned so that they spread most from left to right, and flipped in one way only."""
    centred = points - points.mean(axis=0)
    turned: np.ndarray = centred @ np.linalg.svd(centred, full_matrices=True)[2].T if len(centred) else centred
    largest = turned[np.abs(turned).argmax(axis=0), [0, 1]]
    flipped: np.ndarray = turned * np.where(largest < 0, -1.0, 1.0)
    return flipped


def _weights(distances: np.ndarray) -> np.ndarray:
    weights: np.ndarray = np.maximum(distances, _SMALLEST**0.5) ** -NEARNESS
    np.fill_diagonal(weights, 0)
    return weights


def _apart(points: np.ndarray) -> np.ndarray:
    apart: np.ndarray = np.linalg.norm(points[:, None] - points[None], axis=2)
    return apart
