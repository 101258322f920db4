"""The box's keys and its hub: made once, whole, and never mixed up."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldbox.errors import Misconfigured, Rejected
from fieldbox.hub import authority
from fieldbox.hub.home import Home, found
from fieldbox.sync import identity, renewal
from fieldbox.sync.identity import Identity, Joined
from fieldbox.wire import join

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return found(tmp_path_factory.mktemp("hub") / "hub", host="localhost", port=8883, sms=None, now=NOW)


def certificate(hub: Home, box: Identity, at: datetime = NOW) -> str:
    return join.pem_of(authority.certify_box(hub.authority, box.tls.public_key(), box.box, at))


def welcome(hub: Home, box: Identity) -> str:
    return join.pack_welcome(join.Welcome(box.box, hub.told, certificate(hub, box)), hub.key)


@pytest.fixture
def joined(hub: Home, tmp_path: Path) -> Joined:
    box = identity.own(tmp_path / "identity")
    return identity.join_hub(box, identity.welcomed(box, welcome(hub, box)))


def test_keys_are_made_once_and_read_by_nobody_else(tmp_path: Path) -> None:
    first, second = identity.own(tmp_path / "new" / "identity"), identity.own(tmp_path / "new" / "identity")
    assert first.box == second.box
    assert first.tls.private_numbers() == second.tls.private_numbers()
    files = {one.name: one.stat().st_mode & 0o777 for one in (tmp_path / "new" / "identity").iterdir()}
    assert files == {"box.key": 0o600, "tls.key": 0o600}


def test_many_at_once_get_the_same_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found_ = list(pool.map(lambda _n: identity.own(tmp_path / "identity"), range(16)))
    assert len({one.box for one in found_}) == 1
    assert len({one.tls.private_numbers().private_value for one in found_}) == 1
    assert len(list((tmp_path / "identity").iterdir())) == 2


def test_a_box_without_a_hub_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="fieldbox link request"):
        identity.joined(tmp_path)


def test_a_box_that_joined_knows_its_hub(joined: Joined, hub: Home) -> None:
    again = identity.joined(joined.identity.folder)
    assert again.hub == hub.told
    assert again.expires_at == joined.expires_at
    told = json.loads((joined.identity.folder / "hub.json").read_text())
    assert set(told) == {"v", "hub", "host", "port", "key", "ca", "sms"}


def test_a_certificate_of_the_hub_before_is_not_tried_with_another(
    joined: Joined, hub: Home, tmp_path: Path
) -> None:
    folder = joined.identity.folder
    renewal.offer(folder, certificate(hub, joined.identity, NOW + timedelta(days=9)), NOW)
    assert renewal.credentials(joined)[1]
    other = found(tmp_path / "other", host="localhost", port=1, sms=None, now=NOW)
    there = identity.join_hub(
        joined.identity, identity.welcomed(joined.identity, welcome(other, joined.identity))
    )
    assert not renewal.credentials(there)[1]


def test_a_welcome_for_another_box_is_refused(joined: Joined, hub: Home, tmp_path: Path) -> None:
    other = identity.own(tmp_path / "other")
    with pytest.raises(Rejected, match=other.box):
        identity.welcomed(other, welcome(hub, joined.identity))
    with pytest.raises(Rejected, match="no welcome"):
        identity.welcomed(other, "nonsense")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_root_makes_is_the_services(hub: Home, tmp_path: Path) -> None:
    """People call `sudo fieldbox link join`; the service that reads the keys is no root."""
    os.chown(tmp_path, 54321, 54322)
    box = identity.own(tmp_path / "identity")
    identity.join_hub(box, identity.welcomed(box, welcome(hub, box)))
    made = [tmp_path / "identity", *(tmp_path / "identity").iterdir()]
    assert {(one.stat().st_uid, one.stat().st_gid) for one in made} == {(54321, 54322)}


def test_a_hubs_key_of_a_wrong_length_is_a_sentence(joined: Joined) -> None:
    file = joined.identity.folder / "hub.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"key": "AAAA"}))
    with pytest.raises(Misconfigured, match="join the hub again"):
        identity.joined(joined.identity.folder)


@pytest.mark.parametrize("name", ["box.key", "tls.key", "tls.crt", "hub.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\x00"])
def test_a_damaged_file_is_a_sentence(joined: Joined, name: str, content: bytes) -> None:
    (joined.identity.folder / name).write_bytes(content)
    with pytest.raises(Misconfigured):
        identity.joined(joined.identity.folder)


def test_a_lost_key_is_not_made_anew_behind_a_hubs_back(joined: Joined) -> None:
    (joined.identity.folder / "box.key").unlink()
    with pytest.raises(Misconfigured, match="missing"):
        identity.own(joined.identity.folder)


def test_renewal_is_asked_for_in_the_last_year(joined: Joined) -> None:
    end = joined.expires_at
    assert not joined.wants_renewal(end - timedelta(days=366))
    assert joined.wants_renewal(end - timedelta(days=364))
    assert joined.wants_renewal(end + timedelta(days=364))
