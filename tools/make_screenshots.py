"""Pictures of the page for the documentation, of whatever library a service serves.

Score a video before, for the pictures of its plan.

musiscene --data-dir .demo serve &
python tools/make_screenshots.py http://127.0.0.1:8000 --out docs
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from typing import Literal

    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
FIND = "#/find?brief=rain+on+a+window%2C+she+reads+the+letter+again&without=drums&length=20"
PHONE = (360, 740)
DESK = (1280, 900)
STUDIO = (1440, 1000)
MOST_BYTES = 200_000
COLOURS = 160
"""Of pictures that would be larger."""
PICTURES: dict[str, tuple[str, tuple[int, int], Literal["light", "dark"]]] = {
    "page-find": (FIND, DESK, "light"),
    "page-find-dark": (FIND, DESK, "dark"),
    "page-library": ("#/library", DESK, "light"),
    "page-map-dark": ("#/map", DESK, "dark"),
    "page-make": ("#/make", DESK, "light"),
    "page-score": ("#/score/PLAN", STUDIO, "light"),
    "page-score-dark": ("#/score/PLAN", STUDIO, "dark"),
    "page-phone": ("#/track/ID", PHONE, "light"),
    "page-phone-dark": ("#/track/ID", PHONE, "dark"),
}
"""Name -> address in the page, size of the window, colour scheme."""
KEYS = dict.fromkeys(("page-score", "page-score-dark"), ("PageDown", "ArrowDown"))
"""Pressed on a plan's timeline before its picture is taken."""
DRAWN = """() => [...document.querySelectorAll('.loading, .waveform:not(.is-drawn)')]
  .every(one => one.getBoundingClientRect().top > innerHeight)"""


def take(browser: Browser, url: str, name: str, out: Path) -> Path:
    """Take one picture.

    Args:
        browser: To take it in.
        url: Of the service.
        name: Of the picture.
        out: Folder for it.

    Returns:
        Its path.
    """
    view, (width, height), scheme = PICTURES[name]
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, base_url=url
    )
    tracks = page.request.get("/v1/tracks", params={"limit": 1}).json()["tracks"]
    plans = page.request.get("/v1/cue-plans", params={"limit": 1}).json()["plans"]
    plan = plans[0]["id"] if plans else ""
    page.goto(f"/{view.replace('ID', tracks[0]['id']).replace('PLAN', plan)}")
    page.locator("h2, .row-track, canvas").first.wait_for()
    for key in KEYS.get(name, ()):
        page.get_by_role("slider", name="Place in the video").press(key)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_function(DRAWN)
    page.wait_for_load_state("networkidle")
    path = out / f"{name}.png"
    page.screenshot(path=path)
    page.close()
    if path.stat().st_size > MOST_BYTES:
        Image.open(path).convert("RGB").quantize(
            COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        ).save(path, optimize=True)
    return path


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of a running service")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--only", nargs="+", choices=sorted(PICTURES), default=list(PICTURES))
    asked = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for name in asked.only:
            path = take(browser, asked.url, name, asked.out)
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
        browser.close()


if __name__ == "__main__":
    main()
