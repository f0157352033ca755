"""The scheduled flow: publishes, recomputes nothing that is known, keeps serving when something is wrong."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import BadConfig, BadFile, StoreBusy, WagahaiError
from data.release import Release, kept_releases
from data.store import Store

pytestmark = pytest.mark.usefixtures("prefect_server")

PROFILE = """
[sample]
n_readers = 400
[split]
p_held_out = 0.2
time = false
[evaluation]
n_bootstrap = 50
[models.spectral]
n_dims = 64
[models.word2vec]
embedding_size = 32
epochs = 30
[report]
watch = ["吾輩は猫である (新潮文庫)"]
[topics]
models = ["lda"]
n_seeds = 2
[models.lda]
n_topics = 8
epochs = 20
cooling_epochs = 10
n_starts = 1
[models.dbm]
n_visible = 60
hidden_sizes = [8, 4]
epochs = 10
n_chains = 50
[predictors]
n_draws = 8
references = ["bayesian_ridge"]
[predictors.rating]
hidden_sizes = [8]
epochs = 4
[predictors.will_read]
hidden_sizes = [8]
epochs = 4
[predictors.rating_features]
n_fitted_readers = 40
"""
MORE = "reader,book,title,read_on\n" + "".join(
    f"r{reader},b{book},Book {book},2020-01-{book + 1:02d}\n" for reader in range(40) for book in range(8)
)
MAPPING = '[readings]\nreader = "reader"\nbook = "book"\ntitle = "title"\nread_on = "read_on"\n'


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("profile") / "small.toml"
    path.write_text(PROFILE)
    return str(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, profile: str, prefect_server: None) -> Store:
    """A store after one refresh on the sample."""
    opened = Store(tmp_path_factory.mktemp("store"))
    state = run(opened, profile, sample=True)
    assert state.is_completed(), state.message
    return opened


def run(store: Store, profile: str, **parameters: Any) -> Any:
    from flows.refresh_release import refresh_release

    return refresh_release(store=str(store.root), profile=profile, return_state=True, **parameters)


def artifacts(store: Store) -> dict[str, float]:
    """Everything learned, with the time it was made."""
    return {str(p): p.stat().st_mtime for p in (store.root / "artifacts").glob("*/*")}


def last_artifact(key: str) -> str:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    newest = sorted(found, key=lambda artifact: str(artifact.created))[-1]
    return str(newest.data)


def test_a_refresh_publishes_a_release_and_its_report(store: Store) -> None:
    release = Release.open(store)
    assert release.manifest["passed"]
    page = store.report(release.id, "similarity").read_text(encoding="utf-8")
    assert "吾輩は猫である (新潮文庫)" in page
    assert release.topic_models == ("lda",)
    told = release.predictor_quality
    assert set(told["tasks"]) == {"rating", "will_read"}
    assert set(told["left_out"]) == {task for task, one in told["tasks"].items() if not one["verdict"]["is_published"]}
    assert "Topics of LDA" in store.report(release.id, "topics").read_text(encoding="utf-8")
    assert "How sure the predictions are" in store.report(release.id, "uncertainty").read_text(encoding="utf-8")
    assert "over independent books" in store.report(release.id, "boltzmann").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "verdict"),
    [
        ("ingest-readings", "1 of 1 sources ingested"),
        ("train-models", "trained on history version 1: 400 readers"),
        ("publish-reports", "published: ndcg100"),
        ("refresh-release", "published: ndcg100"),
    ],
)
def test_the_artifact_of_a_run_begins_with_the_verdict(store: Store, key: str, verdict: str) -> None:
    assert verdict in last_artifact(key).splitlines()[0]


def test_a_rerun_on_unchanged_data_recomputes_nothing(store: Store, profile: str) -> None:
    before, release = artifacts(store), store.current
    state = run(store, profile, sample=True)
    assert state.is_completed()
    assert "unchanged" in state.message
    assert artifacts(store) == before
    assert [r.id for r in kept_releases(store)] == [release]


def test_another_report_setting_refits_no_model(store: Store, profile: str, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(PROFILE.replace("watch = [", "n_near = 3\nwatch = ["))
    before = artifacts(store)
    assert run(store, str(other), sample=True).is_completed()
    assert artifacts(store) == before
    assert len(kept_releases(store)) == 2


def test_new_files_in_the_inbox_remake_only_what_depends_on_them(store: Store, profile: str) -> None:
    store.inbox.mkdir()
    (store.inbox / "mapping.toml").write_text(MAPPING)
    (store.inbox / "more.csv").write_text(MORE)
    before, release = artifacts(store), store.current
    state = run(store, profile)
    assert state.is_completed(), state.message
    assert store.current != release
    assert before.items() <= artifacts(store).items(), "what was known is kept as it was"
    made = {Path(path).parent.name for path in artifacts(store).keys() - before.keys()}
    rankers, spaces = {"popularity", "item_knn", "ease", "blend"}, {"spectral", "ppmi", "word2vec", "lda"}
    learned = {"ratings", "rating", "rating_quality", "will_read", "will_read_quality"}
    machine = {"dbm", "boltzmann_quality", "boltzmann_portrait"}
    judged = {"evaluation", "ensemble", "topic_quality"}
    assert made == {"works", "corpus", *rankers, *spaces, *judged, *learned, *machine}


def test_a_refused_file_leaves_the_release_serving(store: Store, profile: str, tmp_path: Path) -> None:
    release = store.current
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"\x00\x01\x02")
    (tmp_path / "mapping.toml").write_text(MAPPING)
    state = run(store, profile, path=str(broken), format="events", mapping=str(tmp_path / "mapping.toml"))
    assert state.is_failed()
    with pytest.raises(BadFile, match=r"broken\.csv: refused"):
        state.result()
    assert store.current == release
    first_line = last_artifact("refresh-release").splitlines()[0]
    assert first_line.startswith("**failed: ")
    assert first_line.endswith("broken.csv: refused.**")


def test_a_release_that_falls_is_kept_and_not_switched_to(store: Store, tmp_path: Path) -> None:
    worse = tmp_path / "worse.toml"
    worse.write_text(PROFILE.replace("n_dims = 64", "n_dims = 1"))
    release = store.current
    state = run(store, str(worse), sample=True)
    assert state.name == "Refused"
    assert "holds against the current release" in state.message
    assert store.current == release
    refused = [r for r in kept_releases(store) if not r.manifest["passed"]]
    assert len(refused) == 1


def _hold(root: str, held: Any, done: Any) -> None:
    with Store(Path(root)).lock("refresh"):
        held.set()
        done.wait(60)


def test_a_second_refresh_refuses_while_one_runs(store: Store, profile: str) -> None:
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(store.root), held, done))
    other.start()
    try:
        assert held.wait(60)
        state = run(store, profile, sample=True)
        assert state.is_failed()
        with pytest.raises(StoreBusy, match=f"held by process {other.pid}"):
            state.result()
    finally:
        done.set()
        other.join()


def test_an_unknown_setting_is_refused_before_the_history_is_touched(tmp_path: Path, prefect_server: None) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(PROFILE.replace("embedding_size", "embeding_size"))
    fresh = Store(tmp_path / "fresh")
    state = run(fresh, str(wrong), sample=True)
    with pytest.raises(BadConfig, match="did you mean 'embedding_size'"):
        state.result()
    assert not fresh.history.exists()


def test_another_simulation_does_not_mix_into_the_first(store: Store, profile: str) -> None:
    state = run(store, profile, sample=True, seed=1)
    with pytest.raises(WagahaiError, match="another simulated sample"):
        state.result()


@pytest.mark.slow
def test_fits_on_dask_give_the_same_release(tmp_path: Path, profile: str, prefect_server: None) -> None:
    here, there = Store(tmp_path / "threads"), Store(tmp_path / "dask")
    assert run(here, profile, sample=True).is_completed()
    assert run(there, profile, sample=True, runner="dask").is_completed()
    np.testing.assert_array_equal(Release.open(there).vectors, Release.open(here).vectors)
