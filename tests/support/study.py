"""Small listening studies of made tones, and raters who answer them over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from musiscene.progress import ProgressReport
from musiscene.study.create import create_study
from musiscene.study.design import Plan, Question
from musiscene.study.order import session_of
from musiscene.study.simulate import SimulatedRater
from musiscene.study.sources import read_sources
from tests.support.audio import sine, write_audio

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from musiscene.study.design import Study

WORTH = {"best": 4.4, "middle": 3.4, "worst": 2.4, "random": 1.4}
SECONDS = 0.6
RATE = 8_000
ONE_QUESTION = (
    Question(key="relevance", text="How well does it suit?", low="not at all", high="perfectly"),
)


def write_stimuli(folder: Path, *, systems: int = 3, items: int = 3) -> Path:
    """A table of pieces, louder and softer, each of its own pitch."""
    lines = []
    for at, system in enumerate(list(WORTH)[:systems]):
        for item in range(items):
            path = folder / f"{system}-{item}.wav"
            hertz, amplitude = 200 + 110 * item + 40 * at, 0.1 + 0.3 * at
            wave = sine(hertz, seconds=1.0, sample_rate=RATE, amplitude=amplitude)
            write_audio(path, wave, sample_rate=RATE, metadata={"title": f"by {system}"})
            row = {"system": system, "item": f"clip-{item}", "text": f"A scene, number {item}."}
            lines.append(json.dumps(row | {"audio": path.name}))
    table = folder / "stimuli.jsonl"
    table.write_text("\n".join(lines))
    return table


def make_study(
    folder: Path,
    *,
    systems: int = 3,
    items: int = 3,
    **plan: Any,  # noqa: ANN401  as Plan has them
) -> tuple[Path, Study]:
    """A study's folder and the study."""
    chosen: dict[str, Any] = {
        "excerpt_seconds": SECONDS,
        "least_heard_seconds": 0.3,
        "checks": 1,
        "raters": 40,
    }
    chosen |= {"questions": ONE_QUESTION} | plan
    sources = read_sources(write_stimuli(folder, systems=systems, items=items))
    path = folder / "study"
    return path, create_study(path, sources, Plan(**chosen), ProgressReport())


def links_of(folder: Path) -> list[str]:
    return (folder / "links.txt").read_text().split()


def answer_of(study: Study, slot: int, number: int, values: dict[str, int]) -> dict[str, Any]:
    """What the page would send."""
    trial = session_of(study, slot)[number]
    heard = [SECONDS] * len(trial.tokens)
    return {
        "trial": number, "pieces": list(trial.tokens), "values": values, "heard_seconds": heard,
        "plays": 1, "milliseconds": 9_000,
    }  # fmt: skip


def take_part(
    client: httpx.Client, name: str, study: Study, slot: int, token: str, *, lazy: bool = False
) -> dict[str, Any]:
    """A whole session over HTTP; what the service says at its end."""
    headers = {"X-Rater": token}
    rater = SimulatedRater(study, slot, WORTH, lazy=lazy)
    said = client.post(f"/studies/{name}/agreement", headers=headers)
    for trial in session_of(study, slot):
        assert said.json()["done"] == trial.number, said.text
        answer = answer_of(study, slot, trial.number, rater.values(trial))
        said = client.post(f"/studies/{name}/answers", headers=headers, json=answer)
        assert said.status_code == 200, said.text
    found: dict[str, Any] = said.json()
    return found
