"""What the page computes of a plan by itself, held against what the library computes."""

from __future__ import annotations

import threading
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

import service
from indexer.spotting.cue_plan import Cue, Duck
from indexer.spotting.preview.levels import level_points
from musiscene.video.timecode import parse_timecode, to_timecode
from tests.support.browser import chromium, watched_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = pytest.mark.integration

RATES = [
    ("24000/1001", "00:00:00:00"), ("25", "01:00:00:00"), ("30000/1001", "00:00:00;00"),
    ("30000/1001", "00:00:00:00"), ("60000/1001", "00:59:59;00"),
]  # fmt: skip


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page beside the modules of the service's page, without a service."""
    folder = str(Path(service.__file__).parent)
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=folder)) as server,
        chromium() as browser,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with watched_page(browser, url, allowed=("404",), start="/web/") as opened:
            yield opened
        server.shutdown()


class TestNumbers:
    def test_levels_are_those_of_the_preview(self, page: Page):
        duck = Duck(start_seconds=4.0, end_seconds=6.0, gain_db=-9.0)
        cue = Cue(
            id="c1", kind="track", start_frame=50, end_frame=250, start_seconds=2.0,
            end_seconds=10.0, first_scene=0, last_scene=0, fade_in_seconds=1.0,
            fade_out_seconds=2.0, gain_db=-3.0, ducks=(duck,),
        )  # fmt: skip
        times = np.linspace(2.0, 9.99, 60)
        points = np.array(level_points(cue))
        level = 10 ** (np.interp(times, points[:, 0], points[:, 1]) / 20)
        fades = [np.clip((times - 2.0) / 1.0, 0, 1), np.clip((10.0 - times) / 2.0, 0, 1)]
        wanted = level * np.prod([np.sin(np.pi / 2 * one) for one in fades], axis=0)
        found = page.evaluate(
            """async ([cue, times]) => {
              const { gainAt } = await import("/web/page/spotting-mix.js");
              return times.map((at) => gainAt(cue, at));
            }""",
            [msgspec.to_builtins(cue), times.tolist()],
        )
        assert np.allclose(found, wanted, atol=1e-6)

    def test_timecodes_are_those_of_the_exports(self, page: Page):
        frames = [0, 1, 29, 1799, 1800, 3597, 3600, 17981, 17982, 17983, 107_892, 215_784]
        for rate, start in RATES:
            codes, back = page.evaluate(
                """async ([frame_rate, start_timecode, frames]) => {
                  const { frameClock } = await import("/web/page/timecode.js");
                  const clock = frameClock({ frame_rate, start_timecode });
                  const codes = frames.map((frame) => clock.code(frame));
                  return [codes, codes.map((code) => clock.parse(code))];
                }""",
                [rate, start, frames],
            )
            fps = Fraction(rate)
            first, drops = parse_timecode(start, fps)
            wanted = [to_timecode(frame, fps, drop_frame=drops, start=first) for frame in frames]
            assert (codes, back) == (wanted, frames), rate
