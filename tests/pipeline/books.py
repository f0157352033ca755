"""Books and releases written by hand, without a history or a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from data.artifact import ModelArtifact, write_artifact, write_json
from data.ensemble import Ensemble
from data.release import ENSEMBLE, FORMAT, KEY_COLUMNS, SPACE, SPACE_FORMAT, SPACES, TEXT_COLUMNS, Books, Release
from data.store import Store
from data.vectors import unit_rows
from pipeline.lookup import title_keys

VOCABULARY = "by hand"


def books_of(rows: Sequence[dict[str, Any]]) -> Books:
    """Return books from rows that name what matters; ids are ``t:0``, ``t:1`` ..., a book has 10 readers."""
    full = []
    for i, row in enumerate(rows):
        text = {name: row.get(name, "") for name in TEXT_COLUMNS} | {"book": row.get("book", f"t:{i}")}
        details = [text[name] for name in ("authors", "publisher", "imprint", "language")] + [str(row.get("year", ""))]
        full.append({**text, **title_keys(text["title"], *details)})
    columns = {name: [row[name] for row in full] for name in (*TEXT_COLUMNS, *KEY_COLUMNS)}
    n_readers = np.array([row.get("n_readers", 10) for row in rows], np.int64)
    return Books(columns, [row.get("year") for row in rows], n_readers)


def titled(*titles: str) -> Books:
    """Return books of which only the titles matter."""
    return books_of([{"title": title} for title in titles])


def release_of(
    store: Store,
    books: Books,
    vectors: np.ndarray | dict[str, np.ndarray],
    *,
    id_: str = "r1",
    passed: bool = True,
    far_min_readers: int = 20,
    ensemble: Ensemble | None = None,
) -> Release:
    """Write a release of these books and return it; switch to it yourself.

    `vectors` are scaled to length 1; several spaces come by kind, the default one first.
    """
    folder = store.release(id_)
    spaces = vectors if isinstance(vectors, dict) else {"spectral": vectors}
    for kind, of_kind in spaces.items():
        (folder / SPACES / kind).mkdir(parents=True)
        space = ModelArtifact(SPACE, SPACE_FORMAT, {}, {"vectors": unit_rows(of_kind)}, VOCABULARY)
        write_artifact(folder / SPACES / kind, space)
    if ensemble is not None:
        (folder / ENSEMBLE).mkdir()
        ensemble.save(folder / ENSEMBLE, {}, VOCABULARY, {})
    write_json(folder / "books.json", {"n_readers": books.n_readers.tolist(), "year": books.year, **books.columns})
    write_json(folder / "quality.json", {"rows": []})
    manifest = {
        "id": id_,
        "format": FORMAT,
        "vocabulary": VOCABULARY,
        "passed": passed,
        "verdict": "published: by hand" if passed else "refused: by hand",
        "seed": 0,
        "settings": {"publish": {"far_min_readers": far_min_readers}, "corpus": {"min_readers": 5}},
        "spaces": list(spaces),
        "corpus": {"n_readers": 100, "n_books": len(books), "n_readings": 1234},
    }
    write_json(folder / "manifest.json", manifest)
    return Release.open(store, id_)


def turned(degrees: float) -> list[float]:
    return [float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))]
