"""What the page of every report promises. A module's test class inherits `PageContract`; the module has the fixtures
`store`, whose current release the page is about, `page` and `tree`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from data.release import Release
from data.store import Store
from tests.pipeline.topic_release import SCRIPT
from tests.reports.pages import rendered, text_of

MAX_BYTES = 2_500_000


class Report(Protocol):
    """Writes a release's page and returns its path."""

    def __call__(self, store: Store, release: Release, /) -> Path: ...


class PageContract:
    """Tests that every page passes.

    Attributes
    ----------
    name
        Of the report.
    report
        What writes it, a static method.
    charts
        Ids of its charts, in order.
    readers
        Names of the readers, raw and replaced.
    without_words
        Ids of charts whose numbers stand in a table of the page, and in no words beside the chart.
    """

    name: ClassVar[str]
    report: ClassVar[Report]
    charts: ClassVar[Sequence[str]]
    readers: ClassVar[Sequence[str]]
    without_words: ClassVar[Sequence[str]] = ()

    def test_titles_are_text_and_never_markup(self, page: str, tree: HTMLParser) -> None:
        assert "&lt;script&gt;alert(" in page
        assert "<script>alert" not in page
        assert not tree.css("img")
        assert SCRIPT in text_of(tree, "main")
        scripts = tree.css("figure.chart script")
        assert len(scripts) == len(self.charts)
        for script in scripts:
            json.loads(script.text())  # a title that closed it would have cut it

    def test_page_loads_nothing_and_names_no_reader_and_no_path(
        self, store: Store, page: str, tree: HTMLParser
    ) -> None:
        assert text_of(tree, "title")
        assert not tree.css("[src], link, iframe, object, embed")
        policy = tree.css_first("meta[http-equiv='Content-Security-Policy']")
        assert policy is not None
        assert "default-src 'none'" in (policy.attributes["content"] or "")
        for link in tree.css("[href]"):
            target = link.attributes["href"] or ""
            assert target.startswith("#")
            assert tree.css_first(f"[id='{target[1:]}']"), target
        assert self.readers
        assert not [name for name in [*self.readers, str(store.root)] if name in page]
        assert page.count("vegaEmbed=") == 1, "the chart library is in the page, once"
        assert len(page.encode()) < MAX_BYTES

    def test_every_chart_has_words_and_an_accessible_name(self, tree: HTMLParser) -> None:
        charts = tree.css("figure.chart")
        assert [chart.attributes["id"] for chart in charts] == list(self.charts)
        for chart in charts:
            frame = chart.css_first("[role=img]")
            assert frame is not None
            assert frame.attributes["aria-label"]
            assert bool(chart.css("details table")) == (chart.attributes["id"] not in self.without_words)

    def test_report_repeats_byte_for_byte_and_has_a_stable_copy(self, store: Store, page: str) -> None:
        release = Release.open(store)
        path = self.report(store, release)
        assert release.id == store.current
        assert path == store.report(release.id, self.name)
        assert path.read_text(encoding="utf-8") == page
        assert store.current_report(self.name) == store.root / "reports" / f"{self.name}.html"
        assert store.current_report(self.name).read_bytes() == path.read_bytes()

    @pytest.mark.browser
    def test_charts_are_drawn_in_a_browser(self, store: Store, page: str, tmp_path: Path) -> None:
        drawn = rendered(store.current_report(self.name), tmp_path)
        assert [bool(chart.css("svg path")) for chart in drawn.css("figure.chart")] == [True] * len(self.charts)
        assert "could not be drawn" not in text_of(drawn, "main")
        assert not drawn.css("img")
