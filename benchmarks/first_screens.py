"""Pictures of first screens for the documents: that of a simulated run and of one on England's files, alone and beside the page as it was before.

    python benchmarks/first_screens.py SIMULATED_RUN ENGLAND_RUN

A page as it was cannot be made again, so the left half of docs/before_now_*.png stays and the right half is drawn anew. Needs the extra `browser`.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parents[1] / "docs"
SIZE = (1280, 860)
HALF, HEAD = 780, 36  # pixels of the left half, and of the word above the page
NAMES = {"simulated": "report", "england": "report_england"}


def taken(page: Path) -> bytes:
    """The first screen as PNG, by a browser of this machine."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        shown.goto(page.resolve().as_uri())
        made = shown.screenshot()
        browser.close()
    return made


def beside(old: Path, screen: bytes) -> None:
    """The same picture with its right half drawn anew."""
    whole = Image.open(old).convert("RGB")
    left = HALF + 12
    now = Image.open(io.BytesIO(screen)).convert("RGB").resize((whole.width - left, (whole.width - left) * SIZE[1] // SIZE[0]), Image.Resampling.LANCZOS)
    whole.paste((255, 255, 255), (left, HEAD, whole.width, whole.height))
    whole.paste(now, (left, HEAD))
    whole.save(old, optimize=True)


if __name__ == "__main__":
    for (kind, name), run in zip(NAMES.items(), sys.argv[1:3], strict=True):
        screen = taken(Path(run) / "report.html")
        (DOCS / f"{name}.png").write_bytes(screen)
        beside(DOCS / f"before_now_{kind}.png", screen)
        print(kind, f"{(Path(run) / 'report.html').stat().st_size / 1000:.0f} kB")
