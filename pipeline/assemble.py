"""What lies in a release's folder, written from what was fitted and measured."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.artifact import ModelArtifact, made_by, read_json, write_artifact, write_json
from data.corpus import Corpus
from data.digest import digest_of
from data.history import ReadingHistory
from data.progress import Progress
from data.release import ENSEMBLE, FORMAT, SPACE, SPACE_FORMAT, SPACES
from data.topics import FORMAT as TOPICS_FORMAT
from data.vectors import unit_rows
from data.works.table import Works
from models.base import Encoder
from models.catalogue import model_class
from pipeline.assemble_predictors import predictors_manifest, write_predictors
from pipeline.assemble_topics import write_topics
from pipeline.boltzmann import Boltzmann, write_boltzmann
from pipeline.book_columns import book_columns, books_of
from pipeline.config import AUTHOR, Settings
from pipeline.downstream import LeftOut, Predicted
from pipeline.gates import Gate
from pipeline.index import GraphIndex, IndexConfig, make_index, saved_index
from pipeline.neighbours import neighbour_table


@dataclass(frozen=True)
class Ingredients:
    """Everything a release is made of.

    Attributes
    ----------
    spaces
        Kind -> folder of the model fitted to everybody; the first is the default space.
    ensemble
        Folder of the ensemble of the default space; None to publish without.
    topic_quality
        Folder of the quality of the topics of `topics.models`, whose models are among `spaces`; None to publish
        without topics.
    predictors
        Task -> what it left in the store.
    not_predicted
        Task that was asked for and is left out -> why.
    boltzmann
        The machine of readers, or why there is none; None if none was asked for.
    """

    history: ReadingHistory
    works: Path
    corpus: Path
    spaces: Mapping[str, Path]
    ensemble: Path | None
    evaluations: Sequence[Path]
    settings: Settings
    seed: int
    topic_quality: Path | None = None
    predictors: Mapping[str, Predicted] = field(default_factory=dict)
    not_predicted: Mapping[str, str] = field(default_factory=dict)
    boltzmann: Boltzmann | LeftOut | None = None

    @property
    def topic_models(self) -> dict[str, Path]:
        """Kind -> folder of the models whose topics are published."""
        kinds = self.settings.topics.models if self.topic_quality else ()
        return {kind: self.spaces[kind] for kind in kinds}

    @property
    def default_space(self) -> str:
        """Kind of the space that queries use and gates judge."""
        return next(iter(self.spaces))

    @property
    def digest(self) -> str:
        """Digest of all ingredients: equal ones make equal releases. How settings were found makes none another."""
        folders = [self.works, self.corpus, *self.spaces.values(), self.ensemble, self.topic_quality, *self.evaluations]
        names = [folder and folder.name for folder in folders]
        names += [made.quality.name for made in self.predictors.values()]  # it is named by the predictor too
        if isinstance(self.boltzmann, Boltzmann):
            names += [self.boltzmann.model.name, self.boltzmann.quality.name, self.boltzmann.portrait.name]
        settings = replace(self.settings, searched={})
        return digest_of([FORMAT, TOPICS_FORMAT, self.history.digest, names, asdict(settings), self.seed])


def assemble(folder: Path, ingredients: Ingredients, published: Sequence[str], progress: Progress) -> None:
    """Write books, spaces of the kinds `published`, ensemble, table of neighbours and topics into `folder`."""
    corpus = Corpus.load(ingredients.corpus)
    for kind in published:
        _write_space(folder / SPACES / kind, kind, corpus, ingredients, progress)
    if ingredients.ensemble:
        shutil.copytree(ingredients.ensemble, folder / ENSEMBLE)
    books = _books(corpus, ingredients)
    books.write_parquet(folder / "books.parquet")
    write_json(folder / "books.json", book_columns(books))
    vectors = _vectors(published[0], ingredients.spaces[published[0]], corpus)
    index = saved_index(folder / SPACES / published[0], vectors)
    table = neighbour_table(corpus, vectors, index, ingredients.ensemble, ingredients.settings, progress)
    table.write_parquet(folder / "neighbours.parquet")
    if ingredients.topic_quality:
        settings, models = ingredients.settings, ingredients.topic_models
        write_topics(folder, models, ingredients.topic_quality, corpus, books_of(books), settings, ingredients.seed)
    if ingredients.settings.predictors.tasks:
        tasks, left_out = ingredients.predictors, ingredients.not_predicted
        write_predictors(folder, tasks, left_out, ingredients.settings, ingredients.seed)
    if ingredients.boltzmann:
        write_boltzmann(folder, ingredients.boltzmann, ingredients.settings.evaluation, ingredients.seed)


def _vectors(kind: str, model: Path, corpus: Corpus) -> np.ndarray:
    encoder = model_class(kind).load(model, vocabulary=corpus.books.digest)
    assert isinstance(encoder, Encoder)
    return unit_rows(encoder.book_vectors())


def _write_space(folder: Path, kind: str, corpus: Corpus, ingredients: Ingredients, progress: Progress) -> None:
    """Write the vectors of a space and, where they are too many to search whole, an index of them."""
    folder.mkdir(parents=True)
    model, settings = ingredients.spaces[kind], ingredients.settings
    made_from = {"model": kind, "artifact": model.name}
    vectors = _vectors(kind, model, corpus)
    write_artifact(folder, ModelArtifact(SPACE, SPACE_FORMAT, made_from, {"vectors": vectors}, corpus.books.digest))
    config = IndexConfig(threshold=settings.publish.index_above)
    # on one thread: the same vectors then make the same graph
    index = make_index(vectors, config, seed=ingredients.seed, n_threads=1, progress=progress)
    if isinstance(index, GraphIndex):
        index.save(folder)


def _books(corpus: Corpus, ingredients: Ingredients) -> pl.DataFrame:
    """The books in the corpus's order; one that no source describes is called by its id.

    A work is called by the smallest id of its published books: the id of another may be of a book too few have read.
    """
    if ingredients.settings.corpus.unit == AUTHOR:
        from pipeline.author_books import author_books

        return author_books(corpus, ingredients.history)
    ordered = pl.DataFrame({"book": corpus.books.ids, "n_readers": corpus.readers_per_book})
    described = ingredients.history.books.drop("source", "batch", "work").collect()
    joined = ordered.join(described, on="book", how="left", maintain_order="left")
    return joined.with_columns(
        Works.load(ingredients.works).of(joined["book"]),
        pl.col("title").fill_null(pl.col("book")),
        pl.col("format").fill_null("unknown"),
    ).with_columns(pl.col("book").min().over("work").alias("work"))


def manifest(ingredients: Ingredients, published: Sequence[str], gates: list[Gate]) -> dict[str, Any]:
    """Return what made a release: history, corpus, models, seeds, versions, gates."""
    history, corpus = ingredients.history, read_json(ingredients.corpus / "manifest.json")
    topics = [kind for kind in ingredients.topic_models if kind not in published]
    return {
        "format": FORMAT,
        "digest": ingredients.digest,
        "seed": ingredients.seed,
        "settings": asdict(ingredients.settings),
        "gates": [asdict(gate) for gate in gates],
        "history": {"version": history.version, "digest": history.digest, "batches": _accounts(history)},
        "works": ingredients.works.name,
        "corpus": {"artifact": ingredients.corpus.name, "config": corpus["config"], **corpus["metrics"]},
        "vocabulary": corpus["vocabulary"],
        "spaces": list(published),
        "topics": list(ingredients.topic_models),
        "topic_quality": ingredients.topic_quality and ingredients.topic_quality.name,
        "models": {kind: _made(ingredients.spaces[kind]) for kind in (*published, *topics)},
        "ensemble": _made(ingredients.ensemble) if ingredients.ensemble else None,
        "predictors": predictors_manifest(ingredients.predictors),
        "boltzmann": _made(machine.model) if isinstance(machine := ingredients.boltzmann, Boltzmann) else None,
        "evaluations": [folder.name for folder in ingredients.evaluations],
        "made_by": made_by(),
    }


def _made(folder: Path) -> dict[str, Any]:
    """Return what made an artifact: its name, settings, data and seed."""
    found = read_json(folder / "manifest.json")
    return {"artifact": folder.name, "config": found["config"], **found["provenance"]}


def _accounts(history: ReadingHistory) -> list[dict[str, Any]]:
    """What was ingested, when, and which dates it spans, as JSON values."""
    dates = ("first_read_on", "last_read_on", "ingested_at")
    chosen = history.batches.select("batch", "source", "files", "n_kept", *dates)
    return chosen.with_columns(pl.col(dates).cast(pl.String)).to_dicts()
