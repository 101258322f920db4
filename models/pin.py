"""Write the digests of the shipped model files into the package: `python -m models.pin`."""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent
TARGET = FOLDER.parent / "fieldbox" / "_pins.py"


def main() -> None:
    """Pin every ONNX file beside this script."""
    files = sorted(FOLDER.glob("*.onnx"))
    lines = [f'    "{file.name}": "{hashlib.sha256(file.read_bytes()).hexdigest()}",' for file in files]
    text = [
        '"""Digests of the shipped model files; made by `python -m models.pin`."""',
        "",
        "SHA256: dict[str, str] = {",
        *lines,
        "}",
        "",
    ]
    TARGET.write_text("\n".join(text), encoding="utf-8")
    print(TARGET.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
