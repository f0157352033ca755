"""Pages: one template environment, one look, charts that need nothing but the page itself.

A page is a single file that works offline. Titles are written by strangers, so that every value is escaped
when it is rendered, chart data included, and the page's own policy forbids it to load anything.

Colours are CSS variables, in the charts too (they are drawn as SVG): one style sheet decides for light, dark
and print.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import altair as alt
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
FONT = '"Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic", Meiryo, system-ui, sans-serif'
N_COLOURS = 7
PALETTE = tuple(f"var(--series-{i})" for i in range(1, N_COLOURS + 1))
OTHER_COLOUR = "var(--series-other)"
EMPHASIS = "var(--accent)"
INK = "var(--ink)"
MUTED = "var(--muted)"
UNKNOWN = "—"
Chart: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart

# Characters that could end the surrounding <script>, or that older parsers take for a line's end.
_UNSAFE_IN_SCRIPT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}

_THEME: dict[str, Any] = {
    "font": FONT,
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": MUTED,
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 220,
    },
    "legend": {"labelColor": INK, "titleColor": MUTED, "labelFontSize": 12, "titleFontSize": 12, "labelLimit": 160},
    "text": {"color": INK, "fontSize": 12},
}


@dataclass(frozen=True)
class Table:
    """Rows to read: numbers are aligned to the right, text is marked as text of unknown direction.

    Attributes
    ----------
    columns
        Headings, with the unit where there is one.
    rows
        One tuple of cells per row; a cell is a number, text, or None where unknown.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]


def render(template: str, content: Mapping[str, Any]) -> str:
    """Return the page of a template in `TEMPLATES`, filled with `content`, everything in it escaped.

    Parameters
    ----------
    template
        Name of a file that extends ``base.html``.
    content
        Values by name. `Markup` (as `chart_html` returns it) is taken as it is; nothing else is.
    """
    page = _environment().get_template(template)
    return page.render(content, chart_library=_chart_library())


def chart_html(chart: Chart, *, name: str, summary: str, table: Table | None = None) -> Markup:
    """Return a chart as HTML to put into a page.

    Parameters
    ----------
    chart
        The chart; its data must be part of it.
    name
        Its id in the page: letters and hyphens.
    summary
        What the chart says, in words, for those who do not see it.
    table
        Its numbers, shown on demand; None if they stand in the page anyway.
    """
    spec = chart.configure(**_THEME).to_dict()
    figure = _environment().get_template("chart.html")
    return Markup(  # noqa: S704  # the template has escaped what it was given
        figure.render(name=name, summary=summary, table=table, spec=script_json(spec))
    )


def script_json(value: object) -> Markup:
    """Return `value` as JSON that cannot end the ``<script>`` it is written into."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_UNSAFE_IN_SCRIPT))  # noqa: S704  # the one place where this is decided


def count(value: object) -> str:
    """Return a whole number with thousands separated; a dash if it is None."""
    return UNKNOWN if value is None else f"{value:,}"


def decimal(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """Return a number with a fixed number of digits and a true minus; a dash if it is None."""
    if value is None:
        return UNKNOWN
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if float(text) == 0 and not sign:
        text = text.lstrip("-")
    return text.replace("-", "−")


def percent(share: float) -> str:
    """Return a share in per cent, with as many digits as its size deserves."""
    points = 100 * share
    digits = 0 if points >= 10 or points == 0 else 1 if points >= 1 else 2
    return f"{points:.{digits}f} %" if points == 0 or points >= 0.01 else "< 0.01 %"


def cut(text: str, length: int) -> str:
    """Return `text`, cut with an ellipsis if it is longer than `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return decimal(value, 3)
    return count(value) if isinstance(value, int) or value is None else str(value)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["font_stack"] = Markup(FONT)  # noqa: S704  # a constant
    environment.filters |= {"count": count, "decimal": decimal, "percent": percent, "cell": _cell}
    return environment


@cache
def _chart_library() -> Markup:
    """Vega, Vega-Lite and vega-embed in one script, of the Vega-Lite version that Altair writes."""
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    script = str(vl_convert.javascript_bundle(vl_version=version))  # type: ignore[call-arg]  # its stub lacks the default
    if "</script" in script.lower():
        raise ValueError("the chart library would end its own <script>")
    return Markup(script)  # noqa: S704  # a pinned library, not a value
