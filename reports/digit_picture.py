"""Small pictures of 8 x 8 pixels as SVG within the page: no file, no other package, in the colours of the page."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

SIDE = 8


def picture(values: Sequence[float], told: str, known_rows: int = SIDE) -> Markup:
    """Return a picture; a value is how dark its pixel is, from 0 to 1.

    Parameters
    ----------
    values
        Row by row, `SIDE` each.
    told
        What it shows, for those who do not see it.
    known_rows
        Rows from the top that are given; a line stands below them where some are not.
    """
    darkness = [min(max(float(value), 0.0), 1.0) for value in values]
    pixels = Markup("").join(
        Markup('<rect x="{}" y="{}" width="1.02" height="1.02"{}/>').format(
            i % SIDE, i // SIDE, Markup("") if dark >= 1 else Markup(' fill-opacity="{:.2f}"').format(dark)
        )
        for i, dark in enumerate(darkness)
        if dark >= 0.01
    )
    line = Markup('<path class="edge" d="M0 {0}H{1}"/>').format(known_rows, SIDE) if known_rows < SIDE else Markup("")
    return Markup('<svg class="digit" viewBox="0 0 {0} {0}" role="img" aria-label="{1}">{2}{3}</svg>').format(
        SIDE, told, pixels, line
    )
