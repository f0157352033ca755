"""An honest search of a model's settings: a declared grid, a stated budget, validation readers only.

Settings are drawn at random from the grid (Bergstra and Bengio 2012: where few of several settings matter, random
draws see more of them than a grid walked in order). Each is judged on the validation readers of the ``readers`` split
by a model trained on a sample of the training readers; the best quarter is trained again on all of them (one round of
successive halving, Jamieson and Talwalkar 2016). The settings one has already, of the profile or else the defaults,
take part in both rounds whatever they score: a search that only looks at new settings always finds "better" ones.

Test readers are never read. The winner's figure is still the best of several on the same readers and so a little too
good; what it is worth is measured once on test readers, by the evaluation of the next refresh.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from data.corpus import Corpus
from data.digest import digest_of
from data.errors import BadConfig
from data.progress import Progress, Quiet
from data.seeds import derive_seed, generator
from data.split import HeldOut, reader_split
from data.store import Store
from models.base import Run
from models.catalogue import KINDS, model_class
from pipeline.build_corpus import corpus_digest
from pipeline.config import Settings
from pipeline.evaluate import FORMAT as EVALUATION_FORMAT
from pipeline.evaluate import Evaluation, evaluate
from pipeline.metrics import Interval, bootstrap_interval
from pipeline.toml import toml_text
from pipeline.typed_table import from_table

TRIAL = "trial"  # kind of the artifacts: the validation figures of one setting
P_SAMPLE, MIN_SAMPLE = 0.1, 300  # share of the training readers in the first round, and the fewest that say anything
P_FINALISTS = 0.25
_TITLE = "# Settings chosen by a search on validation readers; [searched.<kind>] says how. Test readers were not read."

SEARCHED: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "item_knn": {
        "n_neighbours": (20, 50, 100, 200, 400),
        "k1": (0.6, 1.2, 2.4, 5.0),
        "b": (0.0, 0.2, 0.4, 0.6, 0.8),
    },
    "ease": {"l2": (10.0, 30.0, 100.0, 300.0, 1000.0), "popularity_exponent": (0.0, 0.25, 0.5)},
    "blend": {
        "ease_weight": (0.3, 0.4, 0.5, 0.6, 0.7),
        "similarity_power": (1.0, 2.0, 3.0),
        "l2": (30.0, 100.0, 300.0),
        "n_neighbours": (50, 100, 200, 400),
    },
    "spectral": {
        "n_dims": (128, 256, 512),
        "reader_exponent": (0.0, 0.25, 0.35, 0.5),
        "book_exponent": (0.0, 0.25, 0.5),
        "rank_exponent": (0.35, 0.75, 1.0, 1.5),
        "concentration": (5.0, 9.0, 14.0),
        "popularity_weight": (0.2, 0.35, 0.5),
    },
    "ppmi": {
        "n_dims": (256, 512, 768),
        "shift": (2.0, 4.0, 8.0, 16.0),
        "rank_exponent": (0.0, 0.25, 0.5),
        "popularity_weight": (0.0, 0.03, 0.06),
    },
    "word2vec": {
        "embedding_size": (64, 128, 256),
        "window": (3, 5, 10),
        "learning_rate": (0.05, 0.1),
        "concentration": (4.0, 6.0, 9.0, 13.0),
        "negative": (5, 10),
        "subsample": (0.5, 2.0, 8.0),
        "popularity_weight": (0.15, 0.3, 0.45),
    },
}


@dataclass(frozen=True)
class Tried:
    """One setting and what it scored on validation readers.

    Attributes
    ----------
    settings
        The keys that were searched, with their values.
    sample, full
        Mean of the metric, trained on the sample and on all training readers; None where it was not judged, or its fit
        did not converge.
    gain
        Paired difference to the settings one had, trained on all; None for those, and where `full` is.
    """

    settings: dict[str, Any]
    sample: float | None = None
    full: float | None = None
    gain: Interval | None = None


@dataclass(frozen=True)
class Searched:
    """What a search found, and all that one needs to do it again.

    Attributes
    ----------
    kind, metric, data, seed
        Model, metric (means over validation readers), digest of the corpus, root seed.
    n_sampled, n_space
        Settings that were drawn, and how many there were to draw from.
    n_sample, n_train, n_validation
        Readers of the sample, of the training part and of the validation part.
    tried
        Every setting, in the order drawn; the first is what one had.
    winner
        The best of those trained on all readers; of equal ones the first.
    """

    kind: str
    metric: str
    data: str
    seed: int
    n_sampled: int
    n_space: int
    n_sample: int
    n_train: int
    n_validation: int
    tried: tuple[Tried, ...]
    winner: Tried

    def record(self) -> dict[str, Any]:
        """Return the record that goes into a profile, its names those of the attributes."""
        names = ("metric", "data", "seed", "n_sampled", "n_space", "n_sample", "n_train", "n_validation")
        figures = {"had": self.tried[0].full, "winner": self.winner.full}
        rows = [asdict(trial) for trial in self.tried]
        return {**{name: getattr(self, name) for name in names}, **figures, "tried": rows}


def search(
    store: Store,
    corpus: Path,
    kind: str,
    space: Mapping[str, Sequence[Any]],
    n_sampled: int,
    seed: int,
    progress: Progress,
    settings: Settings | None = None,
) -> Searched:
    """Try `n_sampled` settings of `space` and those one has; every trial is kept in the store.

    Parameters
    ----------
    corpus
        Folder of the corpus; its ``readers`` split under `settings.split` and `seed` is used.
    space
        Setting -> the values it may take (`SEARCHED` has one for every kind with settings).
    n_sampled
        Settings to draw, different from each other and from those one has; all, if there are not as many.
    settings
        Profile whose settings of the model are the ones to beat, and stay what they are outside `space`.

    Raises
    ------
    BadConfig
        If the kind or a key is unknown, a value impossible, or the budget below 1.
    EmptyCorpus
        If the corpus is too small to be split.
    """
    trials = _Trials.of(store, corpus, kind, settings or Settings(), seed)
    drawn = _draw(kind, space, n_sampled, trials.had(space), seed)
    for setting in drawn:
        trials.config(setting)  # an impossible one is refused before anything is fitted
    n_finalists = math.ceil(P_FINALISTS * len(drawn))
    progress.start(f"search {kind}", len(drawn) + n_finalists + 1)
    sampled = [trials.judge(setting, trials.sample, progress) for setting in drawn]
    order = sorted(range(len(drawn)), key=lambda i: -_mean(sampled[i], -math.inf))
    finalists = sorted({0, *order[:n_finalists]})
    full = {i: trials.judge(drawn[i], None, progress) for i in finalists}
    tried = tuple(_tried(trials, drawn[i], sampled[i], full.get(i), full[0] if i else None) for i in range(len(drawn)))
    winner = max((tried[i] for i in finalists), key=lambda trial: -math.inf if trial.full is None else trial.full)
    progress.finish(f"{len(drawn)} settings, {trials.metric} {winner.full or 0:.3f}, was {tried[0].full or 0:.3f}")
    n_space = math.prod(len(values) for values in space.values())
    sizes = (len(drawn) - 1, n_space, len(trials.sample), trials.train.n_readers, len(trials.validation.rows))
    return Searched(kind, trials.metric, trials.data, seed, *sizes, tried, winner)


def write_profile(path: Path, searched: Sequence[Searched], base: Mapping[str, Any] | None = None) -> None:
    """Write a profile with the winners, and under ``[searched.<kind>]`` how they were found.

    Parameters
    ----------
    path
        File to write; what it holds is replaced.
    base
        Tables of a profile that the winners are laid over.
    """
    tables = {**(base or {})}
    for found in searched:
        for table, values in (("models", found.winner.settings), ("searched", found.record())):
            kinds = dict(tables.get(table, {}))
            before = kinds.get(found.kind, {}) if table == "models" else {}
            tables[table] = {**kinds, found.kind: {**before, **values}}
    path.write_text(f"{_TITLE}\n{toml_text(tables)}", encoding="utf-8")


@dataclass(frozen=True)
class _Trials:
    """What every trial shares. The test part of the split is let go of before the first one."""

    store: Store
    kind: str
    settings: Settings
    seed: int
    data: str
    train: Corpus
    validation: HeldOut
    sample: np.ndarray  # int64, rows of the training part in the first round

    @classmethod
    def of(cls, store: Store, corpus: Path, kind: str, settings: Settings, seed: int) -> _Trials:
        if kind not in KINDS:
            raise BadConfig(f"search: unknown kind {kind!r}; known are {', '.join(KINDS)}")
        held_out = {"p_held_out": settings.split.p_held_out, "p_hidden": settings.split.p_hidden}
        split = reader_split(Corpus.load(corpus), seed=seed, **held_out)
        n_train = split.train.n_readers
        n_sample = min(n_train, max(MIN_SAMPLE, round(P_SAMPLE * n_train)))
        sample = np.sort(generator(seed, "search/sample").permutation(n_train)[:n_sample])
        return cls(store, kind, settings, seed, corpus_digest(corpus), split.train, split.validation, sample)

    @property
    def metric(self) -> str:
        return self.settings.gates.metric

    def config(self, setting: Mapping[str, Any]) -> Any:
        table = {**self.settings.models.get(self.kind, {}), **setting}
        return from_table(model_class(self.kind).config_type, table, f"models.{self.kind}")

    def had(self, space: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Values that the searched keys have now."""
        now = asdict(self.config({}))
        return {key: now.get(key) for key in space}  # an unknown key is refused with the settings drawn

    def judge(self, setting: Mapping[str, Any], rows: np.ndarray | None, progress: Progress) -> np.ndarray | None:
        """Return the metric of every validation reader, None if the fit did not converge."""
        model, config = model_class(self.kind), self.config(setting)
        sample = None if rows is None or len(rows) == self.train.n_readers else rows
        part = {"corpus": self.data, "part": "readers", "split": asdict(self.settings.split), "seed": self.seed}
        key = {**part, "n_sample": None if sample is None else len(sample)}

        def make(folder: Path) -> None:
            fitted = model.fit(self.train if sample is None else self.train.rows(sample), config, Run(self.seed, TRIAL))
            judged = evaluate(f"{TRIAL}/readers", {self.kind: fitted}, self.validation, Quiet())
            judged.save(folder, asdict(config), {"data": key, "seed": self.seed, "stage": TRIAL})

        digest = digest_of([TRIAL, EVALUATION_FORMAT, self.kind, model.format, asdict(config), key])
        try:
            folder, _ = self.store.get_or_make(TRIAL, digest, make)
        except (FloatingPointError, np.linalg.LinAlgError):
            return None
        finally:
            progress.advance()
        return np.asarray(Evaluation.load(folder).per_reader[self.kind][self.metric])


def _draw(
    kind: str, space: Mapping[str, Sequence[Any]], n_sampled: int, had: dict[str, Any], seed: int
) -> list[dict[str, Any]]:
    """Return what one has, and `n_sampled` other settings of the space, each as probable as any."""
    if n_sampled < 1:
        raise BadConfig(f"search: a budget of {n_sampled} settings, expected at least 1")
    if not space or not all(len(values) for values in space.values()):
        raise BadConfig(f"search: {kind}: expected settings with values to search, found {dict(space)!r}")
    others = [s for values in product(*space.values()) if (s := dict(zip(space, values, strict=True))) != had]
    chosen = generator(seed, f"search/{kind}").permutation(len(others))[:n_sampled]
    return [had, *(others[i] for i in chosen)]


def _tried(
    trials: _Trials,
    setting: dict[str, Any],
    sampled: np.ndarray | None,
    full: np.ndarray | None,
    had: np.ndarray | None,
) -> Tried:
    config = trials.settings.evaluation
    interval = partial(bootstrap_interval, n_bootstrap=config.n_bootstrap, level=config.level)
    gain = None
    if full is not None and had is not None:
        gain = interval(full - had, seed=derive_seed(trials.seed, "search/bootstrap"))
    return Tried(setting, _mean(sampled, None), _mean(full, None), gain)


def _mean(values: np.ndarray | None, missing: Any) -> Any:
    return missing if values is None else float(values.mean())
