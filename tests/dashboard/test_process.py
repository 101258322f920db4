"""The web process stays small, and what it serves of others is what they shipped."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dashboard.demo_box import SURVEY, DemoBox
from tests.dashboard.test_pictures import ZOOM, tile_at

STATIC = Path(__file__).parents[2] / "web" / "static"
LIMIT_MIB = 150
SCRIPT = """
import sys
from pathlib import Path
from fieldbox.dashboard.app import create_app
from fieldbox.memory import MB, spare_memory
from fieldbox.storage.store import Store

spare_memory(MB // 4)
root = Path(sys.argv[1])
with Store.open(root / "fieldbox.db") as store:
    app = create_app(store, root, secret_key=bytes(16))
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/login", data={"name": "asha", "password": "correct horse"})
    for page in sys.argv[2:]:
        assert client.get(page).status_code == 200, page
heavy = {"cv2", "onnxruntime", "scipy", "rasterio.plot"} & set(sys.modules)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(status["VmRSS"].split()[0], *heavy)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc to measure memory")
def test_the_web_process_is_small_and_loads_no_model_runtime(demo: DemoBox) -> None:
    x, y, *_ = tile_at(378_610, 2_048_490)
    pages = ["/", f"/fields/{demo.field_id}", f"/flights/{demo.flight_id}", f"/api/v1/surveys/{SURVEY}/weeds"]
    pages += [f"/tiles/{SURVEY}/{key}/{ZOOM}/{x + i}/{y}" for key in ("mosaic", "health") for i in (0, 1)]
    pages += [f"/surveys/{SURVEY}/quality", f"/surveys/{SURVEY}/quality.svg"]
    pages += [
        f"/api/v1/surveys/{SURVEY}/footprints",
        f"/api/v1/surveys/{SURVEY}/holes",
        f"/api/v1/surveys/{SURVEY}/thin",
    ]
    pages += [f"/tiles/{SURVEY}/{key}/{ZOOM}/{x}/{y}" for key in ("plants", "position")]
    pages += [f"/surveys/{SURVEY}/still/{key}" for key in ("photo", "position", "health")]
    pages += [f"/surveys/{SURVEY}/here?lat=18.5234&lon=73.8499"]
    pages += [f"/photo/{demo.photo}/crop?x=9&y=9", f"/photo/{demo.photo}", f"/surveys/{SURVEY}/picture"]
    command = [sys.executable, "-c", SCRIPT, str(demo.root), *pages]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.split()
    assert answer[1:] == []
    assert int(answer[0]) < LIMIT_MIB * 1024


def test_vendored_files_are_unchanged() -> None:
    sums = dict(
        line.split("  ")[::-1] for line in (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines()
    )
    found = {
        path.relative_to(STATIC / "vendor").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (STATIC / "vendor").iterdir()
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == sums


def test_every_vendored_library_has_its_licence_and_is_named() -> None:
    readme = (STATIC / "vendor" / "README.md").read_text()
    for folder in (STATIC / "vendor").iterdir():
        if folder.is_dir():
            assert (folder / "LICENSE").stat().st_size > 500
            assert folder.name in readme
