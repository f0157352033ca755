"""Settings of the predictor of one task: those of its kind, those of the task over them, and what the task decides."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from data.errors import BadConfig
from models.bnn_config import TrainedConfig
from models.catalogue import PREDICTOR_KINDS, predictor_class
from pipeline.config import Settings
from pipeline.doubt_config import RATING, WILL_READ
from pipeline.rating_features import RatingFeaturesConfig
from pipeline.typed_table import from_table

OPINION, TASTE = "opinion", "taste"  # groups of features that the answers need
DECIDED = ("likelihood", "outcomes", "n_offset_features")  # by the task, not by a profile
_DEFAULTS: dict[str, dict[str, Any]] = {  # chosen on validation readers (CHANGELOG.md)
    RATING: {"hidden_sizes": [32], "epochs": 40, "batch_size": 512, "learning_rate": 0.002, "patience": 6},
    WILL_READ: {"hidden_sizes": [50], "epochs": 30, "batch_size": 1024, "patience": 5},
}


def predictor_config(settings: Settings, task: str, **decided: Any) -> Any:
    """Return the configuration of the predictor of a task.

    Parameters
    ----------
    decided
        What the task decides: `DECIDED`.

    Raises
    ------
    BadConfig
        If the kind, a key or a value is wrong, or a profile names what the task decides.
    """
    kind = settings.predictors.kind
    if not _is_trained(kind):
        expected = [known for known in PREDICTOR_KINDS if _is_trained(known)]
        hint = "".join(f"; did you mean {c!r}?" for c in get_close_matches(kind, expected, n=1))
        raise BadConfig(f"predictors.kind: {kind!r}, expected one of {', '.join(expected)}{hint}")
    of_kind, of_task = settings.models.get(kind, {}), getattr(settings.predictors, task)
    for where, table in ((f"models.{kind}", of_kind), (f"predictors.{task}", of_task)):
        if wrong := [key for key in DECIDED if key in table]:
            raise BadConfig(f"{where}: {wrong[0]} is decided by the task; leave it out")
    table = {**_DEFAULTS[task], **of_kind, **of_task, **decided}
    return from_table(predictor_class(kind).config_type, table, f"predictors.{task} (over models.{kind})")


def features_config(settings: Settings) -> RatingFeaturesConfig:
    """Return the settings of the features; BadConfig if a profile is wrong, or leaves out or moves the forecast."""
    found = from_table(RatingFeaturesConfig, settings.predictors.rating_features, "predictors.rating_features")
    if found.groups[0] != OPINION or TASTE not in found.groups:
        expected = f"{OPINION!r} first, and {TASTE!r} among the others"
        raise BadConfig(f"predictors.rating_features: groups: {list(found.groups)}, expected {expected}")
    return found


def _is_trained(kind: str) -> bool:
    """Return whether a kind of predictor is trained in epochs, as a task has it; one that samples is a reference."""
    return kind in PREDICTOR_KINDS and issubclass(predictor_class(kind).config_type, TrainedConfig)


def check_predictors(settings: Settings) -> None:
    """Refuse wrong settings of the predictors that are asked for, before anything is fitted; BadConfig as above."""
    features_config(settings)
    for task in settings.predictors.tasks:
        predictor_config(settings, task, likelihood="bernoulli", n_offset_features=1)
