"""The files that are shipped: two models with their metadata, and a listing of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import onnx
from onnx import helper

NAME, VERSION = "fieldbox-weeds", "3"
TEXTS = {"name", "version", "kind", "training_digest"}
"""Metadata that is plain text; all else is JSON."""


def describe(model: onnx.ModelProto, properties: dict[str, str]) -> None:
    """Set the metadata of a model file."""
    del model.metadata_props[:]
    helper.set_model_props(model, properties)
    model.producer_name, model.producer_version, model.doc_string = "fieldbox", VERSION, ""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(models: dict[str, onnx.ModelProto], properties: dict[str, str], out: Path) -> None:
    """Write `weeds.onnx`, `weeds-fp32.onnx` and `weeds.json`, each moved into place whole."""
    hashes = {}
    for name, model in models.items():
        describe(model, properties)
        partial = out / (name + ".part")
        onnx.save(model, str(partial))
        hashes[name] = sha256(partial)
        partial.replace(out / name)
    plain = {key: value if key in TEXTS else json.loads(value) for key, value in properties.items()}
    listing = json.dumps({"sha256": hashes, **plain}, indent=2, sort_keys=True)
    partial = out / "weeds.json.part"
    partial.write_text(listing + "\n")
    partial.replace(out / "weeds.json")
