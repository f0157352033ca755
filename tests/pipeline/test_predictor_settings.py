"""Settings of predictors: which kinds a task may have, and how wrong ones are refused."""

from __future__ import annotations

import pytest

from data.errors import BadConfig
from pipeline.config import Settings
from pipeline.doubt_config import PredictorsConfig
from pipeline.predictor_settings import check_predictors

TRAINED = ("bayes_by_backprop", "mc_dropout", "deep_ensemble")


@pytest.mark.parametrize("kind", TRAINED)
def test_kinds_that_are_trained_may_be_asked_for(kind: str) -> None:
    check_predictors(Settings(predictors=PredictorsConfig(kind=kind)))


@pytest.mark.parametrize("kind", ["nuts", "mc_dropuot"])
def test_another_kind_is_refused_and_those_that_may_be_are_named(kind: str) -> None:
    with pytest.raises(BadConfig) as refused:
        check_predictors(Settings(predictors=PredictorsConfig(kind=kind)))
    told = str(refused.value)
    assert f"predictors.kind: {kind!r}, expected one of {', '.join(TRAINED)}" in told
    assert ("did you mean 'mc_dropout'?" in told) == (kind == "mc_dropuot")


def test_what_the_task_decides_is_not_for_a_profile() -> None:
    wrong = Settings(predictors=PredictorsConfig(rating={"likelihood": "ordinal"}))
    with pytest.raises(BadConfig, match=r"predictors\.rating: likelihood is decided by the task"):
        check_predictors(wrong)
