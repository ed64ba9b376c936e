"""A listening study from its making to its results: in a real browser, and by others over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from musiscene.study.answers import read_answers
from musiscene.study.order import session_of
from musiscene.study.simulate import SimulatedRater
from service.cli import main
from tests.support.browser import chromium, watched_page
from tests.support.service_process import free_port, wait_for
from tests.support.study import WORTH, links_of, make_study, take_part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from musiscene.study.design import Study
    from musiscene.study.order import Trial

pytestmark = pytest.mark.integration

HERE = "/studies/study/"
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "color_scheme": "dark",
}
OTHERS = 14
LAZY = frozenset({7, 11})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def made(
    browser: Browser,  # noqa: ARG001  skips first
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Study]:
    return make_study(
        tmp_path_factory.mktemp("study"), pairs_per_item=1, items_per_rater=1,
        arrangement="spread", checks=2,
    )  # fmt: skip


@contextmanager
def served(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with (folder.parent / "serve.log").open("ab") as log:
        command = [sys.executable, "-m", "service.cli", "study", "serve", str(folder)]
        process = subprocess.Popen(  # noqa: S603  this program itself
            [*command, "--port", str(port)], stdout=log, stderr=log
        )
    try:
        address = f"http://127.0.0.1:{port}{HERE}about"
        wait_for(lambda: httpx.get(address).is_success, 30)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def url(made: tuple[Path, Study], port: int) -> Iterator[str]:
    with served(made[0], port):
        yield f"http://127.0.0.1:{port}"


def open_session(page: Page, token: str) -> None:
    page.goto(f"{HERE}#{token}")
    page.get_by_role("button", name="I agree, begin").click()
    page.get_by_role("heading", name="Page 1 of").wait_for()


def names_of(trial: Trial) -> list[str]:
    """Of the players that have to be heard; tones that are to be counted need not be."""
    return {"comparison": ["A", "B"], "rating": ["the music"], "check": []}[trial.kind]


def listen(page: Page, trial: Trial, *, by_keys: bool) -> None:
    """Play what is there until answers open."""
    page.get_by_role("heading", name=f"Page {trial.number + 1} of").wait_for()
    for at, name in enumerate(names_of(trial)):
        button = page.locator(f"button[aria-label='Play {name}']:enabled")
        button.wait_for()
        if by_keys:
            page.keyboard.press("Space")
        else:
            button.click()
        page.locator(".piece").nth(at).and_(page.locator("[data-heard]")).wait_for()
        button.wait_for()  # it has ended
    page.locator("form input:enabled").first.wait_for(state="attached")


def answer(page: Page, values: dict[str, int]) -> None:
    """By mouse or finger."""
    for key, value in values.items():
        page.locator(f"input[name={key}][value='{value}']").check(force=True)
    page.get_by_role("button", name="Next").click()


def violations(page: Page) -> list[tuple[str, str]]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


def test_raters_by_browser_and_http_are_weighed_and_their_preferences_found(
    browser: Browser,
    url: str,
    made: tuple[Path, Study],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    folder, study = made
    links = links_of(folder)
    with watched_page(browser, url) as page:
        by_keys(page, study, links[0])
    with watched_page(browser, url, **PHONE) as page:
        on_a_phone(page, study, links[1])
    with httpx.Client(base_url=url, timeout=30) as client:
        for slot in range(2, 2 + OTHERS):
            take_part(client, "study", study, slot, links[slot], lazy=slot in LAZY)
    out = tmp_path / "report"
    assert main(["study", "analyse", str(folder), "--json", "--out", str(out)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["finished"], len(report["completion_codes"])) == (OTHERS + 2, OTHERS + 2)
    left_out = {one["rater"] for one in report["raters"] if one.get("left_out")}
    assert left_out <= LAZY
    [question] = report["questions"]
    ranked = sorted(question["scores"], key=lambda one: -one["score"]["mean"])
    assert [one["system"] for one in ranked] == list(WORTH)
    strong = sorted(report["strengths"], key=lambda one: -one["strength"]["mean"])
    assert [one["system"] for one in strong] == list(WORTH)
    best = next(
        one for one in question["differences"] if (one["first"], one["second"]) == ("best", "worst")
    )
    assert best["difference"]["mean"] > 1.0
    written = {path.name for path in out.iterdir()}
    assert {"report.md", "report.html", "report.json", "strengths.png"} < written


def by_keys(page: Page, study: Study, token: str) -> None:
    """A session with the keyboard alone, broken off by a reload in the middle."""
    open_session(page, token)
    rater = SimulatedRater(study, 0, WORTH)
    session = session_of(study, 0)
    assert page.locator("form input").first.is_disabled()
    assert violations(page) == []
    for trial in session:
        if trial.number == len(session) // 2:
            page.get_by_role("heading", name=f"Page {trial.number + 1} of").wait_for()
            page.goto(f"{HERE}?again")  # the browser remembers whose session it is
        listen(page, trial, by_keys=True)
        for value in rater.values(trial).values():
            page.keyboard.press(str([0, 1, -1].index(value) + 1) if len(trial.tokens) > 1
                                else str(value))  # fmt: skip
        page.keyboard.press("Enter")
    page.get_by_role("heading", name="Done").wait_for()
    assert len(page.locator(".code").inner_text()) == 8


def on_a_phone(page: Page, study: Study, token: str) -> None:
    """A session by finger on a narrow screen in the dark."""
    page.goto(f"{HERE}#{token}")
    page.get_by_role("button", name="Play the test sound").wait_for()
    assert violations(page) == []
    open_session(page, token)
    rater = SimulatedRater(study, 1, WORTH)
    session = session_of(study, 1)
    for trial in session:
        listen(page, trial, by_keys=False)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if trial.number in {0, len(session) - 1}:
            assert violations(page) == []
        answer(page, rater.values(trial))
    page.get_by_role("heading", name="Done").wait_for()


def test_what_was_acknowledged_survives_a_kill(
    tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
):
    folder, study = make_study(tmp_path, systems=2, items=1, random_floor=False)
    token, other = links_of(folder)[:2]
    own = port + 1 if port < 65_000 else port - 1
    with served(folder, own) as process:
        with httpx.Client(base_url=f"http://127.0.0.1:{own}", timeout=30) as client:
            end = take_part(client, "study", study, 0, token)
        assert main(["study", "serve", str(folder), "--port", str(own + 2)]) == 2
        assert "another process serves" in capsys.readouterr().err
        process.kill()
    with (folder / "answers.jsonl").open("ab") as torn:
        torn.write(b'{"type":"answer","rater":1,"tri')
    with served(folder, own), httpx.Client(base_url=f"http://127.0.0.1:{own}") as client:
        shown = client.get(f"{HERE}session", headers={"X-Rater": token}).json()
        take_part(client, "study", study, 1, other)
    assert (shown["code"], shown["done"]) == (end["code"], end["total"])
    kept = read_answers(folder)
    assert kept.unreadable == 1
    assert [len(kept.given[slot]) for slot in (0, 1)] == [end["total"]] * 2
