"""The quality of a predictor is made anew when the code that any of its arrays comes from is of another format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from data.artifact import write_json
from data.progress import Quiet
from data.store import Store
from pipeline import judge_rating
from pipeline.represent import READERS, Part
from tests.refreshing import SMALL


@dataclass(frozen=True)
class Asked(Store):
    """A store that only notes the names it is asked for."""

    names: list[str] = field(default_factory=list)

    def get_or_make(self, kind: str, digest: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
        self.names.append(digest)
        return self.artifact(kind, digest), False


@pytest.mark.parametrize("format_", ["FORMAT", "BOOK_DOUBT_FORMAT", "REFERENCES_FORMAT"])
def test_every_format_is_in_the_name(format_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_json(tmp_path / "manifest.json", {"provenance": {"data": {"ratings": "r"}}})
    store, part = Asked(tmp_path), Part(tmp_path, READERS, 0)

    def named() -> str:
        judge_rating.make_rating_quality(store, part, tmp_path, tmp_path, SMALL, Quiet())
        return store.names[-1]

    before = named()
    assert named() == before
    monkeypatch.setattr(judge_rating, format_, getattr(judge_rating, format_) + 1)
    assert named() != before
