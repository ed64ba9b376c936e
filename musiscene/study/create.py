"""Makes a study's folder: whole, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.errors import AudioError, StudyError
from musiscene.study.answers import ANSWERS_FILE, Invited, encode, link_hash
from musiscene.study.design import FLOOR, STIMULI_FOLDER, Item, Study, write_study
from musiscene.study.prepare import MOST_TONES, make_check, make_media, make_stimulus
from musiscene.study.sources import check_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.progress import ProgressReport
    from musiscene.study.design import Plan, Stimulus
    from musiscene.study.sources import Source

LINKS_FILE: Final = "links.txt"
TOKEN_BYTES: Final = 16


def create_study(
    folder: Path, sources: Sequence[Source], plan: Plan, report: ProgressReport
) -> Study:
    """Make a study.

    Args:
        folder: Must not be there yet.
        sources: One piece for every system and item.
        plan: What is asked, and how.
        report: Told about each piece.

    Returns:
        The study.

    Raises:
        StudyError: If the folder is there, or a piece is missing or cannot be heard.
    """
    if folder.exists():
        raise StudyError(f"{folder}: is there already; a study is never changed, make another")
    systems, items = check_sources(sources)
    if plan.random_floor and len(items) == 1:
        raise StudyError("one item has no other item's music for a floor; set random_floor = false")
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        (partial / STIMULI_FOLDER).mkdir(parents=True)
        study = _make(partial, sources, systems, items, plan, report)
        write_study(study, partial)
        _invite(partial, plan)
        os.rename(partial, folder)  # noqa: PTH104  in one step
    except OSError as error:
        raise StudyError(f"{folder}: cannot be made ({error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return study


def _make(
    folder: Path,
    sources: Sequence[Source],
    systems: list[str],
    items: list[str],
    plan: Plan,
    report: ProgressReport,
) -> Study:
    stimuli_folder = folder / STIMULI_FOLDER
    pieces = [*sources, *(_floor(sources, systems, items, plan) if plan.random_floor else [])]
    stimuli: list[Stimulus] = []
    wrong: list[str] = []
    for done, piece in enumerate(pieces, start=1):
        try:
            made = make_stimulus(
                Path(piece.audio), stimuli_folder, plan, system=piece.system, item=piece.item
            )
            stimuli.append(made)
        except AudioError as error:
            wrong.append(str(error))
        report("pieces", done, len(pieces))
    if wrong:
        raise StudyError("no study was made; these cannot be heard:\n  " + "\n  ".join(wrong))
    media: dict[str, str] = {}
    described = [_item(name, sources, stimuli_folder, media) for name in items]
    checks = [make_check(tones, stimuli_folder, plan) for tones in range(1, MOST_TONES + 1)]
    return Study(
        plan=plan,
        systems=(*systems, *([FLOOR] if plan.random_floor else [])),
        items=tuple(described),
        stimuli=tuple(stimuli),
        checks=tuple(checks),
        media=media,
        secret=secrets.token_hex(16),
    )


def _floor(
    sources: Sequence[Source], systems: list[str], items: list[str], plan: Plan
) -> list[Source]:
    """Music of every system in turn, each under the item that is next in a shuffled ring."""
    rng = np.random.default_rng([plan.seed, 6])
    ring = [items[at] for at in rng.permutation(len(items))]
    by_cell = {(source.system, source.item): source for source in sources}
    found = []
    for at, item in enumerate(ring):
        other = by_cell[systems[at % len(systems)], ring[(at + 1) % len(ring)]]
        found.append(type(other)(system=FLOOR, item=item, audio=other.audio))
    return found


def _item(name: str, sources: Sequence[Source], folder: Path, media: dict[str, str]) -> Item:
    of_item = [source for source in sources if source.item == name]
    text = next((source.text for source in of_item if source.text), "")
    shown = next((one for source in of_item if (one := source.video or source.picture)), None)
    if shown is None:
        return Item(name=name, text=text)
    token, sha256 = make_media(Path(shown), folder)
    media[token] = sha256
    return Item(name=name, text=text, media=token)


def _invite(folder: Path, plan: Plan) -> None:
    """Begin the answers; in a closed study with a link for each place."""
    tokens = (
        [] if plan.is_open else [secrets.token_urlsafe(TOKEN_BYTES) for _ in range(plan.raters)]
    )
    lines = [
        encode(Invited(rater=place, link_sha256=link_hash(token)))
        for place, token in enumerate(tokens)
    ]
    (folder / ANSWERS_FILE).write_bytes(b"".join(lines))
    if tokens:
        (folder / LINKS_FILE).write_text("".join(f"{token}\n" for token in tokens), "utf-8")
        (folder / LINKS_FILE).chmod(0o600)
