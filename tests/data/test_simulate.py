"""The simulated readers: what was planted is found again in the readings, and the dirt in the files."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import datetime as dt
import json
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from data.planted import Simulation, SimulationConfig
from data.sample_files import ARRAYS, HEADER, UNKNOWN_DATE, SampleFiles, read_truth, write_sample
from data.simulate import FIRST_DAY, LAST_DAY, load_catalogue, simulate

CONFIG = SimulationConfig(n_readers=400)


@pytest.fixture(scope="module")
def catalogue() -> pl.DataFrame:
    return load_catalogue()


@pytest.fixture(scope="module")
def simulation(catalogue: pl.DataFrame) -> Simulation:
    return simulate(catalogue, CONFIG, seed=0)


@pytest.fixture(scope="module")
def files(simulation: Simulation, catalogue: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    return write_sample(tmp_path_factory.mktemp("sample"), simulation, catalogue, seed=0)


@pytest.fixture(scope="module")
def rows(files: SampleFiles) -> list[list[str]]:
    """The data rows of readings.csv as written."""
    assert files.readings.read_bytes().startswith(b"\xef\xbb\xbf")
    with files.readings.open(encoding="utf-8-sig", newline="") as handle:
        header, *rows = csv.reader(handle)
    assert header == HEADER
    return rows


def _indices(simulation: Simulation) -> tuple[np.ndarray, np.ndarray]:
    readers = {reader: index for index, reader in enumerate(simulation.truth.readers)}
    editions = {edition: index for index, edition in enumerate(simulation.truth.editions)}
    frame = simulation.readings
    return (
        np.array([readers[reader] for reader in frame["reader"]]),
        np.array([editions[edition] for edition in frame["edition"]]),
    )


class TestCatalogue:
    def test_is_what_its_readme_says(self, catalogue: pl.DataFrame) -> None:
        assert catalogue.height >= 480
        assert catalogue["edition"].is_unique().all()
        assert catalogue.select("title", "publisher").is_unique().all()
        numbered = catalogue.filter(pl.col("series") != "")
        assert numbered.select("series", "volume").is_unique().all()
        assert ((catalogue["series"] != "") == catalogue["volume"].is_not_null()).all()
        required = catalogue.drop("imprint", "series", "volume")
        assert not any(column.null_count() for column in required)
        assert set(catalogue["fame"]) <= {1, 2, 3, 4, 5}
        assert set(catalogue["language"]) == {"ja", "en"}
        assert set(catalogue["format"]) == {"bunko", "tankobon", "shinsho", "hardcover", "paperback", "comic"}
        assert 8 <= catalogue["genre"].n_unique() <= 12

    @pytest.mark.parametrize(
        ("imprint", "least"), [("新潮文庫", 14), ("岩波文庫", 9), ("角川文庫", 3), ("まんがで読破", 1)]
    )
    def test_has_soseki_in_many_imprints(self, catalogue: pl.DataFrame, imprint: str, least: int) -> None:
        soseki = catalogue.filter(pl.col("authors").str.contains("夏目漱石"), pl.col("imprint") == imprint)
        assert soseki.height >= least
        assert "soseki-wagahai" in set(soseki["work"])

    def test_one_hobbit_and_its_japanese_edition_share_a_work(self, catalogue: pl.DataFrame) -> None:
        (work,) = catalogue.filter(pl.col("title") == "The Hobbit")["work"]
        assert set(catalogue.filter(pl.col("work") == work)["language"]) == {"en", "ja"}


class TestSimulate:
    def test_same_seed_same_history(self, catalogue: pl.DataFrame, simulation: Simulation) -> None:
        again = simulate(catalogue, CONFIG, seed=0)
        assert again.readings.equals(simulation.readings)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(again.truth, name), getattr(simulation.truth, name))
        assert not simulate(catalogue, CONFIG, seed=1).readings.equals(simulation.readings)

    def test_mixtures_and_communities_are_distributions(self, simulation: Simulation) -> None:
        truth = simulation.truth
        np.testing.assert_allclose(truth.reader_communities.sum(axis=1), 1.0)
        np.testing.assert_allclose(truth.community_editions.sum(axis=1), 1.0)
        assert (truth.community_editions > 0).all()
        np.testing.assert_array_equal(truth.reader_community, truth.reader_communities.argmax(axis=1))

    def test_no_book_twice_and_sizes_within_bounds(self, simulation: Simulation) -> None:
        assert simulation.readings.select("reader", "edition").is_unique().all()
        n_books = simulation.readings.group_by("reader").len()["len"]
        assert n_books.len() == CONFIG.n_readers
        assert n_books.min() >= CONFIG.min_books  # type: ignore[operator]  # polars' reductions may be of any type
        assert n_books.max() <= CONFIG.max_books  # type: ignore[operator]  # polars' reductions may be of any type
        # Heavy-tailed: the mean is well above the median.
        assert n_books.mean() > 1.2 * n_books.median()  # type: ignore[operator]  # polars' reductions may be of any type

    def test_positions_count_up_and_dates_never_fall(self, simulation: Simulation) -> None:
        steps = simulation.readings.select(
            in_order=pl.col("position") == pl.int_range(pl.len()).over("reader"),
            falls=pl.col("read_on").diff().over("reader") < pl.duration(days=0),
        )
        assert steps["in_order"].all()
        assert not steps["falls"].any()
        assert simulation.readings["read_on"].is_between(FIRST_DAY, LAST_DAY).all()

    def test_popularity_follows_fame(self, catalogue: pl.DataFrame, simulation: Simulation) -> None:
        counts = simulation.readings.group_by("edition").len()
        reads = catalogue.join(counts, on="edition", how="left").fill_null(0)
        assert spearmanr(reads["fame"], reads["len"]).statistic > 0.4

    def test_volumes_are_mostly_read_in_order(self, catalogue: pl.DataFrame, simulation: Simulation) -> None:
        read = simulation.readings.join(catalogue.select("edition", "series", "volume"), on="edition")
        before = read.with_columns(pl.col("volume") + 1)
        pair = read.join(before, on=["reader", "series", "volume"], suffix="_before")
        pair = pair.filter(pl.col("series") != "")
        assert pair.height > 100
        assert (pair["position"] > pair["position_before"]).mean() > 0.9  # type: ignore[operator]  # polars' reductions may be of any type
        later = read.filter(pl.col("series") != "", pl.col("volume") > 1).height
        assert pair.height > 0.75 * later

    def test_loyal_readers_concentrate_on_fewer_authors(self, catalogue: pl.DataFrame) -> None:
        def authors_per_book(loyalty: float) -> float:
            config = dataclasses.replace(CONFIG, n_readers=200, loyalty_mean=loyalty)
            read = simulate(catalogue, config, seed=0).readings.join(catalogue, on="edition")
            per_reader = read.group_by("reader").agg(pl.col("authors").n_unique() / pl.len())
            return float(per_reader["authors"].mean())  # type: ignore[arg-type]  # polars' reductions may be of any type

        assert authors_per_book(20.0) < authors_per_book(0.5) - 0.1

    def test_ratings_follow_what_was_planted(self, simulation: Simulation) -> None:
        readers, editions = _indices(simulation)
        rating = simulation.readings["rating"]
        rated = rating.is_not_null().to_numpy()
        assert abs(1 - rated.mean() - CONFIG.p_rating_missing) < 0.02
        points = rating.drop_nulls().to_numpy()
        assert set(points) == {1, 2, 3, 4, 5}
        expected = simulation.truth.expected_rating(readers[rated], editions[rated])
        assert np.corrcoef(expected, points)[0, 1] > 0.6
        by_edition = np.bincount(editions[rated], points) / np.maximum(np.bincount(editions[rated]), 1)
        often = np.bincount(editions[rated]) >= 10
        quality = simulation.truth.edition_quality[: often.size]
        assert np.corrcoef(quality[often], by_edition[often])[0, 1] > 0.7

    def test_readers_read_their_communities(self, catalogue: pl.DataFrame, simulation: Simulation) -> None:
        readers, editions = _indices(simulation)
        truth = simulation.truth
        mixtures = truth.reader_communities[readers]
        planted = np.einsum("nc,cn->n", mixtures, truth.community_editions[:, editions])
        # Bestsellers and binges aside, a read is likelier under the reader's mixture than under popularity.
        assert np.mean(planted > truth.edition_popularity[editions]) > 0.65
        english = catalogue["language"].to_numpy() == "en"
        share = np.bincount(readers, english[editions]) / np.bincount(readers)
        assert 0.15 < np.mean(share > 0.8) < 0.3
        assert np.mean((share > 0.1) & (share < 0.9)) > 0.015

    def test_readers_of_one_imprint_seldom_read_the_work_again_in_another(
        self, catalogue: pl.DataFrame, simulation: Simulation
    ) -> None:
        per_work = (
            simulation.readings.join(catalogue.select("edition", "work", "imprint"), on="edition")
            .group_by("reader", "work")
            .agg(pl.col("imprint").n_unique())
        )
        assert (per_work["imprint"] > 1).mean() < 0.05  # type: ignore[operator]  # polars' reductions may be of any type


class TestWriteSample:
    def test_counts_of_dirt_are_what_the_truth_says(self, files: SampleFiles, rows: list[list[str]]) -> None:
        stored = json.loads(files.truth_counts.read_text(encoding="utf-8"))
        with files.books.open(encoding="utf-8", newline="") as handle:
            books = {row["book"] for row in csv.DictReader(handle)}
        whole = [row for row in rows if len(row) == 4 and row != HEADER]
        seen = Counter(tuple(row) for row in whole)
        found = {
            "missing_user": sum(row[0] == "" for row in whole),
            "bad_date": sum(row[2] in {"2021-13-45", "2022-02-30", "soon"} for row in whole),
            "rating_outside_scale": sum(row[3] in {"0", "11"} for row in whole),
            "rating_not_a_number": sum(row[3] == "five" for row in whole),
            "too_many_fields": sum(len(row) > 4 for row in rows),
            "too_few_fields": sum(len(row) < 4 for row in rows),
            "unknown_book": sum(row[1] not in books for row in whole),
            "repeated_header": sum(row == HEADER for row in rows),
            "exact_duplicate": sum(n - 1 for n in seen.values()),
            "date_unknown": sum(row[2] == UNKNOWN_DATE for row in whole),
        }
        for kind in list(found)[:8]:
            assert stored["dirt"][kind] == {"rows": found[kind], "rejected": found[kind]}, kind
            assert found[kind] > 0
        assert stored["dirt"]["exact_duplicate"] == {"rows": found["exact_duplicate"], "rejected": 0}
        # Damage of another kind, and a second copy, may fall on a row without a date.
        assert 0 <= found["date_unknown"] - stored["dirt"]["date_unknown"]["rows"] < 10
        assert stored["n_rejected"] == sum(list(found.values())[:8])
        assert stored["n_rows"] == len(rows)

    def test_every_clean_reading_is_in_the_file(
        self, files: SampleFiles, rows: list[list[str]], simulation: Simulation
    ) -> None:
        wanted = Counter(
            (reader, edition, "" if rating is None else str(rating))
            for reader, edition, _, rating, _ in simulation.readings.iter_rows()
        )
        written = Counter((row[0], row[1], row[3]) for row in rows if len(row) == 4)
        assert wanted <= written
        assert files.n_readings == simulation.readings.height
        # About 0.3 % is damaged or repeated.
        assert 0.002 < 1 - files.n_readings / files.n_rows < 0.006

    def test_a_reread_is_the_same_pair_a_year_later(self, files: SampleFiles, rows: list[list[str]]) -> None:
        # Withdrawn books and missing users may coincide by chance; impossible dates and ratings drop out.
        dates: dict[tuple[str, str], set[dt.date]] = {}
        for user, book, finished, stars in (row for row in rows if len(row) == 4):
            if user and not book.startswith("withdrawn") and stars not in {"0", "11", "five"}:
                with contextlib.suppress(ValueError):
                    dates.setdefault((user, book), set()).add(dt.date.fromisoformat(finished))
        apart = [max(days) - min(days) for days in dates.values() if len(days) > 1]
        assert len(apart) == files.dirt["reread"].rows > 0
        assert min(apart) >= dt.timedelta(days=365)

    def test_truth_round_trip(self, files: SampleFiles, simulation: Simulation) -> None:
        truth = read_truth(files.truth_arrays.parent)
        for field in dataclasses.fields(truth):
            before, after = getattr(simulation.truth, field.name), getattr(truth, field.name)
            np.testing.assert_array_equal(before, after)
            assert type(before) is type(after)
            assert not isinstance(before, np.ndarray) or before.dtype == after.dtype

    def test_same_seed_same_bytes(
        self, files: SampleFiles, simulation: Simulation, catalogue: pl.DataFrame, tmp_path: Path
    ) -> None:
        again = write_sample(tmp_path, simulation, catalogue, seed=0)
        for name in ("readings", "books", "mapping", "truth_counts"):
            assert getattr(again, name).read_bytes() == getattr(files, name).read_bytes()
        other = write_sample(tmp_path, simulation, catalogue, seed=1)
        assert other.readings.read_bytes() != files.readings.read_bytes()
