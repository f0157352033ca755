"""From a fitted space and its evaluation to a release: assemble, judge, and switch only if it is good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.artifact import ModelArtifact, made_by, read_json, write_artifact, write_json
from data.corpus import Corpus
from data.digest import digest_of
from data.history import ReadingHistory
from data.release import FORMAT, SPACE, SPACE_FORMAT, Release, kept_releases
from data.store import Store
from data.vectors import unit_rows
from data.works.table import Works
from models.base import Encoder
from models.catalogue import model_class
from pipeline.book_columns import book_columns
from pipeline.config import EvaluationConfig, GateConfig, Settings
from pipeline.evaluate import Evaluation
from pipeline.query import nearest_tables

JUDGED_SPLIT = "readers"
JUDGED_MODEL = "word2vec"  # the model whose space is published


@dataclass(frozen=True)
class Gate:
    """One condition a release must meet, and whether it did."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Published:
    """The outcome of publishing.

    Attributes
    ----------
    release_id
        The release, made now or before.
    passed
        Whether it passed its gates.
    made
        Whether it was made now; if not, nothing was done.
    verdict
        One line that says what happened.
    """

    release_id: str
    passed: bool
    made: bool
    verdict: str


@dataclass(frozen=True)
class Ingredients:
    """Everything a release is made of."""

    history: ReadingHistory
    works: Path
    corpus: Path
    space: Path
    evaluations: Sequence[Path]
    settings: Settings
    seed: int

    @property
    def digest(self) -> str:
        """Digest of all ingredients: equal ones make equal releases."""
        folders = [self.works, self.corpus, self.space, *self.evaluations]
        settings = asdict(self.settings)
        return digest_of([FORMAT, self.history.digest, [f.name for f in folders], settings, self.seed])


def publish(store: Store, ingredients: Ingredients) -> Published:
    """Assemble a release, keep it, and switch to it if it passes its gates.

    The same ingredients make no second release. A release that exists and was rolled back from, or
    refused, is not switched to again: a person, or new data, decides that. One that passed and never served,
    because the process was killed in between, is judged again and switched to now.
    """
    for release in kept_releases(store):
        if release.manifest["digest"] == ingredients.digest:
            return _already(store, release, ingredients.settings.gates)
    quality = _quality(ingredients)
    gates = judge(quality, _current_quality(store), ingredients.settings.gates, _unlike(store, ingredients))
    passed = all(gate.passed for gate in gates)
    now = datetime.now(UTC)
    release_id = f"{now:%Y%m%dT%H%M%SZ}-{ingredients.digest[:8]}"
    verdict = _verdict(gates)

    def make(folder: Path) -> None:
        _assemble(folder, ingredients)
        write_json(folder / "quality.json", {"rows": quality})
        facts = {
            "id": release_id,
            "created_at": now.isoformat(timespec="seconds"),
            "passed": passed,
            "verdict": verdict,
        }
        write_json(folder / "manifest.json", {**facts, **_manifest(ingredients, gates)})

    store.make_whole(store.release(release_id), make)
    if passed:
        store.switch(release_id, "published")
    return Published(release_id, passed, True, f"{release_id} {verdict}")


def judge(
    quality: list[dict[str, Any]], current: list[dict[str, Any]] | None, config: GateConfig, unlike: str = ""
) -> list[Gate]:
    """Return the gates of a release with this quality, given that of the release that serves.

    There must be enough held-out readers to judge by; the space must beat popularity by more than chance (the
    paired interval of the gain lies above 0); and its metric must not lie more than `config.max_fall` below
    the current release's. `unlike` says how the two were judged differently, if they were.
    """
    row = _judged(quality, config.metric)
    gates = [
        Gate(
            "beats popularity",
            row["gain_low"] > 0,
            f"{config.metric} {row['mean']:.3f}, {row['gain']:+.3f} "
            f"({row['gain_low']:+.3f} to {row['gain_high']:+.3f}) against popularity",
        ),
        Gate(
            "enough readers to judge by",
            row["n_readers"] >= config.min_judged,
            f"{row['n_readers']} held-out readers, at least {config.min_judged}",
        ),
    ]
    if current is not None:
        before = _judged(current, config.metric)["mean"]
        floor = before * (1 - config.max_fall)
        detail = f"{config.metric} {row['mean']:.3f}, current {before:.3f}, floor {floor:.3f}{unlike}"
        gates.append(Gate("holds against the current release", row["mean"] >= floor, detail))
    return gates


def _judged(quality: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    wanted = {"split": JUDGED_SPLIT, "model": JUDGED_MODEL, "metric": metric}
    return next(row for row in quality if wanted.items() <= row.items())


def _verdict(gates: list[Gate]) -> str:
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        return "refused: " + "; ".join(f"{gate.name}: {gate.detail}" for gate in failed)
    return "published: " + gates[0].detail


def _already(store: Store, release: Release, config: GateConfig) -> Published:
    manifest = release.manifest
    if manifest["passed"] and not store.has_served(release.id):
        gates = judge(release.quality["rows"], _current_quality(store), config)
        if all(gate.passed for gate in gates):
            store.switch(release.id, "published")
        return Published(release.id, all(gate.passed for gate in gates), False, f"{release.id} {_verdict(gates)}")
    if release.id == store.current:
        state = "it serves"
    elif manifest["passed"]:
        state = f"it was rolled back from or replaced ({store.current} serves)"
    else:
        state = f"it was {manifest['verdict']}"
    return Published(release.id, bool(manifest["passed"]), False, f"unchanged: {release.id} is of these data; {state}")


def _unlike(store: Store, ingredients: Ingredients) -> str:
    """Say in what the release that serves was judged differently: then its figure is of other readers."""
    current = _current(store)
    if current is None:
        return ""
    settings, before = asdict(ingredients.settings), current.manifest["settings"]
    defaults = asdict(Settings())  # of what there was no setting for then
    other = [name for name in ("corpus", "split") if settings[name] != {**defaults[name], **before[name]}]
    other += ["seed"] if ingredients.seed != current.manifest["seed"] else []
    return f" (judged with another {' and '.join(other)})" if other else ""


def _current_quality(store: Store) -> list[dict[str, Any]] | None:
    """Quality of the release that serves; None if there is none to compare with."""
    current = _current(store)
    if current is None:
        return None
    rows: list[dict[str, Any]] = current.quality["rows"]
    return rows


def _current(store: Store) -> Release | None:
    """The release that serves; None if none does, or it is gone, damaged or of another layout."""
    return next((release for release in kept_releases(store) if release.id == store.current), None)


def _quality(ingredients: Ingredients) -> list[dict[str, Any]]:
    config: EvaluationConfig = ingredients.settings.evaluation
    evaluations = [Evaluation.load(folder) for folder in ingredients.evaluations]
    return [row for evaluation in evaluations for row in evaluation.table(config, ingredients.seed)]


# ---- what lies in the folder ---------------------------------------------------------------


def _assemble(folder: Path, ingredients: Ingredients) -> None:
    corpus = Corpus.load(ingredients.corpus)
    encoder = model_class(JUDGED_MODEL).load(ingredients.space, vocabulary=corpus.books.digest)
    assert isinstance(encoder, Encoder)
    vectors = unit_rows(encoder.book_vectors())
    (folder / SPACE).mkdir()
    made_from = {"model": JUDGED_MODEL, "artifact": ingredients.space.name}
    space = ModelArtifact(SPACE, SPACE_FORMAT, made_from, {"vectors": vectors}, corpus.books.digest)
    write_artifact(folder / SPACE, space)
    books = _books(corpus, ingredients.history, Works.load(ingredients.works))
    books.write_parquet(folder / "books.parquet")
    write_json(folder / "books.json", book_columns(books))
    _neighbours(corpus, vectors, ingredients.settings).write_parquet(folder / "neighbours.parquet")


def _books(corpus: Corpus, history: ReadingHistory, works: Works) -> pl.DataFrame:
    """The books in the corpus's order; one that no source describes is called by its id.

    A work is called by the smallest id of its published books: the id of another may be of a book too few have read.
    """
    ordered = pl.DataFrame({"book": corpus.books.ids, "n_readers": corpus.readers_per_book})
    described = history.books.drop("source", "batch", "work").collect()
    joined = ordered.join(described, on="book", how="left", maintain_order="left")
    return joined.with_columns(
        works.of(joined["book"]),
        pl.col("title").fill_null(pl.col("book")),
        pl.col("format").fill_null("unknown"),
    ).with_columns(pl.col("book").min().over("work").alias("work"))


def _neighbours(corpus: Corpus, vectors: np.ndarray, settings: Settings) -> pl.DataFrame:
    ids = pl.Series(corpus.books.ids, dtype=pl.String)
    frames, first = [], 0
    for rows, similarity in nearest_tables(vectors, settings.publish.n_neighbours):
        n, k = rows.shape
        books = ids[first : first + n]
        frames.append(
            pl.DataFrame(
                {
                    "book": books.gather([i for i in range(n) for _ in range(k)]),
                    "neighbour": ids.gather(rows.ravel()),
                    "similarity": similarity.ravel(),
                    "rank": list(range(1, k + 1)) * n,
                },
                schema_overrides={"rank": pl.Int32},
            )
        )
        first += n
    return pl.concat(frames)


def _accounts(history: ReadingHistory) -> list[dict[str, Any]]:
    """What was ingested, when, and which dates it spans, as JSON values."""
    dates = ("first_read_on", "last_read_on", "ingested_at")
    chosen = history.batches.select("batch", "source", "files", "n_kept", *dates)
    return chosen.with_columns(pl.col(dates).cast(pl.String)).to_dicts()


def _manifest(ingredients: Ingredients, gates: list[Gate]) -> dict[str, Any]:
    history, corpus = ingredients.history, read_json(ingredients.corpus / "manifest.json")
    space = read_json(ingredients.space / "manifest.json")
    return {
        "format": FORMAT,
        "digest": ingredients.digest,
        "seed": ingredients.seed,
        "settings": asdict(ingredients.settings),
        "gates": [asdict(gate) for gate in gates],
        "history": {
            "version": history.version,
            "digest": history.digest,
            "batches": _accounts(history),
        },
        "works": ingredients.works.name,
        "corpus": {"artifact": ingredients.corpus.name, "config": corpus["config"], **corpus["metrics"]},
        "vocabulary": corpus["vocabulary"],
        "models": {
            JUDGED_MODEL: {"artifact": ingredients.space.name, "config": space["config"], **space["provenance"]}
        },
        "evaluations": [folder.name for folder in ingredients.evaluations],
        "made_by": made_by(),
    }
