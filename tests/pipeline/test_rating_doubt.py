"""Doubt about ratings against what is planted: its parts, its groups, errors where it is small, what is foreign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.judge_rating import NET
from pipeline.rating_doubt import (
    ALEATORIC,
    EPISTEMIC,
    TOTAL,
    auroc_figure,
    doubt_map,
    foreign,
    parts_of,
    risk_curves,
)
from pipeline.rating_metrics import auroc, row_scores
from tests.pipeline.hand_quality import EPISTEMIC as SHARE
from tests.pipeline.hand_quality import PARTS, PER_READER, hand_quality


def test_parts_are_those_that_were_planted() -> None:
    quality = hand_quality()
    cold = (quality.n_reader_ratings < 20) & (quality.n_book_ratings == 0)
    parts = parts_of(quality, cold)
    left = 1 / (1 + SHARE)  # of the variance that is aleatoric
    assert parts.of_model == pytest.approx(1 - left, rel=1e-5)
    assert parts.of_book == pytest.approx(PARTS["of_book"][0] * left, rel=1e-5)
    assert parts.of_reader == pytest.approx(PARTS["of_reader"][0] * left, rel=1e-5)
    assert parts.of_model + parts.of_book + parts.of_reader + parts.stays == pytest.approx(1)
    everything = parts_of(quality)
    assert parts.helped > everything.helped > parts_of(quality, quality.n_book_ratings >= 10).helped


def test_the_map_has_every_group_once_and_its_figures() -> None:
    quality = hand_quality()
    cells = {(cell.readers, cell.books): cell for cell in doubt_map(quality, 1, seed=0)}
    assert len(cells) == 9
    assert sum(cell.n for cell in cells.values()) == len(quality.category)
    mask = (quality.n_reader_ratings >= 100) & (quality.n_book_ratings >= 10)
    cell, scores = cells[("hot",), "hot"], row_scores(quality.forecast(NET))
    assert (cell.n, cell.n_readers) == (4 * PER_READER // 3, 4)
    assert cell.rmse.value == pytest.approx(np.sqrt(scores["square"][mask].mean()))
    variance = quality.epistemic_var[mask].astype(float) + quality.aleatoric_var[mask]
    assert cell.sd == pytest.approx(np.sqrt(variance.mean()))
    assert cell.cover90.value == pytest.approx((np.abs(scores["pit"][mask] - 0.5) <= 0.45).mean())


def test_groups_of_few_readers_go_with_the_next_and_pairs_of_few_are_not_told() -> None:
    quality = hand_quality()
    cells = doubt_map(quality, 5, seed=0)
    assert [cell.readers for cell in cells] == [("cold",)] * 3 + [("warm", "hot")] * 3  # four are hot
    assert all(cell.is_told for cell in cells)
    assert {cell.n_readers for cell in cells} == {18, 22}
    assert sum(cell.n for cell in cells) == len(quality.category)
    of_the_hot = np.where(quality.n_reader_ratings >= 100, 30, 5)
    cells = doubt_map(replace(quality, n_book_ratings=of_the_hot), 5, seed=0)
    assert [(cell.books, cell.n_readers) for cell in cells] == [("warm", 18), ("warm", 18), ("hot", 4)]
    assert [cell.is_told for cell in cells].count(False) == 2  # one would be the total less the others


def test_errors_fall_with_a_doubt_that_knows_them_and_not_with_one_that_does_not() -> None:
    quality = hand_quality()
    random = np.random.default_rng(1).random(len(quality.category)).astype(np.float32)
    curves = risk_curves(replace(quality, epistemic_var=1e-6 * random), seed=0)
    everything = np.sqrt(row_scores(quality.forecast(NET))["square"].mean())
    for kind in (TOTAL, EPISTEMIC, ALEATORIC):
        assert [point.share for point in curves[kind]] == pytest.approx(np.arange(1, 21) / 20)
        assert curves[kind][-1].rmse.value == pytest.approx(everything)
    half = {kind: points[9].rmse for kind, points in curves.items()}
    assert half[ALEATORIC].value < everything - 5 * half[ALEATORIC].se
    assert abs(half[EPISTEMIC].value - everything) < 4 * half[EPISTEMIC].se


def test_auroc_of_what_is_foreign_and_its_standard_error() -> None:
    """The error over readers is that of drawing readers anew, larger than if their rows told as much apart."""
    random = np.random.default_rng(0)
    reader = np.repeat(np.arange(300), 4)
    is_out = (random.random(300) < 0.4)[reader]
    own = random.normal(size=300)[reader]
    score = np.round(own + is_out + random.normal(size=len(reader)), 1)  # with ties
    found = auroc_figure(score, is_out, reader)
    assert found.value == auroc(score, is_out)
    drawn = []
    for _ in range(300):
        rows = (random.integers(0, 300, 300)[:, None] * 4 + np.arange(4)).ravel()
        drawn.append(auroc(score[rows], is_out[rows]))
    assert found.se == pytest.approx(np.std(drawn), rel=0.15)
    alone = auroc_figure(score, is_out, np.arange(len(score)))
    assert alone.se < found.se  # rows of one reader are alike
    assert np.isnan(auroc_figure(score, is_out, np.zeros(len(score), int)).se)


def test_doubt_tells_what_is_foreign_only_where_it_is_larger_there() -> None:
    quality = hand_quality()
    unrated = quality.n_book_ratings == 0
    larger = replace(quality, epistemic_var=(0.01 + unrated + 0 * quality.epistemic_var).astype(np.float32))
    by_book, by_reader = foreign(larger)
    assert by_book.auroc[EPISTEMIC].value == 1
    assert (by_book.n_foreign, by_book.n_familiar) == (int(unrated.sum()), int((quality.n_book_ratings >= 10).sum()))
    assert abs(by_book.auroc[ALEATORIC].value - 0.5) < 4 * by_book.auroc[ALEATORIC].se
    assert by_reader.auroc[EPISTEMIC].value == 0.5  # as many unrated books of either kind of reader
    assert foreign(replace(quality, n_book_ratings=quality.n_book_ratings + 10))[0].foreign.startswith("readers")
