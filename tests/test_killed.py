"""``kill -9`` at any moment of a refresh: the last release still answers, the next refresh completes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data.history import History
from data.release import Release
from data.store import Store
from pipeline.query import nearest
from tests.refreshing import refresh

# Every flush of the last steps (the release, its rename, CURRENT), counted from the end, and some before.
FROM_THE_END = (0, 1, 2, 28, 75, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 4, 13, 50)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with one release that serves."""
    store = Store(tmp_path_factory.mktemp("served"))
    assert refresh(store, seed=0).passed
    return store


def run(store: Store, die_at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.refreshing", str(store.root), "1", str(die_at)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def n_flushes(served: Store, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Flushes of a second refresh that nobody kills."""
    store = Store(tmp_path_factory.mktemp("counted") / "store")
    shutil.copytree(served.root, store.root)
    return int(run(store, die_at=0).stdout)


@pytest.mark.parametrize("from_the_end", FROM_THE_END)
def test_the_last_release_answers_and_the_next_refresh_completes(
    served: Store, n_flushes: int, tmp_path: Path, from_the_end: int
) -> None:
    store = Store(tmp_path / "store")
    shutil.copytree(served.root, store.root)
    before = store.current

    assert run(store, die_at=n_flushes - from_the_end).returncode == -signal.SIGKILL

    assert from_the_end < 3 or store.current == before, "CURRENT is the last thing that changes"
    assert len(nearest(Release.open(store), 0, 10).rows) == 10
    outcome = refresh(store, seed=1)
    assert outcome.passed
    assert store.current == outcome.release_id != before
    assert len(History(store.history).latest().batches) == 2
    assert not list(store.root.rglob(".making-*"))
