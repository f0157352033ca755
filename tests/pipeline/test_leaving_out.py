"""What leaves a task out of a release, and what stops the refresh for a person to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import BadArtifact, BadConfig, EmptyCorpus, NoDevice
from data.progress import Quiet
from data.store import Store
from models.training import Diverged
from pipeline import boltzmann, downstream
from pipeline.boltzmann import make_boltzmann
from pipeline.build_ratings import NoRatings
from pipeline.config import Settings
from pipeline.downstream import LeftOut, Models, predict
from pipeline.represent import READERS, Part


def outcome(task: str, error: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """What becomes of a task whose learning raises `error`."""

    def raising(*_: object) -> None:
        raise error

    part, settings = Part(folder, READERS, 0), Settings()
    if task == "boltzmann":
        monkeypatch.setattr(boltzmann, "make_quality", raising)
        return make_boltzmann(Store(folder), part, settings, Quiet())
    monkeypatch.setattr(downstream, "_predict_rating", raising)
    nothing: object = None
    return predict(Store(folder), task, nothing, part, Models({}, {}), settings, Quiet())  # type: ignore[arg-type]  # no history is read


@pytest.mark.parametrize("task", ["rating", "boltzmann"])
@pytest.mark.parametrize("error", [NoRatings("why"), EmptyCorpus("why"), Diverged("why")], ids=repr)
def test_what_readings_do_not_allow_is_left_out(
    task: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcome(task, error, tmp_path, monkeypatch) == LeftOut("why")


@pytest.mark.parametrize("task", ["rating", "boltzmann"])
@pytest.mark.parametrize("error", [NoDevice("why"), BadArtifact("why"), BadConfig("why")], ids=repr)
def test_what_a_person_has_to_mend_is_raised(
    task: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(type(error), match="why"):
        outcome(task, error, tmp_path, monkeypatch)
