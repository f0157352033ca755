"""Pages as a test reads them: parsed, or as a browser has them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node


def parsed(path: Path) -> HTMLParser:
    return HTMLParser(path.read_text(encoding="utf-8"))


def said(node: Node) -> str:
    return " ".join(node.text().split())


def text_of(node: HTMLParser | Node, selector: str) -> str:
    found = node.css_first(selector)
    assert found is not None, selector
    return said(found)


def rows(node: HTMLParser | Node, selector: str, nth: int = 0) -> list[list[str]]:
    """What the cells of the body of a table say, line by line; the text of two elements stays apart."""
    table = node.css(selector)[nth]
    return [[" ".join(cell.text(separator=" ").split()) for cell in row.css("th, td")] for row in table.css("tbody tr")]


def chart_sets(chart: HTMLParser | Node) -> list[list[dict[str, Any]]]:
    """The data sets of a chart: those of its layers, and those with a name."""
    script = chart.css_first("script")
    assert script is not None
    spec = json.loads(script.text())
    parts = [part.get("data", {}) for part in [spec, *spec.get("layer", [])]]
    return [data["values"] for data in parts if "values" in data] + list(spec.get("datasets", {}).values())


def chart_values(tree: HTMLParser, name: str) -> list[dict[str, Any]]:
    """The longest data set of a chart: not of a line or a dot beside the others."""
    chart = tree.css_first(f"#{name}")
    assert chart is not None, name
    return max(chart_sets(chart), key=len)


def rendered(path: Path, folder: Path) -> HTMLParser:
    """The page as a browser has it after some seconds."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium")
    off = ("gpu", "quic", "sync", "background-networking", "component-update")
    switches = ["--headless", "--no-sandbox", "--no-first-run", "--virtual-time-budget=8000"]
    switches += [f"--disable-{what}" for what in off]
    command = [chromium, *switches, f"--user-data-dir={folder}", "--dump-dom", path.as_uri()]
    return HTMLParser(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode())
