"""Profiles: what is wrong is refused with a message that says what would be right."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from data.errors import BadConfig
from data.store import Store
from models.catalogue import KINDS, model_class
from pipeline.config import PROFILES, Settings, keep_profile, load_settings
from pipeline.typed_table import from_table


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    count: int = 1
    flag: bool = False
    word: str = "a"
    limit: int | None = None
    inner: Inner = field(default_factory=Inner)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)


def read(table: dict[str, Any]) -> Outer:
    return from_table(Outer, table, "test.toml")


def profile(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_not_named_keeps_its_default() -> None:
    assert read({}) == Outer()
    assert read({"count": 2, "inner": {"names": ["x", "y"]}}) == Outer(count=2, inner=Inner(names=("x", "y")))


def test_tables_of_any_keys_are_kept_as_they_are() -> None:
    assert read({"tables": {"word2vec": {"epochs": 3}}}).tables == {"word2vec": {"epochs": 3}}


def test_a_whole_number_will_do_where_a_real_one_is_expected() -> None:
    rate = read({"inner": {"rate": 1}}).inner.rate
    assert (rate, type(rate)) == (1.0, float)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"cuont": 1}, r"test\.toml: unknown key 'cuont'; did you mean 'count'\?"),
        ({"inner": {"rat": 1}}, r"test\.toml: inner: unknown key 'rat'; did you mean 'rate'\?"),
        ({"zzz": 1}, r"unknown key 'zzz'; known are count, flag, word, limit, inner, tables"),
        ({"count": "1"}, r"test\.toml: count: expected int, found '1'"),
        ({"count": 1.0}, r"count: expected int, found 1\.0"),
        ({"count": True}, r"count: expected int, found True"),
        ({"flag": 1}, r"flag: expected bool, found 1"),
        ({"word": 1}, r"word: expected str, found 1"),
        ({"limit": "1"}, r"limit: expected int, found '1'"),
        ({"inner": 1}, r"inner: expected a table, found 1"),
        ({"inner": {"rate": "1"}}, r"test\.toml: inner: rate: expected float, found '1'"),
        ({"inner": {"rate": True}}, r"rate: expected float, found True"),
        ({"inner": {"names": ["x", 1]}}, r"names: expected str, found 1"),
        ({"inner": {"names": "x"}}, r"names: expected tuple, found 'x'"),
        ({"tables": 1}, r"tables: expected dict, found 1"),
        ({"tables": {"word2vec": 1}}, r"tables\.word2vec: expected dict, found 1"),
    ],
)
def test_a_wrong_key_or_type_is_refused_by_name(table: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        read(table)


@pytest.mark.parametrize("name", sorted(path.stem for path in PROFILES.glob("*.toml")))
def test_every_profile_loads_and_its_models_take_their_settings(name: str) -> None:
    settings = load_settings(name)
    assert set(settings.models) <= set(KINDS)
    for kind in KINDS:
        config_type = model_class(kind).config_type
        assert isinstance(from_table(config_type, settings.models.get(kind, {}), kind), config_type)


def test_the_default_profile_is_the_defaults() -> None:
    assert load_settings() == Settings()


def test_a_profile_may_be_a_file(tmp_path: Path) -> None:
    path = profile(tmp_path, "[corpus]\nmin_readers = 9\n")
    assert load_settings(path).corpus.min_readers == load_settings(str(path)).corpus.min_readers == 9


def test_an_error_names_the_file_and_the_table(tmp_path: Path) -> None:
    path = profile(tmp_path, "[corpus]\nmin_reader = 9\n")
    with pytest.raises(BadConfig, match=r"mine\.toml: corpus: unknown key 'min_reader'; did you mean 'min_readers'\?"):
        load_settings(path)


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"mine\.toml: not TOML"):
        load_settings(profile(tmp_path, "[corpus\n"))


def test_an_unknown_profile_lists_those_there_are() -> None:
    with pytest.raises(BadConfig, match="no profile 'huge': expected one of default, demo, full, smoke"):
        load_settings("huge")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[corpus]\nmin_readers = 0", "corpus.min_readers"),
        ("[corpus]\nmin_books = 0", "corpus.min_books"),
        ('[corpus]\nunit = "book"', "corpus.unit: 'book', expected edition or work"),
        ("[split]\np_held_out = 0.5", "split.p_held_out"),
        ("[split]\np_held_out = 0.0", "split.p_held_out"),
        ("[split]\np_hidden = 1.0", "split.p_hidden"),
        ("[split]\np_future = 1.5", "split.p_future"),
        ("[evaluation]\nn_bootstrap = 0", "evaluation.n_bootstrap"),
        ("[evaluation]\nlevel = 95.0", "evaluation.level"),
        ('[gates]\nmetric = "ndcg10"', "gates.metric"),
        ("[gates]\nmax_fall = -0.1", "gates.max_fall"),
        ("[gates]\nmax_fall = nan", "gates.max_fall"),
        ("[publish]\nn_neighbours = -1", "publish.n_neighbours"),
    ],
)
def test_an_impossible_value_is_refused_before_anything_is_trained(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(BadConfig, match=name.replace(".", r"\.")):
        load_settings(profile(tmp_path, text))


def test_a_kept_profile_does_not_change_with_its_file(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text("[corpus]\nmin_readers = 7\n")
    kept = keep_profile(Store(tmp_path / "store"), profile)
    profile.write_text("[corpus]\nmin_readers = 9\n")
    assert load_settings(kept).corpus.min_readers == 7
    assert keep_profile(Store(tmp_path / "store"), profile) != kept
