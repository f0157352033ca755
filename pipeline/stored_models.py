"""Models of a release that lie in the store and not in the release: too large to carry twice, loaded when asked."""

from __future__ import annotations

from typing import Any

from data.errors import BadArtifact, WagahaiError
from data.release import Release
from data.store import Store
from models.base import Ranker
from models.catalogue import model_class


def stored_model(store: Store, release: Release, kind: str, name: str, *, told: str) -> Ranker[Any, Any]:
    """Return the model of a kind that a release was made with, by the name of its artifact.

    Parameters
    ----------
    told
        What cannot be worked out without it, for an error: "the topics of a reader".

    Raises
    ------
    WagahaiError
        If it is no longer in the store, or cannot be read.
    """
    folder = store.artifact(kind, name)
    gone = f"{told} cannot be worked out any more: the model {kind} of release {release.id}"
    if not folder.is_dir():
        raise WagahaiError(f"{gone} is not in {store.root}. Make it anew: wagahai refresh")
    try:
        return model_class(kind).load(folder, vocabulary=release.manifest["vocabulary"])
    except BadArtifact as error:  # another version of wagahai made it, most likely
        raise WagahaiError(f"{gone} cannot be read. Make it anew: wagahai refresh\n  {error}") from error
