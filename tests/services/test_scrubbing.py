"""What is taken out of a text before strangers read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldbox.config import BoxConfig, Config, StorageConfig
from fieldbox.services import support
from fieldbox.services.scrubbing import Scrubber
from fieldbox.services.support import Support
from fieldbox.services.watching import Watch
from fieldbox.storage.store import Store


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(storage=StorageConfig(root=tmp_path), box=BoxConfig(name="Pawar farm"))


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.database) as opened:
        yield opened


@pytest.fixture
def scrubber(config: Config, store: Store) -> Scrubber:
    store.add_user("Sunita Pawar", "hash", "owner")
    return Scrubber(config, store)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("taken by Sunita Pawar today", "taken by … today"),
        ("SUNITA PAWAR's box, Pawar farm", "…'s box, …"),
        ("Sunita Pawarkar", "Sunita Pawarkar"),
        ("DJI_0001.JPG is damaged", "(file) is damaged"),
        ("a.jpg.b.tif-x", "(file)-x"),
        ("a .jpgs file", "a .jpgs file"),
        ("in /media/stick/DCIM, so", "in /…, so"),
        ("key a=b, mail x@y.z <b>", "key … mail … …"),
        ("1 of 2 photos, 3.5 m", "1 of 2 photos, 3.5 m"),
    ],
)
def test_what_is_personal_is_taken_out_and_the_rest_stays(scrubber: Scrubber, text: str, left: str) -> None:
    assert scrubber.text(text) == left


def test_a_very_long_text_is_not_told_as_half_a_name_could_be_left_of_it(scrubber: Scrubber) -> None:
    long = "x " * 495 + "Sunita Pawar"
    assert scrubber.text(long) == "(1002 letters)"
    assert scrubber.told({"reason": long, "way": "card"}) == {"reason": "(1002 letters)", "way": "card"}


def test_a_box_that_knows_no_names_takes_out_no_word(store: Store) -> None:
    bare = Config(box=BoxConfig(name=""))
    assert Scrubber(bare, store).text("photos are taken in") == "photos are taken in"


def test_a_support_file_asks_once_what_is_personal(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Config] = []

    class Counted(Scrubber):
        def __init__(self, config: Config, store: Store) -> None:
            made.append(config)
            super().__init__(config, store)

    monkeypatch.setattr(support, "Scrubber", Counted)
    logs = config.storage.root / "logs"
    logs.mkdir()
    for service in ("web", "sync", "worker"):
        (logs / f"{service}.jsonl").write_text("")
    assert b"".join(Support(config, store, Watch(config, store)).zipped())
    assert len(made) == 1
