"""Pack the fonts of the printed pages for browsers: one file a script and weight, which a phone fetches only if it has none.

    pip install fonttools brotli
    python tools/webfonts.py        # writes web/static/vendor/noto-sans-indic-1/ and web/static/css/fonts.css

The folder's name has a number: browsers keep these files for ever, so a change of theirs needs a new one (`FOLDER`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "fieldbox" / "summary" / "fonts"
STATIC = ROOT / "web" / "static"
FOLDER = "noto-sans-indic-1"
JOINERS = "U+200C-200D,U+25CC"
"""What stands between the letters of each script; spaces and digits are those of the phone's own font."""
SCRIPTS = {
    "Devanagari": f"U+0900-097F,{JOINERS}",
    "Tamil": f"U+0B80-0BFF,{JOINERS}",
    "Telugu": f"U+0C00-0C7F,{JOINERS}",
    "Kannada": f"U+0C80-0CFF,{JOINERS}",
}
OWN = {
    "Devanagari": ("Kohinoor Devanagari", "Nirmala UI", "Mangal", "Lohit Devanagari"),
    "Tamil": ("Tamil Sangam MN", "Nirmala UI", "Latha", "Lohit Tamil"),
    "Telugu": ("Kohinoor Telugu", "Nirmala UI", "Gautami", "Lohit Telugu"),
    "Kannada": ("Kannada Sangam MN", "Nirmala UI", "Tunga", "Lohit Kannada"),
}
"""Fonts of phones and computers that show the script as well: of iOS, Windows, older Windows, Linux."""
WEIGHTS = {"Regular": "400 500", "Bold": "600 900"}
HEAD = """/* Letters of India, for phones that have none of their own: local() comes first, and a page without such letters
   loads nothing. Written by tools/webfonts.py. */
"""
FACE = """@font-face {{
  font-family: "Box {script}"; font-weight: {weight}; font-display: swap; unicode-range: {kept};
  src: {local}, url("../vendor/{folder}/{file}") format("woff2");
}}
"""


def pack(script: str, weight: str) -> int:
    """Write one file; its bytes."""
    options = subset.Options(
        layout_features=["*"], layout_scripts=["*"], hinting=False, notdef_outline=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
        glyph_names=False, legacy_kern=False, flavor="woff2",
    )  # fmt: skip
    font = TTFont(SOURCE / f"NotoSans{script}-{weight}.ttf", recalcTimestamp=False)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=subset.parse_unicodes(SCRIPTS[script].replace("U+", "")))
    cutter.subset(font)
    font.flavor = "woff2"
    target = STATIC / "vendor" / FOLDER / file_of(script, weight)
    font.save(target)
    return target.stat().st_size


def file_of(script: str, weight: str) -> str:
    """The name of a packed file."""
    return f"{script.lower()}-{weight.lower()}.woff2"


def face(script: str, weight: str) -> str:
    """The rule that a stylesheet needs for it. Android knows its fonts by their full and their PostScript names."""
    noto = f"Noto Sans {script}"
    ending = "" if weight == "Regular" else f" {weight}"
    names = [
        f"{noto}{ending}",
        f"{noto} {weight}",
        f"NotoSans{script}-{weight}",
        f"NotoSans{script}UI-{weight}",
    ]
    names += [f"{own}{ending}" for own in OWN[script]]
    local = ", ".join(f'local("{name}")' for name in dict.fromkeys(names))
    return FACE.format(
        script=script,
        weight=WEIGHTS[weight],
        kept=SCRIPTS[script].replace(",", ", "),
        local=local,
        folder=FOLDER,
        file=file_of(script, weight),
    )


def main() -> None:
    """Pack all of them."""
    folder = STATIC / "vendor" / FOLDER
    folder.mkdir(exist_ok=True)
    shutil.copy(SOURCE / "OFL.txt", folder / "LICENSE")
    pairs = [(script, weight) for script in SCRIPTS for weight in WEIGHTS]
    for script, weight in pairs:
        print(f"{script} {weight}: {pack(script, weight) / 1000:.0f} kB")  # noqa: T201
    (STATIC / "css" / "fonts.css").write_text(HEAD + "".join(face(*pair) for pair in pairs))


if __name__ == "__main__":
    main()
