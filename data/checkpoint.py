"""Where a long fit keeps its state, so that a killed one goes on: one file of arrays, replaced whole.

It lies among the artifacts of its store, under the digest of what is being fitted, and is taken away when that is
there. It has no manifest: forgetting a reader deletes it like all that may have learned from them, and the fit begins
anew.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from data.errors import BadArtifact
from data.store import Store

KIND = "checkpoint"
_FILE = "state.npz"


@dataclass(frozen=True)
class Checkpoint:
    """The state of one fit in a store.

    Attributes
    ----------
    store
        Where it lies.
    digest
        Of all that makes what is fitted, so that another fit never takes it up.
    """

    store: Store
    digest: str

    @property
    def path(self) -> Path:
        """The file; there is one only while a fit is under way or was killed."""
        return self.store.artifact(KIND, self.digest) / _FILE

    def read(self) -> dict[str, np.ndarray] | None:
        """Return the arrays kept last, None if there are none.

        Raises
        ------
        BadArtifact
            If the file cannot be read.
        """
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise BadArtifact(
                f"{self.path}: cannot be read: {error}\n  to do: delete it; the fit begins anew"
            ) from error

    def write(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep `arrays` in place of what was kept: a process killed meanwhile leaves the old or the new."""
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **dict(arrays))
        self.store.write_whole(self.path, content.getvalue())

    def drop(self) -> None:
        """Take it away: what was fitted is there."""
        self.store.discard(self.path.parent)
