"""A plan of cues on the page, as tests see and use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.support.audio import click_track, sine, write_audio
from tests.support.video import MadeShot, shapes, texture, write_video

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.support.service_process import Service

SCENES = [
    "mist rises over a still lake", "a ship fights a storm at night",
    "children dance at a birthday party", "rain on a window",
]  # fmt: skip
SHOT_FRAMES = 150
RATE = 25
SHOT_SECONDS = SHOT_FRAMES // RATE
SHOTS = 3
SAMPLE_RATE = 16_000
SIZE = (160, 90)
WISHES = {"change_cost": 0.0, "no_music": [[2 * SHOT_SECONDS, 3 * SHOT_SECONDS]]}
"""The plan is then: a track, another track, silence; each under one shot."""
AWAY = """() => {
  const film = document.querySelector('.screen video');
  const music = document.querySelector(`audio[data-cue="${CUE}"]`);
  if (!music || music.paused || film.paused || film.seeking || music.seeking) return null;
  return [film.currentTime, music.currentTime];
}"""


def write_music(folder: Path) -> None:
    """Four tracks, each named after a scene."""
    folder.mkdir()
    for number, scene in enumerate(SCENES):
        beats = click_track(bpm=80 + 20 * number, seconds=30, sample_rate=SAMPLE_RATE)
        wave = sine(300 + 50 * number, seconds=30, sample_rate=SAMPLE_RATE)
        wave = (0.5 * (wave + beats)).astype(np.float32)
        tags = {"title": scene, "artist": "Ada Vale"}
        path = folder / f"{number}.flac"
        write_audio(path, wave, sample_rate=SAMPLE_RATE, metadata=tags)


def write_cuts(folder: Path) -> None:
    """Two versions of a video, whose second shots differ, and captions."""
    looks = [shapes(1), texture(2, speed=0.02), shapes(3, speed=0.03)]
    hum = sine(200, seconds=SHOTS * SHOT_SECONDS, sample_rate=48_000, amplitude=0.05)
    for name, second in (("cut.mp4", looks[1]), ("cut2.mp4", shapes(9, speed=0.05))):
        shots = [MadeShot(look, SHOT_FRAMES) for look in (looks[0], second, looks[2])]
        write_video(folder / name, shots, size=SIZE, audio=hum)
    (folder / "cut.srt").write_text(
        "\n".join(
            f"{shot + 1}\n00:00:{shot * SHOT_SECONDS:02d},000 --> "
            f"00:00:{(shot + 1) * SHOT_SECONDS:02d},000\n{SCENES[shot]}\n"
            for shot in range(SHOTS)
        )
    )


def send(service: Service, data_dir: Path) -> str:
    """Have a plan made without the page; its address."""
    with (data_dir / "cut.mp4").open("rb") as video, (data_dir / "cut.srt").open("rb") as captions:
        answer = service.client.post(
            "/v1/cue-plans",
            files={"video": ("cut.mp4", video), "captions": ("cut.srt", captions)},
            data={"wishes": json.dumps(WISHES)},
        )
    assert answer.status_code == 202, answer.text
    where: str = answer.headers["location"]
    ended = service.ended(where)
    assert ended["status"] == "done", ended["error"]
    return where


def view_of(made: str) -> str:
    """Where the page shows a plan."""
    return f"/#/score/{made.rpartition('/')[2]}"


def shown(page: Page) -> Page:
    """A page as soon as it has a plan and its picture."""
    page.locator(".tl-block").first.wait_for()
    waits(page, "document.querySelector('.screen video').readyState > 2")
    return page


def cues_of(service: Service, made: str) -> list[dict[str, Any]]:
    cues: list[dict[str, Any]] = service.client.get(made).json()["plan"]["cues"]
    return cues


def changed(page: Page, what: str) -> None:
    """Wait until a change has been made and the page has said so."""
    waits(page, f"document.getElementById('live').textContent.endsWith({json.dumps(what)})")
    waits(page, "!document.querySelector('.score[aria-busy]')")
    page.evaluate("document.getElementById('live').textContent = ''")


def waits(page: Page, condition: str) -> None:
    """Wait until an expression is true in the page."""
    page.wait_for_function(f"() => {condition}")


def plays_past(page: Page, seconds: float) -> None:
    waits(page, f"document.querySelector('.screen video').currentTime > {seconds}")


def place_of(page: Page) -> Locator:
    return page.get_by_role("slider", name="Place in the video")


def button(page: Page, name: str) -> Locator:
    """A button of the panel of the chosen cue."""
    return page.locator(".cue-panel").get_by_role("button", name=name, exact=True)


def away(page: Page, cue: dict[str, Any]) -> float:
    """By how many seconds the music of a cue is away from the picture, once both play."""
    found = page.wait_for_function(AWAY.replace("${CUE}", cue["id"])).json_value()
    film, music = found
    wanted = cue["chosen"]["source_start_seconds"] + film - cue["start_seconds"]
    return abs(float(music) - float(wanted))
