"""A model from outside that is refused costs no flight: the shipped one maps it, and the survey says so."""

from __future__ import annotations

from pathlib import Path

from tests.path.box import Box
from tests.path.conftest import Flown


def test_the_flight_is_mapped_with_the_shipped_model(box: Box, flown: Flown, tmp_path: Path) -> None:
    usb = tmp_path / "retrained.onnx"
    usb.write_bytes(b"cut off")
    outside = box.with_settings(models__weeds=str(usb))
    (survey,) = outside.mapped(flown[0])["surveys"]
    assert survey["release"].startswith("fieldbox-weeds@")
    assert survey["weed_count"] > 0
    place, reason = survey["warnings"][:2]
    assert "was refused" in place
    assert "retrained.onnx has no signature" in reason
    status = outside.run("status", "--json").json
    assert any("retrained.onnx" in line for line in status["warnings"])
    assert box.run("status", "--json").json["warnings"] == []
