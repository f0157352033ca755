"""The figures of Taniguchi et al. 2023 redone, as one page that a benchmark writes; what was not measured is said.

Every sentence is worked out from the results, none is written beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from reports.boltzmann_figures_charts import coupling_charts, curves_chart, exact_chart
from reports.boltzmann_results import Coupled, Digits, Exact, Picture, Results
from reports.boltzmann_told import coupling_sentences, coupling_verdict, digits_sentences, exact_sentences
from reports.digit_picture import SIDE, picture
from reports.document import UNKNOWN, Table, decimal, percent, render

EXACT_COLUMNS = ("estimator", "machine", "called", "rms z", "variance", "τ", "given up")
COUPLING_COLUMNS = ("coupling", "units a layer", "search steps", "τ, mean", "τ, largest", "corrected", "given up")


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
        content["exact"] = {
            "told": exact_sentences(exact),
            "chart": exact_chart(exact, Table(EXACT_COLUMNS, [_exact(row) for row in exact])),
        }
    if couplings:
        content["couplings"] = {
            "told": [coupling_verdict(couplings)],
            "each": coupling_sentences(couplings),
            "charts": coupling_charts(couplings, Table(COUPLING_COLUMNS, [_coupled(row) for row in couplings])),
        }
    if digits:
        content["digits"] = _digits(digits)
    return render("boltzmann_figures.html", content)


def _exact(row: Exact) -> tuple[object, ...]:
    tau = decimal(row.tau, 1) if row.tau else UNKNOWN
    return (row.estimator, row.machine, row.called, row.rms_z, row.relative_var, tau, row.n_truncated)


def _coupled(row: Coupled) -> tuple[object, ...]:
    means = (decimal(value, 1) for value in (row.search_steps, row.tau))
    return (row.coupling, row.width, *means, row.largest_tau, *map(percent, (row.share_corrected, row.share_truncated)))


def _digits(digits: Digits) -> dict[str, Any]:
    rows = [(row.system, decimal(row.log_likelihood, 2), row.seeds.replace("-", "−")) for row in digits.rows]
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
