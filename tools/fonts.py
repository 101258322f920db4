"""Cut the fonts of the printed pages down to the scripts they are for.

    python tools/fonts.py FOLDER        # where NotoSans-Regular.ttf and the others lie

They are those of Debian's package fonts-noto-core (`apt-get download fonts-noto-core && dpkg -x *.deb .`). What shapes a
script (GSUB, GPOS, GDEF) is kept for all that is left of it; instructions for coarse screens are not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

OUT = Path(__file__).parents[1] / "fieldbox" / "summary" / "fonts"
JOINERS = "U+0020,U+00A0,U+200C,U+200D,U+25CC,U+2013"
"""A space, the joiners, the dotted circle and the dash: what stands between the letters of each script."""
SCRIPTS = {
    # Latin with the accents of Europe, punctuation, fractions, the rupee, arrows of comparison, the replacement character.
    "NotoSans": "U+0020-007E,U+00A0-017F,U+0192,U+0218-021B,U+02C6-02DD,U+0300-0304,U+0307-030C,U+0323-0328,"
    "U+1E00-1E99,U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032-2033,U+2039-203A,U+2044,U+20AC,"
    "U+20B9,U+2122,U+2212,U+2215,U+2264-2265,U+00BC-00BE,U+25CC,U+FFFD",
    "NotoSansDevanagari": f"{JOINERS},U+0900-097F,U+1CD0-1CF9,U+A8E0-A8FF",
    "NotoSansTamil": f"{JOINERS},U+0B80-0BFF,U+0964-0965",
    "NotoSansTelugu": f"{JOINERS},U+0C00-0C7F,U+0964-0965",
    "NotoSansKannada": f"{JOINERS},U+0C80-0CFF,U+0964-0965",
}


def cut(source: Path, target: Path, kept: str) -> int:
    """Write the part of a font that shows `kept` (ranges of code points); bytes written."""
    options = subset.Options(
        layout_features=["*"], layout_scripts=["*"], hinting=False, desubroutinize=True, notdef_outline=True,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], glyph_names=False, legacy_kern=False,
    )  # fmt: skip
    options.drop_tables += ["DSIG", "STAT", "meta"]
    font = TTFont(source, lazy=True, recalcTimestamp=False)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=subset.parse_unicodes(kept.replace("U+", "")))
    cutter.subset(font)
    font.save(target)
    return target.stat().st_size


def main() -> None:
    """Cut all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name, kept in SCRIPTS.items():
        for weight in ("Regular", "Bold"):
            size = cut(folder / f"{name}-{weight}.ttf", OUT / f"{name}-{weight}.ttf", kept)
            print(f"{name}-{weight}: {size / 1000:.0f} kB")  # noqa: T201


if __name__ == "__main__":
    main()
