"""Languages as sources write them."""

from __future__ import annotations

import pytest

from data.languages import language_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("en", "en"), ("eng", "en"), ("en-US", "en"), ("en_GB", "en"), ("English", "en"), ("ENG ", "en"),
        ("ja", "ja"), ("jpn", "ja"), ("日本語", "ja"), ("ｊａ", "ja"),
        ("fre", "fr"), ("fra", "fr"), ("ger", "de"), ("deu", "de"), ("chi", "zh"), ("zho", "zh"), ("zh-Hant-TW", "zh"),
        ("nob", "no"), ("Portuguese (Brazil)", "pt"), ("per", "fa"), ("fil", "tl"), ("iw", "he"), ("zul", "zu"),
        ("Klingon", "klingon"),
        (None, None), ("", None), ("--", None), ("mul", None), ("und", None), ("N/A", None),
    ],
)  # fmt: skip
def test_one_code_for_a_language(text: str | None, code: str | None) -> None:
    assert language_code(text) == code
