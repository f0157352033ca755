"""Fixtures of tests of pages."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser


@pytest.fixture(scope="module")
def tree(page: str) -> HTMLParser:
    """The module's page, parsed."""
    return HTMLParser(page)
