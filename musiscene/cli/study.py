"""`musiscene study`: people hear music blind, and what they say is weighed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from musiscene.cli.measuring import MissingExtraError
from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from musiscene.study.design import Study

DIFFERENCES = (0.25, 0.5)


@click.group()
def study() -> None:
    """Hold listening studies: blind, balanced, on people's own phones and computers."""


@study.command(
    epilog="Example: musiscene study create STUDY --system ours=a --system theirs=b --items "
    "scenes.jsonl"
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file: texts, questions, lengths, places; docs/listening-study.md has all names.",
)
@click.option(
    "--stimuli",
    type=click.Path(dir_okay=False, path_type=Path),
    help='JSON Lines: {"system", "item", "audio", "text", "video" or "picture"}.',
)
@click.option(
    "--system",
    "folders",
    multiple=True,
    metavar="NAME=FOLDER",
    help="A system's pieces; files of one item have the same stem in every folder. Repeat it.",
)
@click.option(
    "--items",
    type=click.Path(dir_okay=False, path_type=Path),
    help='With --system, JSON Lines: {"item": STEM, "text", "video" or "picture"}.',
)
@shared_options
def create(
    console: Console,
    folder: Path,
    *,
    config: Path | None,
    stimuli: Path | None,
    folders: tuple[str, ...],
    items: Path | None,
) -> None:
    """Make a study: pieces of one length and loudness under names that tell nothing.

    FOLDER must not be there yet; it is made whole or not at all and never changed afterwards.
    """
    from musiscene.study.create import create_study
    from musiscene.study.sources import match_folders, read_plan, read_sources

    if (stimuli is None) == (not folders):
        raise click.UsageError("give either --stimuli FILE or --system NAME=FOLDER for each system")
    plan = read_plan(config)
    if stimuli is not None:
        sources = read_sources(stimuli)
    else:
        sources = match_folders(_named(folders), items)
    with console.progress() as report:
        made = create_study(folder, sources, plan, report)
    _describe(console, folder, made)


@study.command(epilog="Example: musiscene study analyse STUDY --out STUDY/report")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write report.md, report.html, report.json and pictures here.",
)
@shared_options
def analyse(console: Console, folder: Path, *, out: Path | None) -> None:
    """Weigh the answers that exist so far; a study may be under way."""
    from musiscene.study.analyse import analyse as weigh
    from musiscene.study.answers import read_answers
    from musiscene.study.design import read_study
    from musiscene.study.report import sections_of, write_report

    report = weigh(read_study(folder), read_answers(folder))
    for section in sections_of(report):
        console.say(f"\n{section.heading}\n{section.text}")
        if section.rows:
            console.table(section.columns, section.rows)
    if out is not None:
        _require_matplotlib()
        for path in write_report(report, out):
            console.note(f"written: {path}")
    console.emit(report)


def _named(folders: tuple[str, ...]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for text in folders:
        name, _, path = text.partition("=")
        if not name or not path:
            raise click.BadParameter(f"{text} is not NAME=FOLDER", param_hint="--system")
        if name in named:
            raise click.BadParameter(f"the name {name} is taken", param_hint="--system")
        named[name] = Path(path)
    return named


def _describe(console: Console, folder: Path, made: Study) -> None:
    from musiscene.study.create import LINKS_FILE
    from musiscene.study.order import session_minutes, session_of
    from musiscene.study.power import raters_needed

    plan = made.plan
    minutes, trials = session_minutes(made), len(session_of(made, 0))
    items = min(plan.items_per_rater or len(made.items), len(made.items))
    needed = {
        difference: raters_needed(difference, systems=len(made.systems), items=items)
        for difference in (DIFFERENCES if plan.rates else ())
    }
    console.say(
        f"{folder}: {len(made.systems)} systems ({', '.join(made.systems)}), {len(made.items)} "
        f"items, {len(made.stimuli)} pieces; {trials} pages and about {minutes:.0f} minutes a rater"
    )
    for difference, raters in needed.items():
        console.say(
            f"to find a best system that is {difference:g} points ahead with a power of 0.8: "
            + (f"{raters} raters" if raters else "more items are needed than a rater hears here")
        )
    if not plan.is_open:
        console.say(f"{plan.raters} personal links: `musiscene study serve` says how they begin")
        console.note(f"{folder / LINKS_FILE} opens them all: keep it to yourself.")
    console.note(f"next: musiscene study serve {folder}")
    console.emit(
        {
            "folder": folder,
            "systems": made.systems,
            "items": len(made.items),
            "pieces": len(made.stimuli),
            "pages": trials,
            "minutes": round(minutes, 1),
            "raters_needed": {f"{gap:g}": raters for gap, raters in needed.items()},
        }
    )


def _require_matplotlib() -> None:
    """See that pictures can be drawn.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise MissingExtraError("pictures need matplotlib: pip install 'musiscene[research]'")
