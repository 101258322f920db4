"""Draw the dashboard's icon (web/static/icon.svg) as the pictures that phones put on their first screens.

    python tools/icons.py        # needs Playwright and Chromium

A maskable one has its ground to the edge, and its drawing in the middle four fifths: each phone cuts its own shape.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).parents[1] / "web" / "static"
OUT = STATIC / "icons"
PAGE = "<style>*{{margin:0}}svg{{display:block;width:{0}px;height:{0}px}}</style>{1}"


def main() -> None:
    """Draw all of them."""
    drawing = (STATIC / "icon.svg").read_text()
    # The ground without round corners, the drawing smaller.
    inner = re.sub(r'rx="7"', "", drawing).replace('viewBox="0 0 32 32"', 'viewBox="-4 -4 40 40"')
    inner = inner.replace('<rect width="32" height="32"', '<rect x="-4" y="-4" width="40" height="40"')
    pictures = {
        "icon-192": (192, drawing),
        "icon-512": (512, drawing),
        "icon-180": (180, inner),
        "maskable-512": (512, inner),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (size, svg) in pictures.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(PAGE.format(size, svg))
            page.screenshot(path=OUT / f"{name}.png", omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
