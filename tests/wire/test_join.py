"""Requests and welcomes: whole and signed, or refused."""

from __future__ import annotations

import base64
import textwrap
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldbox.hub import authority
from fieldbox.hub.home import Home, found
from fieldbox.sync import identity
from fieldbox.sync.identity import Identity
from fieldbox.wire import join
from fieldbox.wire.join import Unreadable, Welcome

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return found(
        tmp_path_factory.mktemp("hub") / "hub", host="hub.example.org", port=8883, sms="+911", now=NOW
    )


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return identity.own(tmp_path_factory.mktemp("box"))


def test_a_request_says_who_asks(box: Identity) -> None:
    asked = join.read_request(box.request())
    assert (asked.box, asked.key) == (box.box, box.key.public_key().public_bytes_raw())
    assert join.BOX_ID.fullmatch(box.box)


def test_what_mail_does_to_a_text_does_not_matter(box: Identity) -> None:
    text = textwrap.indent("Hello,\n\n" + box.request() + "\nRegards", "> ").replace("\n", "\r\n")
    assert join.read_request(text.encode()).box == box.box


def sealed(text: str) -> bytearray:
    return bytearray(base64.b64decode("".join(text.splitlines()[1:-1])))


def armoured(what: str, content: bytes) -> str:
    return f"-----BEGIN FIELDBOX {what}-----\n{base64.b64encode(content).decode()}\n-----END FIELDBOX {what}-----\n"


def test_every_changed_byte_of_a_request_is_refused(box: Identity) -> None:
    whole = sealed(box.request())
    for at in range(len(whole)):
        changed = whole.copy()
        changed[at] ^= 1
        with pytest.raises(Unreadable):
            join.read_request(armoured("REQUEST", changed))


def test_a_request_with_anothers_id_or_certificate_request_is_refused(box: Identity, tmp_path: Path) -> None:
    asked = join.read_request(box.request())
    other = identity.own(tmp_path)
    with pytest.raises(Unreadable, match="box"):
        join.read_request(join.pack_request(replace(asked, box=other.box), box.key))
    with pytest.raises(Unreadable, match="certificate request"):
        theirs = join.read_request(other.request()).certificate_request
        join.read_request(join.pack_request(replace(asked, certificate_request=theirs), box.key))
    with pytest.raises(Unreadable, match="certificate request"):
        join.read_request(join.pack_request(replace(asked, certificate_request=b"0"), box.key))
    with pytest.raises(Unreadable, match="signature"):
        join.read_request(join.pack_request(asked, other.key))


@pytest.mark.parametrize(
    "text", ["", "hello", "-----BEGIN FIELDBOX REQUEST-----", "x" * 70_000, armoured("REQUEST", b"")]
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        join.read_request(text)
    with pytest.raises(Unreadable):
        join.read_welcome(text)


def welcome(hub: Home, box: Identity) -> Welcome:
    key = box.tls.public_key()
    certificate = join.pem_of(authority.certify_box(hub.authority, key, box.box, NOW))
    return Welcome(box.box, hub.told, certificate)


def test_a_welcome_tells_the_hub(hub: Home, box: Identity) -> None:
    told = welcome(hub, box)
    assert join.read_welcome(join.pack_welcome(told, hub.key)) == told
    assert told.hub.fingerprint.count(" ") == 4
    assert replace(told.hub, key=b"k" * 32).fingerprint != told.hub.fingerprint


def test_every_changed_byte_of_a_welcome_is_refused(hub: Home, box: Identity) -> None:
    whole = sealed(join.pack_welcome(welcome(hub, box), hub.key))
    for at in range(0, len(whole), 3):
        changed = whole.copy()
        changed[at] ^= 1
        with pytest.raises(Unreadable):
            join.read_welcome(armoured("WELCOME", changed))


def test_a_welcome_that_another_signed_is_refused(hub: Home, box: Identity) -> None:
    with pytest.raises(Unreadable, match="signature"):
        join.read_welcome(join.pack_welcome(welcome(hub, box), Ed25519PrivateKey.generate()))


def test_a_request_is_no_welcome_and_the_other_way_round(hub: Home, box: Identity) -> None:
    with pytest.raises(Unreadable):
        join.read_welcome(box.request().replace("REQUEST", "WELCOME"))
    text = join.pack_welcome(welcome(hub, box), hub.key).replace("WELCOME", "REQUEST")
    with pytest.raises(Unreadable):
        join.read_request(text)


def test_a_boxs_certificate_lasts_five_years_and_a_dead_clock_finds_the_hubs_valid(
    hub: Home, box: Identity
) -> None:
    shown = join.certificate_of(welcome(hub, box).certificate)
    assert NOW - shown.not_valid_before_utc == timedelta(days=1)
    assert shown.not_valid_after_utc - NOW > timedelta(days=5 * 365 - 2)
    for name in ("ca.crt", "server.crt"):
        own = join.certificate_of((hub.folder / name).read_text())
        assert own.not_valid_before_utc == datetime(2020, 1, 1, tzinfo=UTC)
        assert own.not_valid_after_utc - NOW > timedelta(days=24 * 365)


def test_requests_are_small(box: Identity) -> None:
    assert len(box.request()) < 1000
