"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.store import Store


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the real data sets; the test is skipped where there is none."""
    folder = Path(os.environ.get("WAGAHAI_SHARED", Path(__file__).parents[1] / ".." / "shared")).resolve()
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data: {folder / 'data'} is not a folder (set WAGAHAI_SHARED)")
    return folder


@pytest.fixture(scope="session")
def predicting(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store after a refresh on the sample, whose release predicts; nobody changes it."""
    from tests.refreshing import refresh

    store = Store(tmp_path_factory.mktemp("predicting"))
    assert refresh(store).passed
    return store
