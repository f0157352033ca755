"""Settings: what is built and how it is judged. Frozen dataclasses, read from a TOML profile.

A profile overrides defaults, table by table; an unknown key or a wrong type is an error that names the
closest known key. Nothing here says where things lie (the store) or how a run goes (the seed).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from data.digest import digest_of
from data.errors import BadConfig
from data.store import Store
from pipeline.metrics import METRICS

PROFILES = Path(__file__).parent / "profiles"
UNITS = EDITION, WORK = "edition", "work"
SettingsT = TypeVar("SettingsT")


def _expect(name: str, found: object, holds: bool, expected: str) -> None:
    if not holds:
        raise BadConfig(f"{name}: {found!r}, expected {expected}")


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
        What a book is, here and in every count: an ``edition``, or a ``work`` in any edition.
    """

    min_readers: int = 5
    min_books: int = 5
    unit: str = EDITION

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        _expect("corpus.unit", self.unit, self.unit in UNITS, " or ".join(UNITS))
        _expect("corpus.min_readers", self.min_readers, self.min_readers >= 1, "at least 1")
        _expect("corpus.min_books", self.min_books, self.min_books >= 1, "at least 1")


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
        _expect("split.p_held_out", self.p_held_out, 0 < self.p_held_out < 0.5, "between 0 and 0.5")
        _expect("split.p_hidden", self.p_hidden, 0 < self.p_hidden <= 0.5, "above 0, at most 0.5")
        _expect("split.p_future", self.p_future, 0 < self.p_future < 1, "between 0 and 1")


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
        _expect("evaluation.n_bootstrap", self.n_bootstrap, self.n_bootstrap >= 1, "at least 1")
        _expect("evaluation.level", self.level, 0 < self.level < 1, "between 0 and 1")


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
        _expect("gates.metric", self.metric, self.metric in METRICS, f"one of {', '.join(METRICS)}")
        _expect("gates.max_fall", self.max_fall, 0 <= self.max_fall <= 1, "between 0 and 1")


@dataclass(frozen=True)
class PublishConfig:
    """What a release carries.

    Attributes
    ----------
    n_neighbours
        Nearest books of each book in ``neighbours.parquet``.
    far_min_readers
        Readers a book needs to be listed as far: vectors of rare books are noise, and noise is far.
    """

    n_neighbours: int = 50
    far_min_readers: int = 20

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        _expect("publish.n_neighbours", self.n_neighbours, self.n_neighbours >= 1, "at least 1")


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
    """All settings. `models` holds one table per kind; its keys are checked by the model's own config."""

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    gates: GateConfig = field(default_factory=GateConfig)
    publish: PublishConfig = field(default_factory=PublishConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    sample: SampleConfig = field(default_factory=SampleConfig)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)


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


def from_table(config_type: type[SettingsT], table: dict[str, Any], where: str) -> SettingsT:
    """Return the dataclass `config_type` with the values of `table`, nested tables becoming nested dataclasses.

    Parameters
    ----------
    where
        What to call the table in an error.

    Raises
    ------
    BadConfig
        If a key is unknown (the closest known one is named) or a value is of the wrong type.
    """
    hints = get_type_hints(config_type)
    known = [f.name for f in fields(config_type)]  # type: ignore[arg-type]  # a dataclass by convention
    values = {}
    for key, value in table.items():
        if key not in known:
            closest = get_close_matches(key, known, n=1)
            hint = f"; did you mean {closest[0]!r}?" if closest else f"; known are {', '.join(known) or 'none'}"
            raise BadConfig(f"{where}: unknown key {key!r}{hint}")
        values[key] = _value(hints[key], value, f"{where}: {key}")
    return config_type(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise BadConfig(f"{where}: expected a table, found {value!r}")
        return from_table(hint, value, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return _value(next(a for a in arguments if a is not type(None)), value, where)
    if origin is dict and isinstance(value, dict):
        return {key: _value(arguments[1], inner, f"{where}.{key}") for key, inner in value.items()}
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(arguments[0], inner, where) for inner in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = origin or hint
    if hint is not Any and (not isinstance(value, expected) or isinstance(value, bool) != (hint is bool)):
        raise BadConfig(f"{where}: expected {getattr(hint, '__name__', hint)}, found {value!r}")
    return value
