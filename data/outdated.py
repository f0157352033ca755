"""Releases that learned from a reader who was forgotten since: which they are, and that they go.

The list is kept when they are gone, so that whoever asks for one is told why it is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from data.artifact import read_json
from data.store import Store


def outdated(store: Store) -> dict[str, str]:
    """Return the id of every release that learned from a forgotten reader, and the day of the forget."""
    return read_json(store.outdated) if store.outdated.is_file() else {}


def mark_outdated(store: Store, release_ids: Iterable[str]) -> None:
    """Put releases on the list; those on it keep their day."""
    listed = outdated(store)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    if new := {id_: today for id_ in release_ids if id_ not in listed}:
        store.write_whole(store.outdated, json.dumps({**listed, **new}, indent=1) + "\n")


def drop_superseded(store: Store) -> list[str]:
    """Delete the releases on the list and their pages, but for the one that serves; return their ids.

    Call it under the ``refresh`` lock, after a release was published. The one that serves goes on until
    another does: no answers at all is not what a reader asks for.
    """
    gone = [id_ for id_ in outdated(store) if id_ != store.current and store.release(id_).is_dir()]
    for release_id in gone:
        store.discard(store.report(release_id, "any").parent)
        store.discard(store.release(release_id))
    return gone
