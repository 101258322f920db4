"""What must not stand in a log does not."""

from __future__ import annotations

import pytest

from fieldbox.masking import mask, mask_text, mask_value


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("called +919812345678 twice", "called …678 twice"),
        ("called +91 98123 45678.", "called …678."),
        ("from 9812345678", "from …678"),
        ("from 09812345678", "from …678"),
        ("Authorization: Bearer abc.DEF-123", "Authorization: Bearer …"),
        ("key fbx_3kf9-AB_c is void", "key … is void"),
        ("GET /enter/Zm9vYmFyYmF6 200", "GET /enter/… 200"),
        ("hash $argon2id$v=19$m=19456,t=2$abc$def", "hash …"),
        ("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\nend", "…\nend"),
        ("at 18.561234, 74.240512", "at …, …"),
        ("https://x/?token=abc123&a=1", "https://x/?token=…&a=1"),
    ],
)
def test_secrets_and_places_are_left_out(text: str, left: str) -> None:
    assert mask_text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "flight 9c1d3f2a0b took 12.5 s",
        "1234567890123 bytes in 2026-12-01T10:00:00.123456+05:30",
        "from 192.168.178.21:8080",
        "DJI_0001.JPG at 3.25 mm",
        "0.9.10",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_text(text) == text


def test_values_are_hidden_by_what_they_are_called() -> None:
    assert mask_value("password", "x") == "…"
    assert mask_value("api_token", "x") == "…"
    assert mask_value("lat", 18.5) == "…"
    assert mask_value("monkeys", 3) == 3
    told = {"numbers": ["+919812345678"], "deep": {"secret_key": "abc", "count": 2, "none": None, "so": True}}
    assert mask_value("told", told) == {
        "numbers": ["…678"],
        "deep": {"secret_key": "…", "count": 2, "none": None, "so": True},
    }


def test_a_line_of_the_log_is_masked_as_a_whole() -> None:
    event = mask(None, "info", {"event": "text from +919812345678", "lat": 1.5, "level": "info", "of": 3})
    assert event == {"event": "text from …678", "lat": "…", "level": "info", "of": 3}
