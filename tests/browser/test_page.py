"""The page in a real browser, against a real server and worker; only the models are made up."""

from __future__ import annotations

import csv
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.audio import sine, write_audio
from tests.support.browser import chromium, violations, watched_page
from tests.support.service import add_key
from tests.support.service_process import Process, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.integration

LAKE = "mist rises over a still lake"
SCENES = [
    LAKE, "a ship fights a storm at night", "children dance at a birthday party",
    "rain on a window", "an empty street at dawn",
]  # fmt: skip
GERMAN = "Ein Kind bläst die Kerzen auf dem Geburtstagskuchen aus, und alle lachen"
VIEWS = [
    "#/find", f"#/find?brief={LAKE}&filter=bpm>1&without=drums&length=5", f"#/find?brief={GERMAN}",
    "#/library", "#/library?q=nowhere", "#/map", "#/make", "#/score", "#/work",
    "#/track/ID", "#/similar/ID",
]  # fmt: skip
SECONDS = 12
UNFOLDED = "document.querySelectorAll('details').forEach(one => { one.open = true; })"
SHOWN_PLACE = "() => +document.querySelector('.waveform').ariaValueNow"
ALLOWED = ("400 (Bad Request)",)
"""What the browser itself says of an answer that a test asks for."""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of five pieces; `more` beside them holds two others, one of them broken."""
    folder: Path = tmp_path_factory.mktemp("library")
    (folder / "music" / "more").mkdir(parents=True)
    for number, scene in enumerate(SCENES):
        wave = sine(300 + 50 * number, seconds=SECONDS, sample_rate=16_000)
        tags = {"title": scene, "artist": "Ada Vale"}
        write_audio(folder / "music" / f"{number}.flac", wave, sample_rate=16_000, metadata=tags)
    with Process(folder, "index", str(folder / "music")) as first:
        assert first.process.wait(120) == 0, (folder / "processes.log").read_text()
    wave = sine(900, seconds=2, sample_rate=16_000)
    write_audio(folder / "music" / "more" / "new.flac", wave, sample_rate=16_000)
    (folder / "music" / "more" / "broken.flac").write_bytes(b"fLaC, it says")
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
        Process(data_dir, "work", seconds=1.0),
    ):
        yield opened.ready()


@pytest.fixture
def url(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}"


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with watched_page(browser, url, allowed=ALLOWED) as opened:
        yield opened


def ask(page: Page, brief: str, *, length: str = "") -> Locator:
    """Type a brief and have music found; the cards of the answer."""
    page.get_by_label("What is seen?").fill(brief)
    if length:
        page.get_by_text("Length, filters, what to avoid").click()
        page.get_by_label("Wanted length").fill(length)
    page.get_by_label("What is seen?").press("Control+Enter")
    page.locator(".answer").wait_for()
    return page.locator(".answer .card")


def waits(page: Page, expression: str) -> None:
    page.wait_for_function(expression)


class TestFind:
    def test_a_brief_gives_ranked_tracks_that_play_from_their_window(self, page: Page):
        cards = ask(page, LAKE, length="0:05")
        first = cards.first
        assert cards.count() == len(SCENES)
        assert first.get_by_role("heading").inner_text() == LAKE
        assert first.locator("blockquote").inner_text() == LAKE
        assert re.search(r"\d+ % (very likely|likely|may fit|a long shot)", first.inner_text())
        first.locator(".waveform.is-drawn .band").wait_for(state="attached")
        window = first.locator(".window").inner_text()
        start, end = (int(found) for found in re.findall(r"0:(\d\d)", window))
        assert 0 < start < end <= SECONDS
        first.get_by_role("button", name="Play").first.click()
        assert page.wait_for_function(SHOWN_PLACE).json_value() >= start
        slider = first.get_by_role("slider")
        size = slider.bounding_box() or {"width": 0.0, "height": 0.0}
        slider.click(position={"x": size["width"] / 4, "y": size["height"] / 2})
        waits(page, f"() => ({SHOWN_PLACE})() < {SECONDS / 2}")
        slider.press("Home")
        waits(page, f"() => ({SHOWN_PLACE})() < {SECONDS / 4}")
        page.locator("h1").click()
        page.keyboard.press("Space")
        page.locator("#player button[data-on=false]").wait_for()
        page.keyboard.press("Space")
        page.locator("#player button[data-on=true]").wait_for()
        first.get_by_text("Why this one").click()
        assert "Scene" in first.locator(".reasons").inner_text()

    def test_not_this_takes_a_track_out_until_it_is_undone(self, page: Page, service: Service):
        cards = ask(page, "a ship in the storm")
        name = cards.first.get_by_role("heading").inner_text()
        page.get_by_role("button", name=f"Not this: {name}").click()
        page.get_by_text(f"{name} is taken out.").first.wait_for()
        opinions = service.client.get("/v1/feedback").json()["opinions"]
        assert [one["verdict"] for one in opinions] == ["reject"]
        assert cards.count() == len(SCENES) - 1
        page.get_by_role("button", name="Undo").click()
        fits = page.get_by_role("button", name=f"Fits: {name}")
        fits.wait_for()
        assert service.client.get("/v1/feedback").json()["opinions"] == []
        fits.click()
        page.locator("button[aria-pressed=true]").wait_for()
        assert service.client.get("/v1/feedback").json()["opinions"][0]["verdict"] == "accept"
        fits.click()
        page.locator("button[aria-pressed=true]").wait_for(state="detached")

    def test_chosen_cues_are_downloaded(self, page: Page, tmp_path: Path):
        cards = ask(page, LAKE)
        assert page.get_by_role("button", name="Download CSV").is_disabled()
        for number in (0, 1):
            cards.nth(number).get_by_role("checkbox").check()
        page.get_by_text("2 chosen").wait_for()
        for kind in ("CSV", "JSON"):
            with page.expect_download() as download:
                page.get_by_role("button", name=f"Download {kind}").click()
            download.value.save_as(tmp_path / f"cues.{kind.lower()}")
        with (tmp_path / "cues.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        cues: list[dict[str, Any]] = json.loads((tmp_path / "cues.json").read_text())
        assert [row["track"] for row in rows] == [cue["track"] for cue in cues]
        assert (rows[0]["track"], rows[0]["brief"], len(rows)) == (LAKE, LAKE, 2)
        assert float(rows[0]["out"]) == cues[0]["out"] > cues[0]["in"]
        assert list(cues[0]) == [
            "track", "artist", "path", "in", "out", "bpm", "key", "licence", "brief",
        ]  # fmt: skip

    def test_filters_are_chips_and_text_whose_errors_are_shown_in_place(self, page: Page):
        ask(page, LAKE)
        page.get_by_text("Length, filters, what to avoid").click()
        page.get_by_label("from (bpm)").fill("60")
        page.get_by_label("to (bpm)").fill("200")
        page.get_by_label("to (bpm)").press("Enter")
        page.get_by_label("Filter by").select_option("vocals")
        page.get_by_role("button", name="Add").click()
        assert page.locator(".chips .chip").all_inner_texts() == ["bpm=60..200 ✕", "vocals=no ✕"]
        page.get_by_role("button", name="Remove filter bpm=60..200").click()
        page.get_by_text("Edit as text").click()
        text = page.get_by_label("Filter, such as")
        assert text.input_value() == "vocals=no"
        text.fill("bpm=fast")
        page.get_by_role("button", name="Find music").click()
        complaint = page.locator(".filters .complaint")
        complaint.locator("mark").wait_for()
        assert complaint.locator("mark").inner_text() == "fast"
        assert text.get_attribute("aria-invalid") == "true"
        assert page.evaluate("document.activeElement.selectionStart") == len("bpm=")

    def test_where_nothing_fits_music_is_made(self, page: Page):
        cards = ask(page, GERMAN, length="6")
        page.get_by_role("heading", name="Nothing in the library really fits").wait_for()
        assert page.get_by_role("heading", name="Near misses").is_visible()
        assert cards.count() > 0
        page.get_by_role("button", name="Make music for it").click()
        made = page.locator(".generation .card")
        made.wait_for(timeout=60_000)
        assert made.locator(".badge").inner_text() == "generated"
        assert "commercial use: allowed" in made.locator(".licence").inner_text()
        made.get_by_role("button", name="Play").click()
        page.locator("#player button[data-on=true]").wait_for()

    def test_back_and_similar(self, page: Page):
        cards = ask(page, LAKE)
        cards.first.get_by_role("link", name="Similar").click()
        page.get_by_role("heading", name=f"Like {LAKE}").wait_for()
        assert page.locator(".card").count() >= len(SCENES) - 1
        page.go_back()
        page.locator(".answer .card").first.wait_for()
        assert page.get_by_label("What is seen?").input_value() == LAKE


class TestLibrary:
    def test_search_order_and_pages(self, page: Page):
        page.route(
            re.compile(r"v1/tracks\?.*limit=40"),
            lambda route: route.continue_(url=route.request.url.replace("limit=40", "limit=2")),
        )
        page.get_by_role("link", name="Library").click()
        rows = page.locator(".row-track")
        waits(page, "() => document.querySelectorAll('.row-track').length >= 5")
        page.get_by_label("Order").select_option("title")
        waits(page, "() => location.hash.includes('sort=title')")
        waits(page, "() => document.querySelectorAll('.row-track').length >= 5")
        titles = [LAKE, *SCENES[1:]]
        assert [one for one in rows.locator("a.strong").all_inner_texts() if one in titles] == (
            sorted(titles)
        )
        page.get_by_label("Search").press_sequentially("birthday")
        waits(page, "() => document.querySelectorAll('.row-track').length === 1")
        rows.first.get_by_role("link").first.click()
        page.get_by_role("heading", name=SCENES[2], level=1).wait_for()
        assert page.locator(".segments blockquote").inner_text() == SCENES[2]
        page.locator(".waveform.is-drawn").first.wait_for()
        page.get_by_role("img", name="Energy").wait_for()
        page.go_back()
        assert page.get_by_label("Search").input_value() == "birthday"

    def test_the_map_by_mouse_and_by_keyboard(self, page: Page):
        page.get_by_role("link", name="Map").click()
        canvas = page.locator("canvas")
        canvas.wait_for()
        button = page.get_by_role("button", name=f"Play {LAKE}")
        button.focus()
        label = page.locator(".map-label")
        assert label.inner_text().startswith(LAKE)
        x, y = label.evaluate("at => [at.offsetLeft, at.offsetTop - 14]")
        button.press("Enter")
        page.locator("#player button[data-on=true]").wait_for()
        assert page.locator("#player .name").inner_text() == LAKE
        page.locator("h1").click()
        canvas.hover(position={"x": x, "y": y})
        assert label.inner_text().startswith(LAKE)


class TestWork:
    def test_a_scan_is_followed_to_its_end_with_its_failures(self, page: Page, data_dir: Path):
        page.get_by_role("link", name="Work").click()
        folder = str(data_dir / "music" / "more")
        page.get_by_label("Folder on the service's machine").fill(folder)
        page.get_by_role("button", name="Scan").click()
        job = page.locator(".job").first
        job.get_by_role("progressbar").wait_for(state="attached")
        job.locator(".badge.done").wait_for(timeout=60_000)
        assert "1 taken in" in job.inner_text()
        job.get_by_text("1 file failed").click()
        assert "broken.flac" in job.locator(".failures").inner_text()

    def test_a_folder_outside_is_refused(self, browser: Browser, url: str):
        with watched_page(browser, url, allowed=("403",)) as page:
            page.goto("/#/work")
            page.get_by_label("Folder on the service's machine").fill("/etc")
            page.get_by_role("button", name="Scan").click()
            assert "library_roots" in page.get_by_role("alert").inner_text()

    def test_recent_briefs_run_again(self, page: Page):
        ask(page, "rain on a quiet window")
        page.get_by_role("link", name="Work").click()
        page.locator(".briefs").get_by_role("link", name="rain on a quiet window").first.click()
        page.locator(".answer .card").first.wait_for()


class TestMake:
    def test_music_is_made_with_points_to_meet_and_its_check_is_shown(self, page: Page):
        page.goto("/#/make")
        page.get_by_label("The scene").fill("folk, joyful, guitar")
        page.get_by_label("These are words for the music").check()
        page.get_by_label("Length").fill("0:08")
        page.get_by_label("Takes").select_option("2")
        points = page.get_by_label("Points to meet")
        points.fill("0:05 bang")
        page.get_by_role("button", name="Make music").click()
        assert "0:12 swell" in points.evaluate("one => one.validationMessage")
        points.fill("hit at 0:04")
        page.get_by_label("Made by").select_option("musicgen")
        assert "not allowed" in page.locator("#make-licence").inner_text()
        page.get_by_label("Made by").select_option("composer")
        page.get_by_role("button", name="Make music").click()
        made = page.locator(".generation .card").first
        made.wait_for(timeout=60_000)
        assert "of 2, the best as heard" in made.locator(".check").inner_text()
        assert made.locator(".checks li").count() >= 3
        assert "commercial use: allowed" in made.locator(".licence").inner_text()
        page.reload()
        job = page.locator(".job", has_text="folk, joyful, guitar").first
        job.get_by_text("Meets: hit at 0:04").wait_for()
        job.get_by_role("link", name="Listen, and see the track").click()
        page.locator(".waveform").first.wait_for()


class TestKey:
    def test_a_key_is_asked_for_and_kept_in_the_tab_alone(
        self, browser: Browser, service: Service, data_dir: Path, tmp_path: Path
    ):
        assert service.port
        folder = tmp_path / "locked"
        shutil.copytree(data_dir, folder, ignore=shutil.ignore_patterns("music", "workers"))
        key = add_key(folder, "read")
        with Service(folder, "--no-worker") as locked:
            url = f"http://127.0.0.1:{locked.ready().port}"
            with watched_page(browser, url, allowed=("401", "403")) as page:
                page.goto("/#/library")
                dialog = page.get_by_role("dialog")
                dialog.wait_for()
                assert violations(page) == []
                dialog.get_by_label("Key").fill("mus_wrong")
                dialog.get_by_role("button", name="Use this key").click()
                page.get_by_text("This key opens nothing").wait_for()
                page.keyboard.press("Escape")
                page.get_by_role("button", name="Try again").click()
                dialog.get_by_label("Key").fill(key)
                dialog.get_by_label("Key").press("Enter")
                page.locator(".row-track").first.wait_for()
                page.get_by_role("button", name="Play").first.click()
                page.locator("#player button[data-on=true]").wait_for()
                assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
                assert page.evaluate("Object.values(sessionStorage)") == [key]


class TestEverywhere:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing(self, browser: Browser, url: str, scheme: str):
        found = {}
        with watched_page(browser, url, color_scheme=scheme) as page:
            open_view(page, "#/library")
            page.get_by_role("button", name="Play").first.click()
            page.locator("#player button").first.wait_for()
            for view in views(page):
                open_view(page, view)
                page.evaluate(UNFOLDED)
                found[view] = violations(page)
        assert {view: ids for view, ids in found.items() if ids} == {}

    def test_a_phone_scrolls_down_alone(self, browser: Browser, url: str):
        size = {"width": 360, "height": 740}
        with watched_page(browser, url, viewport=size, has_touch=True) as page:
            wide = {}
            for view in views(page):
                open_view(page, view)
                page.evaluate(UNFOLDED)
                wide[view] = page.evaluate("document.documentElement.scrollWidth")
        assert set(wide.values()) == {360}, wide

    def test_the_keyboard_reaches_everything_in_order(self, page: Page):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "brief"


def views(page: Page) -> list[str]:
    """The address of every view, with some track's id."""
    track = page.evaluate("fetch('v1/tracks?limit=1').then(one => one.json())")["tracks"][0]
    return [view.replace("ID", track["id"]) for view in VIEWS]


def open_view(page: Page, view: str) -> None:
    page.goto(f"/{view}")
    page.locator("main h1").wait_for()
    waits(page, "() => !document.querySelector('.loading')")
