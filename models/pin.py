"""Write the digests of the shipped model files into the package: `python -m models.pin`.

Every `*.onnx` beside this script is pinned. Afterwards `python -m models.golden` stores what they answer.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent
TARGET = FOLDER.parent / "fieldbox" / "_pins.py"


def text_of(files: list[Path]) -> str:
    """The module that pins these files."""
    lines = [f'    "{file.name}": "{hashlib.sha256(file.read_bytes()).hexdigest()}",' for file in files]
    head = '"""Digests of the shipped model files; made by `python -m models.pin`."""'
    return "\n".join([head, "", "SHA256: dict[str, str] = {", *lines, "}", ""])


def main() -> None:
    """Pin every ONNX file beside this script."""
    text = text_of(sorted(FOLDER.glob("*.onnx")))
    partial = TARGET.with_suffix(".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(TARGET)
    print(text)


if __name__ == "__main__":
    main()
