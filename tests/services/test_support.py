"""The support file tells how a box does, and nothing of the farm and its people."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from fieldbox.cli import main
from fieldbox.config import BoxConfig, Config, SmsConfig, StorageConfig, SyncConfig
from fieldbox.domain import KeepOff, LinkDoing, LinkState, NewText, Right, Vital
from fieldbox.i18n import Sentence
from fieldbox.services import logbook
from fieldbox.services.support import Support
from fieldbox.services.watching import Watch
from fieldbox.storage.engine import Database
from fieldbox.storage.store import Store, utc_now
from tests.dashboard.demo_box import NASTY, SURVEY, DemoBox, lat_lon, make_box
from tests.services.machines import put, raspberry

NOW = datetime.now(UTC)
NUMBER, HUB = "+919812345678", "+918800112233"
FARM, PERSON, LAKE, MODEM, STICK = "Hill Farm", "Sunita Pawar", "Old Lake", "airtel-farm", "SUNITAS CARD"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaGVkcGFzc3dvcmQ"
KEY = "fbx_" + secrets.token_urlsafe(24)
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGhhcmRseSBhIHNlY3JldA\n-----END PRIVATE KEY-----"


@dataclass(frozen=True)
class Filled:
    """A box with all that nobody else may know."""

    demo: DemoBox
    config: Config
    support: Support

    def files(self, language: str = "en") -> dict[str, str]:
        """The support file's files."""
        whole = b"".join(self.support.zipped(language))
        with zipfile.ZipFile(io.BytesIO(whole)) as found:
            assert found.testzip() is None
            return {name: found.read(name).decode() for name in found.namelist()}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    root = tmp_path_factory.mktemp("box")
    demo = make_box(root)
    store = demo.store
    config = Config(
        storage=StorageConfig(root=root),
        box=BoxConfig(name=FARM),
        sms=SmsConfig(send="alerts", numbers=NUMBER, hub_number=HUB),
        sync=SyncConfig(modem_connection=MODEM),
    )
    fill(store, root, demo)
    say_all(config)
    watch = Watch(config, store, raspberry(tmp_path_factory.mktemp("machine")))
    watch.walk()
    yield Filled(demo, config, Support(config, store, watch))
    store.close()


def fill(store: Store, root: Path, demo: DemoBox) -> None:
    """People, keys, texts, ground that is kept off, work that failed."""
    person = store.add_user(PERSON, HASH, "owner")
    store.add_token(hashlib.sha256(KEY.encode()).hexdigest(), f"{PERSON}'s laptop", person.id, {Right.READ})
    store.audit(PERSON, "field renamed", f"{demo.field_id}: North plot {NASTY} → {FARM}")
    store.audit("asha", "support file made", "")
    store.audit("cli", "spraying", "F1")
    lake = KeepOff(LAKE, (((74.1, 18.5), (74.2, 18.5), (74.2, 18.6)),), 5.0)
    store.spray(demo.field_id, replace(store.spraying(demo.field_id), keep_off=(lake,)))
    store.end_ingest(store.begin_ingest(f"/media/{STICK}"), 0)
    store.write_text(NewText(NUMBER, f"Weeds on North plot {NASTY}", "key"))
    job = store.enqueue(demo.flight_id, release_sha="cd" * 32)
    assert store.claim() is not None
    why = Sentence("The photo {name} of {who} cannot be read.", {"name": f"DCIM/{NASTY}.JPG", "who": PERSON})
    store.fail(job, why, retry_at=None)
    told = Sentence(
        "The {link} has used {used} of its {budget} MB.", {"link": MODEM, "used": "1", "budget": "2"}
    )
    store.keep_link_state(LinkState(NOW, LinkDoing.WAITING, told, notes=(told,)))
    store.set_setting("web.secret_key", "5ec4e7" * 8)
    for hour in range(24 * 20):
        at = NOW - timedelta(hours=hour)
        store.keep_vital(Vital(at, 55.0, False, False, 10**11 + hour, 10**12, 4 * 10**9, 0.2))
    put(root / "identity" / "box.key", PEM)
    put(root / "drop" / f"{PERSON} {FARM}" / "notes.txt", NUMBER)


def say_all(config: Config) -> None:
    """Logs as a careless service would write them."""
    log = structlog.get_logger()
    lat, lon = lat_lon(378_610, 2_048_490)
    with logbook.kept(config, "intake"):
        log.info("takes in", way="card", name=STICK)
        log.warning(
            "not taken in",
            way="drop",
            name=FARM,
            reason=f"{PERSON}'s {NASTY}.JPG in /media/{STICK}/DCIM is damaged",
        )
        log.info(f"text from {NUMBER}", why=f"{NUMBER} said OK on {FARM}", body="see you at the lake")
        log.info("placed", lat=lat, lon=lon, at=f"{lat:.6f}, {lon:.6f}", where=lat)
        log.info("key", authorization=f"Bearer {KEY}", told=KEY, secret="x", why=HASH)  # noqa: S106  a test's
        try:
            raise ValueError(f"{PERSON} gave {PEM} for {NUMBER}")
        except ValueError:
            log.exception("fault while taking in", way="card", name=STICK)


def test_nothing_that_is_personal_or_secret_is_in_it(filled: Filled) -> None:
    lat, lon = lat_lon(378_610, 2_048_490)
    whole = "\n".join(f"{name}\n{text}" for name, text in filled.files().items()).lower()
    secrets_of_it = [
        *(NUMBER, NUMBER[1:], NUMBER[3:], HUB, HUB[1:]),
        *(
            FARM,
            PERSON,
            "sunita",
            "pawar",
            LAKE,
            MODEM,
            STICK,
            "asha",
            "north plot",
            NASTY,
            "script>",
            "dji_0001",
        ),
        *(
            HASH,
            "argon2",
            KEY,
            KEY[4:20],
            hashlib.sha256(KEY.encode()).hexdigest(),
            "begin private",
            "mc4caq",
        ),
        *("5ec4e7", f"{lat:.3f}", f"{lon:.3f}", "see you at the lake", filled.demo.flight_id, SURVEY),
        *(filled.demo.photo, "notes.txt", str(filled.demo.root).lower()),
    ]
    found = [one for one in secrets_of_it if one.lower() in whole]
    assert found == []


def test_it_tells_how_the_box_does(filled: Filled) -> None:
    files = filled.files()
    assert {"README.txt", "box.json", "settings.json", "health.csv", "services.json", "database.json"} <= set(
        files
    )
    assert {
        "work.json",
        "people.json",
        "messages.json",
        "models.json",
        "files.csv",
        "log-intake.jsonl",
    } <= set(files)
    box = json.loads(files["box.json"])
    assert box["reading"]["vital"]["temperature_c"] == 61.25 and box["used"]["files"] > 5
    assert box["reading"]["strained"] == {"weak power": False}
    database = json.loads(files["database.json"])
    assert (database["revision"], database["problems"]) == ("0016", [])
    assert database["rows"]["surveys"] == 1 and database["rows"]["users"] == 1
    (work,) = json.loads(files["work.json"])
    assert (work["flight"], work["state"], work["photos"]) == ("flight-1", "failed", 3)
    assert work["reason"] == "The photo {name} of {who} cannot be read."
    models = {one["kind"]: one for one in json.loads(files["models.json"])}
    assert models["weeds"]["runs"] and len(models["weeds"]["sha256"]) == 64
    assert json.loads(files["messages.json"])["messages"]["waiting"] == 1


def test_people_are_told_apart_and_not_named(filled: Filled) -> None:
    found = [(one["who"], one["did"]) for one in json.loads(filled.files()["people.json"])]
    assert ("cli", "spraying") in found
    assert ("person-1", "support file made") in found and ("person-2", "field renamed") in found


def test_health_is_told_for_two_weeks(filled: Filled) -> None:
    rows = list(csv.DictReader(io.StringIO(filled.files()["health.csv"])))
    assert 14 * 24 - 2 <= len(rows) <= 14 * 24 + 1
    assert rows[-1]["temperature_c"] == "55.0" and rows[0]["disk_free"].startswith("1000")


def test_settings_are_told_as_far_as_they_are_nobodys_secret(filled: Filled) -> None:
    settings = json.loads(filled.files()["settings.json"])
    assert (settings["sms.send"], settings["storage.reserve_mb"]) == ("alerts", 512)
    assert settings["sms.numbers"] == settings["box.name"] == settings["sync.modem_connection"] == "set"
    assert settings["models.weeds"] == "as shipped"


def test_the_log_says_what_happened(filled: Filled) -> None:
    lines = [json.loads(one) for one in filled.files()["log-intake.jsonl"].splitlines()]
    events = [one["event"] for one in lines]
    assert events[0] == "fault while taking in" and "takes in" in events
    assert "test_support.py" in lines[0]["trace"] and "ValueError" in lines[0]["trace"]
    refused = next(one for one in lines if one["event"] == "not taken in")
    assert refused["way"] == "drop" and "is damaged" in refused["reason"]


def test_files_are_told_by_size_and_not_by_name(filled: Filled) -> None:
    rows = list(csv.DictReader(io.StringIO(filled.files()["files.csv"])))
    kinds = {(one["folder"], one["kind"]) for one in rows}
    assert {("originals", ".jpg"), ("rasters", ".tif"), ("drop", ".txt"), ("", ".db")} <= kinds
    assert all(len(one["name"]) == 16 for one in rows)
    assert sum(int(one["bytes"]) for one in rows) > 10_000


def test_it_says_what_it_holds_in_the_language_of_who_makes_it(filled: Filled) -> None:
    assert "no photo and no map" in filled.files("en")["README.txt"]


def test_a_box_that_is_not_well_still_gives_one(filled: Filled, tmp_path: Path) -> None:
    gone = replace(filled.config, storage=StorageConfig(root=tmp_path / "gone"))
    watch = Watch(gone, filled.demo.store, raspberry(tmp_path / "machine"))
    broken = replace(filled, support=Support(gone, filled.demo.store, watch))
    files = broken.files()
    assert "could not be read" in files["box.json"]
    assert json.loads(files["work.json"])


def test_a_damaged_database_still_gives_one_without_what_cannot_be_masked(
    filled: Filled, tmp_path: Path
) -> None:
    root = tmp_path / "box"
    filled.demo.store.backup(tmp_path / "copy.db")
    put(root / "logs" / "web.jsonl", (filled.demo.root / "logs" / "intake.jsonl").read_text())
    content = bytearray((tmp_path / "copy.db").read_bytes())
    content[4096 * 2 :] = b"\xa5" * (len(content) - 4096 * 2)
    (root / "fieldbox.db").write_bytes(content)
    config = replace(filled.config, storage=StorageConfig(root=root))
    with closing(Store(Database(root / "fieldbox.db"), utc_now)) as store:
        support = Support(config, store, Watch(config, store, raspberry(tmp_path / "machine")))
        files = replace(filled, support=support).files()
    assert json.loads(files["box.json"])["reading"]["vital"]["temperature_c"] == 61.25
    for name in ("people.json", "work.json", "health.csv", "log-web.jsonl"):
        assert "could not be read" in files[name], name
    assert "fault while" not in files["log-web.jsonl"]


def test_the_command_line_writes_the_same_file(filled: Filled, tmp_path: Path) -> None:
    out = tmp_path / "support.zip"
    done = CliRunner().invoke(
        main, ["support", "-o", str(out)], env={"FIELDBOX_STORAGE__ROOT": str(filled.demo.root)}
    )
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(out) as found:
        assert "README.txt" in found.namelist()
    assert filled.demo.store.audits(1)[0].action == "support file made"
    refused = CliRunner().invoke(
        main,
        ["support", "-o", str(tmp_path / "no" / "where.zip")],
        env={"FIELDBOX_STORAGE__ROOT": str(filled.demo.root)},
    )
    assert refused.exit_code == 1 and "name another place" in refused.output
