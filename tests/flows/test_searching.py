"""``wagahai search`` as a person runs it: on the sample, with a profile that then serves."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from data.errors import BadConfig
from data.store import Store
from flows.cli import USER_ERROR, main
from pipeline.config import SampleConfig, Settings, load_settings
from pipeline.represent import check_settings, model_config
from tests.refreshing import ingest_sample


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    opened = Store(tmp_path_factory.mktemp("store"))
    ingest_sample(opened, Settings(sample=SampleConfig(n_readers=300)))
    return opened


def run(store: Store, *arguments: str) -> int:
    return main(["--store", str(store.root), "search", *arguments])


def test_the_winner_is_a_profile_that_loads_and_says_how_it_was_found(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "tuned.toml"
    assert run(store, "item_knn", "--budget", "4", "--profile", "smoke", "--output", str(output), "--json") == 0
    record = json.loads(capsys.readouterr().out)["item_knn"]
    assert record["n_sampled"] == 4
    measured = [tried["full"] for tried in record["tried"] if tried["full"] is not None]
    had = asdict(model_config("item_knn", load_settings("smoke")))
    assert {name: had[name] for name in record["tried"][0]["settings"]} == record["tried"][0]["settings"]
    assert (record["had"], record["winner"]) == (record["tried"][0]["full"], max(measured))
    settings = load_settings(output)
    check_settings(settings, seed=0)
    with pytest.raises(BadConfig, match=r"searched\.item_knn: .* --seed 0"):
        check_settings(settings, seed=1)
    best = max((tried for tried in record["tried"] if tried["full"] is not None), key=lambda tried: tried["full"])
    assert settings.models["item_knn"] == best["settings"]
    assert settings.sample.n_readers == load_settings("smoke").sample.n_readers, "the profile it was searched from"
    kept = tomllib.loads(output.read_text(encoding="utf-8"))["searched"]["item_knn"]
    told = [{key: value for key, value in tried.items() if value is not None} for tried in record["tried"]]
    assert kept == {**record, "tried": told}, "TOML has no word for what was not measured"


def test_a_person_sees_what_was_tried_and_what_to_do_next(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "tuned.toml"
    search = ("--budget", "4", "--seed", "3", "--output", str(output))
    assert run(store, "item_knn", *search, "--profile", "smoke") == 0
    out = capsys.readouterr().out
    assert "item_knn: 4 of 100 settings and the ones it had" in out
    assert "winner" in out
    assert f"wagahai refresh --profile {output} --seed 3\n" in out
    with_seed_0 = ("--budget", "1", "--profile", str(output), "--output", str(tmp_path / "mixed.toml"))
    assert run(store, "ease", *with_seed_0) == USER_ERROR
    assert "searched.item_knn: the settings were searched with seed 3" in capsys.readouterr().err


def test_a_file_that_is_there_is_not_written_over(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mine.toml"
    output.write_text("# mine\n")
    assert run(store, "item_knn", "--output", str(output)) == USER_ERROR
    assert "exists; name another --output" in capsys.readouterr().err
    assert output.read_text() == "# mine\n"


def test_an_output_without_a_folder_is_refused_before_the_search(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flows.searching.search", lambda *_: pytest.fail("searched, and then could not be written"))
    assert run(store, "item_knn", "--output", str(tmp_path / "missing" / "tuned.toml")) == USER_ERROR
    assert f"there is no folder {tmp_path / 'missing'}; make it, or name another" in capsys.readouterr().err


def test_a_search_is_no_table_of_rows_for_a_spreadsheet(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(store, "item_knn", "--format", "csv")
    assert "invalid choice: 'csv'" in capsys.readouterr().err


def test_a_kind_without_settings_is_refused(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(store, "popularity", "--output", "unwritten.toml") == USER_ERROR
    assert "nothing to search of popularity; known are item_knn" in capsys.readouterr().err
