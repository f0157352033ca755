"""A release: everything a query needs, immutable, complete, in one folder.

::

    manifest.json        what made it: history, corpus, models, seeds, versions, gates, verdict
    books.json           the books, one list per column, with folded titles for look-up
    spaces/KIND/         a published space (an artifact): a unit vector per book; the manifest names the default first.
                         If there are very many books, with an index (`pipeline.index`)
    ensemble/            the default space learned again from samples of the readers: how sure a neighbour is
    topics/KIND/         the topics of a model (an artifact): books of each, size, how far to trust it
    topics.json          how good the topics are, and which model to trust for what
    quality.json         the table of measured quality
    predictors/TASK/     what says whether a book is read, how it is liked: a predictor
    predictors.json      how well each task is predicted, what is trusted for what; which is left out, and why
    boltzmann.json       how good the Boltzmann machine of readers is, and which it is; or why there is none
    books.parquet        the same books, and
    neighbours.parquet   every book's nearest books, how near and how sure, and
    topics.parquet       the most typical books of every topic, and
    book_topics.parquet  the topics of every book, for other systems

A query opens one release and holds it; a later switch of CURRENT does not disturb it. Only numpy and
the standard library are loaded here: polars alone would cost a third of a cold query.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from data.artifact import read_artifact, read_json
from data.ensemble import Ensemble
from data.errors import BadArtifact, NoRelease, WagahaiError
from data.outdated import outdated
from data.store import Store
from data.topics import Topics

FORMAT = 2
SPACE, SPACE_FORMAT = "space", 1
SPACES, ENSEMBLE, TOPICS, PREDICTORS = "spaces", "ensemble", "topics", "predictors"  # folders of a release
TEXT_COLUMNS = ("book", "title", "authors", "publisher", "imprint", "format", "language", "work", "series")
KEY_COLUMNS = ("title_key", "base_key", "context_key")


@dataclass(frozen=True)
class Books:
    """The books of a release, row ``i`` of every column and array being the same book.

    Attributes
    ----------
    columns
        Text columns (`TEXT_COLUMNS`, empty text where unknown) and folded keys (`KEY_COLUMNS`): the whole
        title, the title without its last bracket, and all that tells editions apart.
    year
        Year of publication, or None.
    n_readers
        int64 (n_books,).
    """

    columns: dict[str, list[str]]
    year: list[int | None]
    n_readers: np.ndarray

    def __post_init__(self) -> None:
        """Refuse columns of different lengths or that are missing."""
        n = len(self.n_readers)
        for name in (*TEXT_COLUMNS, *KEY_COLUMNS):
            if len(self.columns.get(name, ())) != n:
                raise BadArtifact(
                    f"books.json: column {name}: expected {n} values, found {len(self.columns.get(name, ()))}"
                )
        if len(self.year) != n:
            raise BadArtifact(f"books.json: column year: expected {n} values, found {len(self.year)}")

    def __len__(self) -> int:
        return len(self.n_readers)

    def row(self, book: str) -> int | None:
        """Return the row of a book id, or None."""
        try:
            return self.columns["book"].index(book)
        except ValueError:
            return None

    def describe(self, row: int) -> str:
        """Return one line that tells a book from its other editions."""
        parts = [self.columns[name][row] for name in ("authors", "publisher")] + [str(self.year[row] or "")]
        details = ", ".join(part for part in parts if part)
        return f"{self.columns['title'][row]} — {details} [{self.columns['book'][row]}]"


@dataclass(frozen=True)
class Release:
    """An opened release."""

    id: str
    folder: Path

    @classmethod
    def open(cls, store: Store, release_id: str | None = None) -> Release:
        """Open the release that serves, or the one of that id.

        Raises
        ------
        NoRelease
            If there is none; says what to do.
        """
        chosen = store.current if release_id is None else release_id
        if chosen is None:
            raise NoRelease(f"{store.root}: no release yet. Make one: wagahai refresh PATH --format FORMAT")
        folder = store.release(chosen)
        if not chosen or not (folder / "manifest.json").is_file():
            if day := outdated(store).get(chosen):
                raise NoRelease(f"{store.root}: release {chosen!r} was deleted: a reader it knew was forgotten ({day})")
            raise NoRelease(f"{store.root}: no release {chosen!r}. Those kept are listed by: wagahai releases")
        return cls(chosen, folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What made the release; BadArtifact if its layout is not ours."""
        manifest = read_json(self.folder / "manifest.json")
        if manifest.get("format") != FORMAT:
            raise BadArtifact(f"{self.folder}: release format {manifest.get('format')}, expected {FORMAT}")
        return manifest

    @cached_property
    def books(self) -> Books:
        """The books."""
        columns = read_json(self.folder / "books.json")
        n_readers, year = columns.pop("n_readers", []), columns.pop("year", [])
        return Books(columns, year, np.array(n_readers, np.int64))

    @property
    def spaces(self) -> tuple[str, ...]:
        """Kinds of the published spaces; the first is the default."""
        return tuple(self.manifest["spaces"])

    @cached_property
    def vectors(self) -> np.ndarray:
        """Unit vectors of the books in the default space, float32 (n_books, n_dims); their products are cosines."""
        return self.space()

    def space(self, kind: str | None = None) -> np.ndarray:
        """Return the unit vectors of the books in a published space, float32 (n_books, n_dims).

        Raises
        ------
        WagahaiError
            If the release has no such space; names those it has.
        """
        space = read_artifact(
            self.space_folder(kind),
            kind=SPACE,
            format=SPACE_FORMAT,
            vocabulary=self.manifest["vocabulary"],
            names={"vectors"},
        )
        vectors = space.arrays["vectors"]
        if len(vectors) != len(self.books):
            raise BadArtifact(f"{self.folder}: {len(vectors)} vectors for {len(self.books)} books")
        return vectors

    def space_folder(self, kind: str | None = None) -> Path:
        """Return the folder of a published space, the default one for None; WagahaiError if there is none."""
        if kind is not None and kind not in self.spaces:
            raise WagahaiError(f"release {self.id} has no space {kind!r}; it has {', '.join(self.spaces)}")
        return self.folder / SPACES / (kind or self.spaces[0])

    @cached_property
    def ensemble(self) -> Ensemble | None:
        """The default space learned again from samples of the readers; None if the release was made without."""
        folder = self.folder / ENSEMBLE
        return Ensemble.open(folder, self.manifest["vocabulary"]) if folder.is_dir() else None

    @property
    def topic_models(self) -> tuple[str, ...]:
        """Kinds of the models whose topics are published; empty if the release was made without."""
        return tuple(self.manifest.get("topics", ()))  # older releases have none

    def topics(self, kind: str) -> Topics:
        """Return the topics of a model.

        Raises
        ------
        WagahaiError
            If the release has none of that kind; names those it has.
        """
        if kind not in self.topic_models:
            known = f"it has those of {', '.join(self.topic_models)}" if self.topic_models else "it was made without"
            raise WagahaiError(f"release {self.id} has no topics of {kind!r}; {known}")
        topics = Topics.open(self.folder / TOPICS / kind, self.manifest["vocabulary"])
        if topics.p.shape[1] != len(self.books):
            raise BadArtifact(f"{self.folder}: topics over {topics.p.shape[1]} books, not {len(self.books)}")
        return topics

    @property
    def topic_quality(self) -> dict[str, Any]:
        """How good the topics are, by model, and the verdict (`pipeline.trust_topics`); empty without topics."""
        return read_json(self.folder / "topics.json") if self.topic_models else {}

    @cached_property
    def predictor_quality(self) -> dict[str, Any]:
        """What is predicted and how well: ``tasks``, ``left_out`` (`pipeline.assemble_predictors`); empty without."""
        path = self.folder / "predictors.json"
        return read_json(path) if path.exists() else {"tasks": {}, "left_out": {}}  # older releases have none

    @cached_property
    def boltzmann(self) -> dict[str, Any]:
        """The Boltzmann machine of readers and its figures (`pipeline.boltzmann`); empty if made without."""
        path = self.folder / "boltzmann.json"
        return read_json(path) if path.exists() else {}  # older releases have none

    def predictor(self, task: str) -> Path:
        """Return the folder of the predictor of a task.

        Raises
        ------
        WagahaiError
            If the release has none; says why.
        """
        folder = self.folder / PREDICTORS / task
        if not folder.is_dir():
            why = self.predictor_quality["left_out"].get(task, "it was made without; make one anew: wagahai refresh")
            raise WagahaiError(f"release {self.id} does not predict {task.replace('_', ' ')}: {why}")
        return folder

    @property
    def quality(self) -> dict[str, Any]:
        """The table of measured quality."""
        return read_json(self.folder / "quality.json")


def kept_releases(store: Store) -> list[Release]:
    """Return every release in the store that can be read and whose layout is ours, oldest first."""
    if not store.releases.is_dir():
        return []
    complete = [path for path in store.releases.iterdir() if not path.name.startswith(".")]  # .making-...
    ids = sorted(path.name for path in complete if (path / "manifest.json").is_file())
    kept = [Release(id_, store.release(id_)) for id_ in ids]
    return [release for release in kept if _is_ours(release)]


def _is_ours(release: Release) -> bool:
    """Say whether a release can be read: one damaged or of another layout must not stop the next."""
    try:
        return bool(release.manifest)
    except BadArtifact:
        return False
