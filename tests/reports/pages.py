"""Pages as a test reads them: parsed, or as a browser has them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node


def text_of(node: HTMLParser | Node, selector: str) -> str:
    found = node.css_first(selector)
    assert found is not None, selector
    return " ".join(found.text().split())


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
