"""Scoring a video on the page: a real video, server and worker; only the models are made up."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import chromium, violations, watched_page
from tests.support.score_page import (
    RATE,
    SCENES,
    SHOT_FRAMES,
    SHOT_SECONDS,
    SHOTS,
    away,
    button,
    changed,
    cues_of,
    place_of,
    plays_past,
    send,
    shown,
    view_of,
    waits,
    write_cuts,
    write_music,
)
from tests.support.service_process import Process, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.integration

IN_STEP_SECONDS = 0.1
ALLOWED = ("409 (Conflict)", "400 (Bad Request)")
"""What the browser itself says of an answer that a test asks for."""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of four tracks; beside it a video of three shots, and their captions."""
    folder: Path = tmp_path_factory.mktemp("library")
    write_music(folder / "music")
    with Process(folder, "index", str(folder / "music")) as first:
        write_cuts(folder)
        assert first.process.wait(120) == 0, (folder / "processes.log").read_text()
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def service(browser: Browser, data_dir: Path) -> Iterator[Service]:  # noqa: ARG001  skips first
    settings = {"MUSISCENE_LIBRARY_ROOTS": str(data_dir / "music")}
    with (
        Service(data_dir, "--no-worker", settings=settings) as opened,
        Process(data_dir, "work"),
    ):
        yield opened.ready()


@pytest.fixture(scope="module")
def url(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}"


@pytest.fixture(scope="module")
def made(service: Service, data_dir: Path) -> str:
    """The address of a plan that all tests share."""
    return send(service, data_dir)


@pytest.fixture
def page(browser: Browser, url: str, made: str) -> Iterator[Page]:
    """A page that shows the shared plan."""
    with watched_page(browser, url, allowed=ALLOWED, start=view_of(made)) as opened:
        yield shown(opened)


class TestSending:
    def test_a_video_that_is_dropped_becomes_a_plan(
        self, browser: Browser, url: str, data_dir: Path
    ):
        film = base64.b64encode((data_dir / "cut.mp4").read_bytes()).decode()
        with watched_page(browser, url) as page:
            page.get_by_role("link", name="Score", exact=True).click()
            button = page.get_by_role("button", name="Score it")
            assert button.is_disabled()
            page.locator(".drop").evaluate(
                """(zone, film) => {
                  const bytes = Uint8Array.from(atob(film), (one) => one.charCodeAt(0));
                  const dataTransfer = new DataTransfer();
                  dataTransfer.items.add(new File([bytes], "harbour.mp4", { type: "video/mp4" }));
                  zone.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
                }""",
                film,
            )
            page.get_by_label("What is it about?").fill("a harbour")
            page.get_by_text("Captions, stretches without music, filters").click()
            page.get_by_label("Captions, subtitles or markers").set_input_files(
                data_dir / "cut.srt"
            )
            silent = page.get_by_label(re.compile("No music from"))
            silent.fill("0:12 and on")
            button.click()
            assert "0:00-0:12" in silent.evaluate("one => one.validationMessage")
            silent.fill("0:12-0:18")
            page.get_by_label("Music changes").fill("0")
            button.click()
            page.get_by_role("article", name="Plan for harbour.mp4").wait_for()
            page.locator(".tl-block").first.wait_for()
            assert page.get_by_role("heading", level=1).inner_text() == "harbour.mp4"
            assert page.locator(".tl-caption").all_inner_texts() == SCENES[:SHOTS]
            blocks = page.locator(".tl-block")
            assert "Silence" in (blocks.last.get_attribute("aria-label") or "")
            waits(
                page,
                "getComputedStyle(document.querySelector('.tl-strip')).backgroundImage"
                ".includes('keyframes/0')",
            )
            page.locator(".tl-wave path").first.wait_for(state="attached")

    def test_what_is_no_video_says_so_and_is_deleted_once_a_person_means_it(
        self, browser: Browser, url: str, service: Service
    ):
        with watched_page(browser, url, start="/#/score") as page:
            page.locator("#score-video").set_input_files(
                {"name": "letter.mp4", "mimeType": "video/mp4", "buffer": b"Dear Ada,"}
            )
            page.get_by_role("button", name="Score it").click()
            page.locator(".job .complaint").wait_for()
            made = f"/v1/cue-plans/{page.url.rpartition('/')[2]}"
            page.get_by_role("link", name="All videos").click()
            delete = page.get_by_role("button", name="Delete letter.mp4")
            delete.click()
            page.get_by_role("button", name="Keep it").click()
            assert service.client.get(made).json()["status"] == "failed"
            delete.click()
            page.get_by_role("dialog").get_by_role("button", name="Delete").click()
            delete.wait_for(state="detached")
        assert service.client.get(made).status_code == 404

    def test_sending_is_cancelled(self, browser: Browser, url: str, data_dir: Path):
        with watched_page(browser, url) as page:
            page.route(
                "**/v1/cue-plans", lambda route: None if is_post(route) else route.continue_()
            )
            page.goto("/#/score")
            page.locator("#score-video").set_input_files(data_dir / "cut.mp4")
            page.get_by_role("button", name="Score it").click()
            page.get_by_role("button", name="Cancel", exact=True).click()
            page.get_by_text("Sending was cancelled.").wait_for()
            assert page.get_by_role("button", name="Score it").is_enabled()


def is_post(route: Any) -> bool:  # noqa: ANN401  Playwright's
    return bool(route.request.method == "POST")


class TestPlaying:
    def test_music_is_in_step_with_the_picture_also_after_a_seek(
        self, page: Page, service: Service, made: str
    ):
        first, second, _ = cues_of(service, made)
        page.locator(".transport .play").click()
        plays_past(page, 0.5)
        assert away(page, first) < IN_STEP_SECONDS
        slider = place_of(page)
        slider.press("ArrowDown")
        slider.press("Shift+ArrowRight")
        plays_past(page, second["start_seconds"] + 1.5)
        assert away(page, second) < IN_STEP_SECONDS
        assert page.locator(f'audio[data-cue="{first["id"]}"]').count() == 0
        page.get_by_role("combobox", name="Speed").select_option("2")
        page.wait_for_timeout(700)
        assert away(page, second) < IN_STEP_SECONDS
        page.locator("h1").click()
        page.keyboard.press("Space")
        waits(page, "document.querySelector('.screen video').paused")
        waits(page, "[...document.querySelectorAll('audio')].every(one => one.paused)")

    def test_a_cue_begins_in_step(self, page: Page, service: Service, made: str):
        second = cues_of(service, made)[1]
        slider = place_of(page)
        slider.press("ArrowDown")
        slider.press("Shift+ArrowLeft")
        page.locator(".transport .play").click()
        plays_past(page, second["start_seconds"])
        assert away(page, second) < IN_STEP_SECONDS

    def test_the_playhead_goes_by_frames_and_cuts_and_the_pointer(self, page: Page):
        slider = place_of(page)
        for key, frame in (
            ("ArrowRight", 1), ("Shift+ArrowRight", 1 + RATE), ("ArrowDown", SHOT_FRAMES),
            ("ArrowLeft", SHOT_FRAMES - 1), ("ArrowUp", 0),
        ):  # fmt: skip
            slider.press(key)
            waits(page, f"document.querySelector('.tl-ruler').ariaValueNow === '{frame}'")
        box = slider.bounding_box() or {"width": 0.0}
        slider.click(position={"x": box["width"] / 2, "y": 8})
        middle = SHOTS * SHOT_FRAMES / 2
        waits(page, f"Math.abs(document.querySelector('.tl-ruler').ariaValueNow - {middle}) < 3")
        assert page.locator(".places").inner_text().startswith("00:00:0")

    def test_another_track_is_tried_in_place_and_nothing_is_changed(
        self, page: Page, service: Service, made: str
    ):
        before = service.client.get(made).json()
        second = before["plan"]["cues"][1]
        page.locator(".tl-block").nth(1).click()
        other = second["alternatives"][0]
        page.get_by_role("button", name=f"Try {other['track']['title']} in place").click()
        page.get_by_text("Trying").wait_for()
        assert away(page, second | {"chosen": other}) < IN_STEP_SECONDS
        page.get_by_role("button", name="Pause").click()
        page.get_by_text("Trying").wait_for(state="hidden")
        assert service.client.get(made).json()["revision"] == before["revision"]


class TestChanging:
    def test_swap_and_undo(self, page: Page, service: Service, made: str):
        before = cues_of(service, made)[0]
        page.locator(".tl-block").first.click()
        other = before["alternatives"][0]["track"]
        page.get_by_role("button", name=f"Swap in {other['title']}").click()
        changed(page, "swap")
        assert cues_of(service, made)[0]["chosen"]["track"]["id"] == other["id"]
        assert page.locator(".cue-head h2").inner_text() == other["title"]
        page.get_by_role("button", name="Undo").click()
        changed(page, "the last change")
        after = cues_of(service, made)[0]["chosen"]
        assert after["track"] == before["chosen"]["track"]
        assert after["source_start_seconds"] == before["chosen"]["source_start_seconds"]
        assert page.get_by_role("button", name="Undo").is_disabled()

    def test_a_pinned_cue_cannot_be_trimmed_or_swapped(
        self, page: Page, service: Service, made: str
    ):
        page.locator(".tl-block").first.click()
        pin = button(page, "Pin")
        pin.click()
        changed(page, "pin")
        assert cues_of(service, made)[0]["is_pinned"]
        assert page.evaluate("document.activeElement.dataset.part") == "pin"
        assert page.get_by_label("In", exact=True).is_disabled()
        assert page.get_by_role("button", name=re.compile("^Swap in")).first.is_disabled()
        assert page.get_by_role("slider", name="Start of cue 1").count() == 0
        pin.click()
        changed(page, "unpin")
        assert not cues_of(service, made)[0]["is_pinned"]

    def test_trims_by_field_keyboard_and_pointer(self, page: Page, service: Service, made: str):
        page.locator(".tl-block").first.click()
        out = page.get_by_label("Out", exact=True)
        out.fill("00:00:05:00")
        out.press("Enter")
        changed(page, "end of the cue")
        assert cues_of(service, made)[0]["end_frame"] == 5 * RATE
        end = page.get_by_role("slider", name="End of cue 1")
        end.press("ArrowRight")
        end.press("Shift+ArrowRight")
        changed(page, "end of the cue")
        assert cues_of(service, made)[0]["end_frame"] == 5 * RATE + 11
        box = end.bounding_box() or {"x": 0.0, "y": 0.0, "width": 0.0, "height": 0.0}
        ruler = place_of(page).bounding_box() or {"x": 0.0, "width": 0.0}
        cut = ruler["x"] + ruler["width"] / SHOTS
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(cut + 4, box["y"] + 20, steps=4)
        assert page.locator(".tl-bubble:visible").inner_text().endswith("cut")
        page.mouse.up()
        changed(page, "end of the cue")
        assert [cue["end_frame"] for cue in cues_of(service, made)] == [150, 300, 450]

    def test_the_track_slips_under_the_cue(self, page: Page, service: Service, made: str):
        before = cues_of(service, made)[0]["chosen"]["source_start_seconds"]
        page.locator(".tl-block").first.click()
        box = page.locator(".tl-block").first.bounding_box() or {"x": 0.0, "y": 0.0, "width": 0.0}
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 60, steps=4)
        page.mouse.up()
        changed(page, "in point")
        after = cues_of(service, made)[0]["chosen"]["source_start_seconds"]
        assert after == pytest.approx(before + SHOT_SECONDS / 4, abs=0.1)
        source = page.get_by_label("Track from (s)")
        source.fill(str(before))
        source.press("Enter")
        changed(page, "in point")
        assert cues_of(service, made)[0]["chosen"]["source_start_seconds"] == before

    def test_mute_usage_and_silence_are_taken_back(self, page: Page, service: Service, made: str):
        page.locator(".tl-block").nth(1).click()
        button(page, "Mute").click()
        changed(page, "mute")
        assert cues_of(service, made)[1]["is_muted"]
        assert page.locator(".tl-cue.is-muted").count() == 1
        page.get_by_label("Usage on the cue sheet").select_option("theme")
        changed(page, "usage")
        button(page, "Silence").click()
        changed(page, "silence")
        assert cues_of(service, made)[1]["kind"] == "silence"
        for _ in range(3):
            page.get_by_role("button", name="Undo").click()
            changed(page, "the last change")
        cue = cues_of(service, made)[1]
        assert (cue["kind"], cue["usage"], cue["is_muted"]) == ("track", "background", False)

    def test_somebody_elses_change_is_told_and_shown(self, page: Page, service: Service, made: str):
        view = service.client.get(made).json()
        edits = [{"action": "usage", "cue": view["plan"]["cues"][0]["id"], "usage": "visual"}]
        service.client.patch(made, json={"revision": view["revision"], "edits": edits})
        button(page, "Pin").click()
        page.get_by_text("Somebody else changed this plan").wait_for()
        assert page.get_by_text(f"revision {view['revision'] + 1}").is_visible()
        assert page.get_by_label("Usage on the cue sheet").input_value() == "visual"
        assert not cues_of(service, made)[0]["is_pinned"]

    def test_a_new_plan_keeps_what_is_pinned(self, page: Page, service: Service, made: str):
        page.locator(".tl-block").first.click()
        button(page, "Pin").click()
        changed(page, "pin")
        before = cues_of(service, made)[0]
        page.get_by_role("button", name="Plan again").click()
        changed(page, "plan")
        assert cues_of(service, made)[0] == before
        button(page, "Pin").click()
        changed(page, "unpin")


class TestTakingAway:
    def test_exports_are_downloaded(self, page: Page, service: Service, tmp_path: Path):
        page.locator("summary", has_text="Export").click()
        links = page.locator(".menu-body a[download]")
        assert links.count() == 8
        for name, text in (("EDL, CMX 3600", "TITLE"), ("OpenTimelineIO", "OTIO_SCHEMA")):
            with page.expect_download() as download:
                page.get_by_role("link", name=name).click()
            download.value.save_as(tmp_path / "file")
            assert text in (tmp_path / "file").read_text()
        for path in links.evaluate_all("all => all.map(one => one.getAttribute('href'))"):
            assert service.client.get(path).status_code == 200, path

    def test_a_preview_is_mixed_and_downloaded(self, page: Page, tmp_path: Path):
        page.get_by_label("As", exact=True).select_option("wav")
        page.get_by_label("Loudness").select_option("-23")
        page.get_by_role("button", name="Make a preview").click()
        made = page.locator(".previews li")
        link = made.get_by_role("link", name="Download")
        link.wait_for()
        assert "23 LUFS" in made.inner_text()
        with page.expect_download() as download:
            link.click()
        download.value.save_as(tmp_path / "mix.wav")
        assert (tmp_path / "mix.wav").read_bytes()[:4] == b"RIFF"

    def test_a_new_cut_says_what_it_changed(self, page: Page, data_dir: Path):
        page.locator("summary", has_text="New cut").click()
        page.locator("#recut-video").set_input_files(data_dir / "cut2.mp4")
        page.locator(".diff").wait_for()
        assert page.get_by_role("heading", level=1).inner_text() == "cut2.mp4"
        assert page.locator(".changes li").count() >= SHOTS
        assert "were scored anew" in page.locator(".diff").inner_text()
        page.get_by_role("link", name="The version before").click()
        page.get_by_role("heading", name="cut.mp4", level=1).wait_for()


class TestEverywhere:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing(self, browser: Browser, url: str, made: str, scheme: str):
        start = view_of(made)
        with watched_page(browser, url, start=start, color_scheme=scheme) as page:
            shown(page)
            page.locator(".tl-wave path").first.wait_for(state="attached")
            found = violations(page)
            page.locator("summary", has_text="Export").click()
            page.locator(".tl-block").last.click()
            assert found + violations(page) == []

    def test_a_phone_scrolls_down_alone(self, browser: Browser, url: str, made: str):
        size = {"width": 360, "height": 740}
        start = view_of(made)
        with watched_page(browser, url, start=start, viewport=size, has_touch=True) as page:
            shown(page)
            assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
            for _ in range(4):
                page.get_by_role("button", name="Zoom in").click()
            assert page.evaluate("document.querySelector('.tl-inner').clientWidth") > 1_000
            assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
