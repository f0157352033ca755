"""Settings: what is built and how it is judged. Frozen dataclasses, read from a TOML profile.

A profile overrides defaults, table by table; an unknown key or a wrong type is an error that names the
closest known key. Nothing here says where things lie (the store) or how a run goes (the seed).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.digest import digest_of
from data.errors import BadConfig
from data.store import Store
from pipeline.doubt_config import EnsembleConfig, PredictorsConfig
from pipeline.metrics import METRICS
from pipeline.typed_table import expect, from_table

PROFILES = Path(__file__).parent / "profiles"
SPACES = ("spectral", "ppmi", "word2vec")  # kinds of models that have a space of books, and one may be the default
TOPIC_MODELS = ("lda", "prodlda")  # kinds that have a space too, which is never the default
UNITS = EDITION, WORK, AUTHOR = "edition", "work", "author"


@dataclass(frozen=True)
class CorpusConfig:
    """Which readings become the corpus.

    Attributes
    ----------
    min_readers
        Readers a book must have; fewer, and it appears in nothing published (privacy).
    min_books
        Books a reader must have read.
    unit
        What a book is, here and in every count: an ``edition``, a ``work`` in any edition, or all books of an
        ``author`` (the first one named).
    """

    min_readers: int = 5
    min_books: int = 5
    unit: str = EDITION

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        expect("corpus.unit", self.unit, self.unit in UNITS, " or ".join(UNITS))
        expect("corpus.min_readers", self.min_readers, self.min_readers >= 1, "at least 1")
        expect("corpus.min_books", self.min_books, self.min_books >= 1, "at least 1")


@dataclass(frozen=True)
class SplitConfig:
    """How readings are held out.

    Attributes
    ----------
    p_held_out
        Share of readers for validation, and again for test.
    p_hidden
        Share of a held-out reader's books that must be found.
    time
        Also judge on the future of known readers, where readings have dates.
    p_future
        Share of the readings that are the future.
    """

    p_held_out: float = 0.1
    p_hidden: float = 0.2
    time: bool = True
    p_future: float = 0.1

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        expect("split.p_held_out", self.p_held_out, 0 < self.p_held_out < 0.5, "between 0 and 0.5")
        expect("split.p_hidden", self.p_hidden, 0 < self.p_hidden <= 0.5, "above 0, at most 0.5")
        expect("split.p_future", self.p_future, 0 < self.p_future < 1, "between 0 and 1")


@dataclass(frozen=True)
class EvaluationConfig:
    """How quality is measured.

    Attributes
    ----------
    n_bootstrap
        Resamples of readers behind every interval.
    level
        Coverage of the intervals.
    """

    n_bootstrap: int = 1000
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        expect("evaluation.n_bootstrap", self.n_bootstrap, self.n_bootstrap >= 1, "at least 1")
        expect("evaluation.level", self.level, 0 < self.level < 1, "between 0 and 1")


@dataclass(frozen=True)
class GateConfig:
    """What a release must pass to be switched to.

    Attributes
    ----------
    metric
        Metric the gates look at.
    max_fall
        Largest tolerated fall of the metric against the release that serves, as a share of it.
    min_judged
        Held-out readers below which no interval is worth a gate.
    """

    metric: str = "ndcg100"
    max_fall: float = 0.1
    min_judged: int = 30

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        expect("gates.metric", self.metric, self.metric in METRICS, f"one of {', '.join(METRICS)}")
        expect("gates.max_fall", self.max_fall, 0 <= self.max_fall <= 1, "between 0 and 1")


@dataclass(frozen=True)
class PublishConfig:
    """What a release carries.

    Attributes
    ----------
    spaces
        Kinds of the spaces, the default one first; another that does not beat popularity is left out.
    n_neighbours
        Nearest books of each book in ``neighbours.parquet``.
    far_min_readers
        Readers a book needs to be listed as far: vectors of rare books are noise, and noise is far.
    index_above
        Books above which a release carries indexes and says what share of the nearest they find (`pipeline.index`).
    """

    spaces: tuple[str, ...] = ("spectral", "ppmi", "word2vec")
    n_neighbours: int = 50
    far_min_readers: int = 20
    index_above: int = 200_000

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        known = bool(self.spaces) and set(self.spaces) <= set(SPACES)
        expect("publish.spaces", self.spaces, known, f"some of {SPACES}")
        expect("publish.n_neighbours", self.n_neighbours, self.n_neighbours >= 1, "at least 1")
        expect("publish.index_above", self.index_above, self.index_above >= 0, "0 or more")


@dataclass(frozen=True)
class TopicsConfig:
    """Which topics are looked for, and how they are judged.

    Attributes
    ----------
    models
        Kinds of models of topics, each published with its space; none publishes without topics.
    n_seeds
        Fits, from as many seeds and samples of the readers, that say how stable topics are; 1 says nothing.
    """

    models: tuple[str, ...] = TOPIC_MODELS
    n_seeds: int = 3

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        once = set(self.models) <= set(TOPIC_MODELS) and len(set(self.models)) == len(self.models)
        expect("topics.models", self.models, once, f"some of {TOPIC_MODELS}, each once")
        expect("topics.n_seeds", self.n_seeds, self.n_seeds >= 1, "at least 1")


@dataclass(frozen=True)
class BoltzmannConfig:
    """Whether a Boltzmann machine of readers is fitted, judged and published; its settings are ``models.dbm``.

    Attributes
    ----------
    on
        Whether.
    """

    on: bool = True


@dataclass(frozen=True)
class ReportConfig:
    """What the similarity report shows.

    Attributes
    ----------
    watch
        Titles whose near and far books are shown; unknown ones are said to be unknown. Empty: the
        most read books.
    n_near, n_far
        Lengths of the lists.
    """

    watch: tuple[str, ...] = ()
    n_near: int = 10
    n_far: int = 5


@dataclass(frozen=True)
class SampleConfig:
    """The bundled sample: simulated readers over the catalogue in ``data/sample``.

    Attributes
    ----------
    n_readers
        Readers to simulate.
    """

    n_readers: int = 3000


@dataclass(frozen=True)
class Settings:
    """All settings.

    `models` holds one table per kind; its keys are checked by the model's own config. `searched` says, per kind, how
    its settings were found (`pipeline.search`); it is kept in the manifest and changes nothing.
    """

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    gates: GateConfig = field(default_factory=GateConfig)
    publish: PublishConfig = field(default_factory=PublishConfig)
    topics: TopicsConfig = field(default_factory=TopicsConfig)
    ensemble: EnsembleConfig = field(default_factory=EnsembleConfig)
    predictors: PredictorsConfig = field(default_factory=PredictorsConfig)
    boltzmann: BoltzmannConfig = field(default_factory=BoltzmannConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    sample: SampleConfig = field(default_factory=SampleConfig)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    searched: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def spaces(self) -> tuple[str, ...]:
        """Kinds of all spaces, the default one first, those of topics last."""
        return (*self.publish.spaces, *self.topics.models)


def load_settings(profile: str | Path = "default") -> Settings:
    """Return the settings of a profile: a name in ``pipeline/profiles``, or the path of a TOML file.

    Raises
    ------
    BadConfig
        If there is no such profile, or a key or value in it is wrong.
    """
    path = profile_path(profile)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{path}: not TOML: {error}") from error
    return from_table(Settings, table, str(path))


def profile_path(profile: str | Path) -> Path:
    """Return the file of a profile: a name in ``pipeline/profiles``, or a path; BadConfig if there is none."""
    path = Path(profile) if str(profile).endswith(".toml") else PROFILES / f"{profile}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PROFILES.glob("*.toml")))
        raise BadConfig(f"no profile {str(profile)!r}: expected one of {known}, or the path of a .toml file")
    return path


def keep_profile(store: Store, profile: str | Path) -> str:
    """Copy a profile into the store and return the copy's path: a run reads one text, whatever becomes of the file."""
    text = profile_path(profile).read_bytes()
    kept = store.root / "profiles" / f"{digest_of(text.decode())}.toml"
    if not kept.exists():
        store.write_whole(kept, text)
    return str(kept)
