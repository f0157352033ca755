"""Switching back to a kept release. Apart from `publish`, because the read side does it."""

from __future__ import annotations

from data.errors import ReleaseRefused
from data.outdated import outdated
from data.release import Release
from data.store import Store

PAGES = ("similarity", "topics", "uncertainty", "boltzmann")  # pages whose copy follows the release that serves


def roll_back(store: Store, release_id: str) -> None:
    """Make a kept release the one that serves (also a newer one, to undo a rollback).

    Raises
    ------
    NoRelease
        If there is none of that id.
    ReleaseRefused
        If it did not pass its gates, or serves already.
    """
    release = Release.open(store, release_id)
    if not release.manifest["passed"]:
        raise ReleaseRefused(f"{release_id} was {release.manifest['verdict']}; a refused release does not serve")
    if release_id in outdated(store) and store.current != release_id:
        raise ReleaseRefused(f"{release_id} knew a reader who was forgotten; it is about to be deleted")
    if store.current == release_id:
        raise ReleaseRefused(f"{release_id} serves already")
    store.switch(release_id, "rollback")
    for page in (store.report(release_id, name) for name in PAGES):
        if page.exists():
            store.write_whole(store.current_report(page.stem), page.read_bytes())
