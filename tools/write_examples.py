"""Write docs/examples.md: twenty examples, good and bad ones, chosen by rank and not by hand.

Half of them are spread evenly over the better half of each source, half over the worse; what counts
is how well a scene finds its own music again among all of the source. A library's examples come
from `musiscene evaluate hearing --json --texts`, MusicCaps' from `musiscene evaluate msi
--predictions`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from musiscene.checkpoints.store import ModelStore
from musiscene.data.rows import read_examples, read_rows, write_whole
from musiscene.embed import TextEmbedder
from musiscene.evaluation.heard import SCENES, TrackTexts
from musiscene.evaluation.hearing import HearingReport
from musiscene.evaluation.predictions import read_predictions
from musiscene.metrics.identification import own_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

EMBEDDER_NAME = "all-minilm-l6-v2"
COUNT = 20
MUSICCAPS = "MusicCaps"
HEAD = """# Examples

Scenes as MusiScene imagines them, good and bad: {count} examples out of {total}, chosen by rank and
not by hand. Each scene looks for its own music among all of its source (for MusicCaps: for what a
person wrote about that clip), by {embedder}. Of each source the examples are spread evenly, first
over the better half of the ranks, then over the worse.

{sources}
Written by `tools/write_examples.py` with model {model}.
"""
MUSICCAPS_NOTE = (
    "MusicCaps: the descriptions and the human scenes are quoted from the validation rows of"
    " MusicCaps (Agostinelli et al. 2023, arXiv:2301.11325), CC BY-SA 4.0; the scenes are imagined"
    " from the aspects and descriptions alone, no audio is heard."
)


class Shown(NamedTuple):
    """One example."""

    source: str
    title: str
    heard: str
    scene: str
    human_scene: str
    rank: float
    among: int


class _HearingDocument(msgspec.Struct):
    report: HearingReport


def main() -> int:
    """Read the results of evaluations, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--library",
        nargs=3,
        action="append",
        default=[],
        metavar=("NAME", "REPORT", "TEXTS"),
        help="name with licence, and what `evaluate hearing` wrote by --json and by --texts",
    )
    parser.add_argument(
        "--musiccaps",
        nargs=2,
        type=Path,
        metavar=("DATA", "PREDICTIONS"),
        help="rows, and what `evaluate msi` wrote by --predictions",
    )
    parser.add_argument("--model", required=True, help="what to call the model on the page")
    parser.add_argument("--out", type=Path, default=Path("docs/examples.md"))
    options = parser.parse_args()
    if not (options.library or options.musiccaps):
        parser.error("nothing to show: give --library or --musiccaps")
    embedder = TextEmbedder.load(ModelStore().folder(EMBEDDER_NAME))
    sources = [from_library(name, Path(report), Path(t)) for name, report, t in options.library]
    if options.musiccaps:
        data, predictions = options.musiccaps
        sources.append(from_musiccaps(data, predictions, embedder))
    chosen = choose(sources, COUNT)
    page = write_page(
        chosen,
        total=sum(len(source) for source in sources),
        model=options.model,
        embedder=embedder.version,
    )
    write_whole(options.out, [page.encode()])
    print(f"{len(chosen)} examples: {options.out}")
    return 0


def from_library(name: str, report_path: Path, texts_path: Path) -> list[Shown]:
    """The tracks of a library, each with its passage and scenes.

    Args:
        name: Of the library.
        report_path: JSON document of `evaluate hearing`.
        texts_path: JSON Lines of the same run.

    Returns:
        Examples in the order of the tracks.

    Raises:
        ValueError: If the two files are not of one run.
    """
    report = msgspec.json.decode(report_path.read_bytes(), type=_HearingDocument).report
    rows = read_rows(texts_path, TrackTexts).good
    if tuple(row.audio for row in rows) != report.tracks:
        raise ValueError(f"{texts_path} is not of the run that wrote {report_path}")
    [scenes] = [score for score in report.scores if score.name == SCENES]
    return [
        Shown(
            source=name,
            title=Path(row.audio).stem.replace("_", " "),
            heard=row.texts.get("description", row.measured),
            scene=row.texts[SCENES],
            human_scene="",
            rank=rank,
            among=len(rows),
        )
        for row, rank in zip(rows, scenes.ranks, strict=True)
    ]


def from_musiccaps(data_path: Path, predictions_path: Path, embedder: TextEmbedder) -> list[Shown]:
    """The rows that have a scene by a person and one by the model.

    Args:
        data_path: Rows of MusicCaps.
        predictions_path: Clip id -> scene.
        embedder: Ranks.

    Returns:
        Examples in the order of the rows.
    """
    predictions = read_predictions(predictions_path)
    rows = [row for row in read_examples(data_path).good if row.scene and row.id in predictions]
    written = embedder.encode([predictions[row.id] for row in rows])
    ranks = own_ranks(written @ embedder.encode([row.scene for row in rows]).T)
    return [
        Shown(
            source=MUSICCAPS,
            title=f"clip {row.id}",
            heard=row.music.get("description", row.music_text),
            scene=predictions[row.id],
            human_scene=row.scene,
            rank=float(rank),
            among=len(rows),
        )
        for row, rank in zip(rows, ranks, strict=True)
    ]


def choose(sources: Sequence[Sequence[Shown]], count: int) -> list[Shown]:
    """Examples spread evenly over the ranks of each source.

    Args:
        sources: The examples of each.
        count: How many; half are of the better halves, and sources share alike.

    Returns:
        The better halves' first, the best first; fewer where the sources hold fewer.
    """
    halves: tuple[list[Shown], list[Shown]] = ([], [])
    for place, source in enumerate(sources):
        ranked = sorted(source, key=lambda shown: (shown.rank, shown.title))
        middle = len(ranked) // 2
        share = (count // 2 + len(sources) - 1 - place) // len(sources)
        for half, part in zip(halves, (ranked[:middle], ranked[middle:]), strict=True):
            picks = np.linspace(0, len(part) - 1, min(share, len(part))).round().astype(int)
            half += [part[pick] for pick in picks]
    return [
        shown
        for half in halves
        for shown in sorted(half, key=lambda shown: (shown.rank - 1) / shown.among)
    ]


def write_page(chosen: Sequence[Shown], *, total: int, model: str, embedder: str) -> str:
    """The page.

    Args:
        chosen: In their order, the better half first.
        total: Out of how many they were chosen.
        model: Its name.
        embedder: Its version.

    Returns:
        Markdown.
    """
    names = dict.fromkeys(shown.source for shown in chosen)
    notes = [
        f"- {MUSICCAPS_NOTE}" if name == MUSICCAPS else f"- {name}: heard as audio"
        for name in names
    ]
    parts = [
        HEAD.format(
            count=len(chosen),
            total=total,
            sources="".join(f"{note}\n" for note in notes),
            model=model,
            embedder=embedder,
        )
    ]
    middle = len(chosen) // 2
    for title, half in (("Better half", chosen[:middle]), ("Worse half", chosen[middle:])):
        parts.append(f"\n## {title}\n")
        parts += [_entry(shown) for shown in half]
    return "".join(parts)


def _entry(shown: Shown) -> str:
    lines = [
        f"\n### {shown.source.partition(' (')[0]}: {_line(shown.title)}\n",
        f"- rank {shown.rank:g} of {shown.among}",
        f"- music: {_line(shown.heard)}",
        f"- imagined: **{_line(shown.scene)}**",
    ]
    if shown.human_scene:
        lines.append(f"- a person: {_line(shown.human_scene)}")
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    """One line of Markdown that shows the text as it is."""
    plain = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\*_`[]<>#|" else letter for letter in plain)


if __name__ == "__main__":
    sys.exit(main())
