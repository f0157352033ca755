"""The catalogue: kinds are the classes' own, and naming them costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.base import Ranker
from models.catalogue import KINDS, PREDICTOR_KINDS, model_class, predictor_class
from models.predictor import Predictor


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_the_name_of_its_class_file_and_artifact(kind: str) -> None:
    found = model_class(kind)
    assert issubclass(found, Ranker)
    assert found.kind == kind
    assert found.__module__ == f"models.{kind}"


@pytest.mark.parametrize("kind", PREDICTOR_KINDS)
def test_so_is_that_of_a_predictor(kind: str) -> None:
    found = predictor_class(kind)
    assert issubclass(found, Predictor)
    assert found.kind == kind
    assert found.__module__ == f"models.{kind}"


def test_every_model_file_is_in_the_catalogue() -> None:
    files = {path.stem for path in (Path(__file__).parents[2] / "models").glob("*.py")}
    interfaces = {"__init__", "base", "catalogue", "topics", "predictor"}
    shared = {"coherence", "density", "logistic_normal", "csr_rows", "training", "resuming"}
    parts = ("lda_", "prodlda_", "bnn_", "dbm_")  # of one model, or of several
    assert {file for file in files - interfaces - shared if not file.startswith(parts)} == {*KINDS, *PREDICTOR_KINDS}


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        model_class("oracle")


def test_the_catalogue_loads_no_model_library() -> None:
    script = "import sys, models.catalogue; print(sorted({'gensim', 'torch', 'pyro'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]"
