"""The one life cycle of every model: fit makes it, load makes it, nothing changes it.

A class here is abstract; a class in another file of this folder is final. `save` and `load` are
written once, over the arrays and the configuration that a model names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar, final

import numpy as np
import scipy.sparse as sp

from data.artifact import ModelArtifact, made_by, read_artifact, write_artifact
from data.checkpoint import Checkpoint
from data.errors import BadArtifact
from data.progress import Progress, Quiet
from data.seeds import derive_seed, generator

ConfigT = TypeVar("ConfigT")
DataT = TypeVar("DataT")


@dataclass(frozen=True)
class Run:
    """How one fit goes: everything that is not *what* the model is.

    Attributes
    ----------
    seed
        Root seed; a model derives its own streams from it by name.
    stage
        What the fit is for (``evaluation``, ``release``); part of the provenance, not of the result.
    progress
        Where to say how far it is.
    device
        Where torch computes: ``auto`` (CUDA where there is one, else the CPU), ``cpu`` or ``cuda``.
    checkpoint
        Where a long fit keeps its state, and goes on from if it was killed; None keeps none.
    """

    seed: int = 0
    stage: str = "release"
    progress: Progress = field(default_factory=Quiet, compare=False)
    device: str = "auto"
    checkpoint: Checkpoint | None = field(default=None, compare=False)

    def generator(self, name: str) -> np.random.Generator:
        """Return the random generator of the stream `name`."""
        return generator(self.seed, name)

    def derive_seed(self, name: str) -> int:
        """Return the integer seed of the stream `name`."""
        return derive_seed(self.seed, name)


class Model(ABC, Generic[ConfigT, DataT]):
    """A fitted model: a value.

    Class attributes
    ----------------
    kind
        Name of the file, the artifact and the section of the configuration.
    format
        Version of the arrays' layout; raise it when their meaning changes.
    config_type
        Frozen dataclass of the settings that say *what* the model is.
    """

    kind: ClassVar[str]
    format: ClassVar[int]
    config_type: ClassVar[type]
    config: ConfigT

    @classmethod
    @abstractmethod
    def fit(cls, data: DataT, config: ConfigT, run: Run, *, validation: DataT | None = None) -> Self:
        """Return a model fitted to `data`, which is left as it is."""

    @abstractmethod
    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return everything the model learned, by name."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, config: ConfigT, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model that `arrays` came from."""

    @final
    def save(self, folder: Path, *, vocabulary: str, provenance: Mapping[str, Any]) -> None:
        """Write the model, once, into an empty folder.

        Parameters
        ----------
        vocabulary
            Digest of the book vocabulary its rows belong to.
        provenance
            Inputs and seeds; versions and code commit are added.
        """
        config = asdict(self.config)  # type: ignore[call-overload]  # ConfigT is a dataclass by convention
        made = {**provenance, "made_by": made_by()}
        write_artifact(folder, ModelArtifact(self.kind, self.format, config, self.arrays(), vocabulary, made))

    @final
    @classmethod
    def load(cls, folder: Path, *, vocabulary: str | None = None) -> Self:
        """Return the model saved in `folder`.

        Raises
        ------
        BadArtifact
            If it is of another kind, format or vocabulary, its settings are not ours, or its arrays are not
            those it was saved with.
        """
        artifact = read_artifact(folder, kind=cls.kind, format=cls.format, vocabulary=vocabulary)
        expected, found = sorted(f.name for f in fields(cls.config_type)), sorted(artifact.config)
        if expected != found:
            raise BadArtifact(f"{folder}: settings of {cls.kind}: expected {expected}, found {found}")
        return cls.from_arrays(cls.config_type(**artifact.config), artifact.arrays)


class Ranker(Model[ConfigT, DataT]):
    """A model that ranks books for a reader it has never seen, from the books the reader shows."""

    @abstractmethod
    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the score of every book for every row.

        Parameters
        ----------
        visible
            csr (n_rows, n_books), non-zero where the reader read the book.

        Returns
        -------
        ndarray
            float32 (n_rows, n_books), higher is better; ``-inf`` for a book the model knows nothing of.
        """


class Encoder(Ranker[ConfigT, DataT]):
    """A ranker that has a space: readers and books are vectors in it."""

    @abstractmethod
    def transform(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the readers of `rows` in the space, float32 (n_rows, n_dims); zero for an empty row."""

    @abstractmethod
    def book_vectors(self) -> np.ndarray:
        """Return the vectors whose cosine says how near two books are, float32 (n_books, n_dims)."""
