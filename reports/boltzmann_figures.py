"""The figures of Taniguchi et al. 2023 redone, as one page that a benchmark writes; what was not measured is said.

Every sentence is worked out from the results, none is written beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from reports.boltzmann_figures_charts import coupling_charts, curves_chart, exact_chart
from reports.boltzmann_results import Digits, Picture, Results
from reports.boltzmann_told import coupling_sentences, digits_sentences, exact_sentences
from reports.digit_picture import SIDE, picture
from reports.document import Table, decimal, percent, render


def figures_page(results: Results) -> str:
    """Return the page of what was found."""
    exact, couplings, digits = results.exact, results.couplings, results.digits
    content: dict[str, Any] = {
        "missing": results.missing,
        "exact": None,
        "couplings": None,
        "digits": None,
    }
    if exact:
        rows = [
            (row.estimator, row.machine, "unbiased" if row.unbiased else "biased", row.rms_z, row.relative_var)
            for row in exact
        ]
        columns = ("estimator", "machine", "called", "rms z", "variance, of one independent sample’s")
        content["exact"] = {"told": exact_sentences(exact), "chart": exact_chart(exact), "table": Table(columns, rows)}
    if couplings:
        rows_of_couplings = [
            (
                row.coupling,
                row.n_units,
                decimal(row.search_steps, 1),
                decimal(row.tau, 1),
                percent(row.n_corrected / row.n_pairs),
                percent(row.n_truncated / row.n_pairs),
                None if row.acceptance is None else f"{row.acceptance:.1e}",
            )
            for row in couplings
        ]
        columns_of = ("coupling", "units", "search steps", "τ", "corrected", "given up", "proposals accepted")
        charts = coupling_charts(couplings)
        content["couplings"] = {
            "told": coupling_sentences(couplings),
            "charts": charts,
            "table": Table(columns_of, rows_of_couplings),
        }
    if digits:
        content["digits"] = _digits(digits)
    return render("boltzmann_figures.html", content)


def _digits(digits: Digits) -> dict[str, Any]:
    rows = [(row.system, decimal(row.log_likelihood, 2), row.seeds) for row in digits.rows]
    return {
        "told": digits_sentences(digits),
        "chart": curves_chart(digits.curves) if digits.curves else None,
        "table": Table(("system", "nats a digit, mean of the seeds", "each seed"), rows),
        "imputed": [_imputed(i, one) for i, one in enumerate(digits.pictures, 1)],
        "samples": [picture(image, f"sample {i}") for i, image in enumerate(digits.samples, 1)],
    }


def _imputed(nth: int, one: Picture) -> Sequence[Markup]:
    """Return a digit, its known half, the mean of what the machine puts into the other, and samples."""
    shown = [value if i < SIDE * SIDE // 2 else 0.0 for i, value in enumerate(one.digit)]
    half = SIDE // 2
    return [
        picture(one.digit, f"digit {nth}"),
        picture(shown, f"digit {nth}, what is shown of it", half),
        picture(one.mean, f"digit {nth}, filled in, the mean", half),
        *(picture(sample, f"digit {nth}, filled in, a sample", half) for sample in one.samples),
    ]
