"""The report as Markdown, and in the rows of a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musiscene.evaluation.background_music.experiment import RANDOM, REAL, SHUFFLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.evaluation.background_music.report import (
        Agreement,
        BackgroundMusicReport,
        Comparison,
    )
    from musiscene.metrics.bootstrap import Interval

SURE: Final = 0.05
MAIN: Final = (
    "music for",
    "pieces",
    "FAD",
    "FAD limit",
    "KD",
    "KLD pooled",
    "KLD own",
    "fit",
    "scene",
)
FOUND: Final = ("music for", "R@1", "R@10", "MRR", "R@1 scene", "R@10 scene", "MRR scene")
SOUND: Final = (
    "music for", "fit to music caption", "Vendi", "distance", "tempo confidence", "LUFS",
    "clipped pieces", "silent",
)  # fmt: skip
BRIEF: Final = ("music for", "FAD", "limit", "KLD", "KLD own", "fit", "scene", "MRR", "Vendi")
WORDS_OF: Final = {
    "fit": "fit with the video caption",
    "scene": "likeness of the imagined scene to the video caption",
    "tags_own": "KL of tags from the clip's own music",
}

LEGEND: Final = (
    "FAD, KD (kernel distance, times 1000) and KLD: less is nearer to real music. Fit and scene "
    "agreement: more is better; behind them the gain over the same pieces on other clips. In "
    "brackets: 95 % bootstrap intervals over the clips."
)


def main_rows(report: BackgroundMusicReport) -> list[tuple[str, ...]]:
    """The main table: what papers state.

    Args:
        report: Any.

    Returns:
        A row for each system, in the columns `MAIN`.
    """
    return [
        (
            one.name,
            str(one.pieces),
            _spread(one.frechet.distance, 1) if one.frechet else "-",
            f"{one.frechet.limit:.1f}" if one.frechet else "-",
            _spread(one.kernel, 1),
            _spread(one.tags_pooled, 3),
            _spread(one.tags_own, 3),
            _gap(one.fit),
            _gap(one.scene),
        )
        for one in report.systems
    ]


def brief_rows(report: BackgroundMusicReport) -> list[tuple[str, ...]]:
    """The means alone, for a terminal.

    Args:
        report: Any.

    Returns:
        A row for each system, in the columns `BRIEF`.
    """
    return [
        (
            one.name,
            f"{one.frechet.distance.mean:.1f}" if one.frechet else "-",
            f"{one.frechet.limit:.1f}" if one.frechet else "-",
            _mean(one.tags_pooled, 3),
            _mean(one.tags_own, 3),
            f"{one.fit.value.mean:.3f}",
            f"{one.scene.value.mean:.3f}",
            f"{one.found_by_fit.mean_reciprocal_rank:.3f}",
            f"{one.spread.vendi:.1f}",
        )
        for one in report.systems
    ]


def found_rows(report: BackgroundMusicReport) -> list[tuple[str, ...]]:
    """The table of clips that find their music.

    Args:
        report: Any.

    Returns:
        A row for each system and one for chance, in the columns `FOUND`.
    """
    rows = [(one.name, one.found_by_fit, one.found_by_scene) for one in report.systems]
    rows.append(("(chance)", report.chance, report.chance))
    return [
        (
            name,
            *(
                f"{value:.3f}"
                for found in (by_fit, by_scene)
                for value in (found.recall_at_1, found.recall_at_10, found.mean_reciprocal_rank)
            ),
        )
        for name, by_fit, by_scene in rows
    ]


def sound_rows(report: BackgroundMusicReport) -> list[tuple[str, ...]]:
    """The table of variety and of sound.

    Args:
        report: Any.

    Returns:
        A row for each system, in the columns `SOUND`.
    """
    return [
        (
            one.name,
            _gap(one.fit_music),
            f"{one.spread.vendi:.2f}",
            f"{one.spread.mean_distance:.3f}",
            _spread(one.tempo_confidence, 2),
            _spread(one.loudness_lufs, 1),
            str(one.clipped_pieces),
            f"{one.silent_share:.1%}",
        )
        for one in report.systems
    ]


def in_words(report: BackgroundMusicReport) -> list[str]:
    """Which differences are sure.

    Args:
        report: Any.

    Returns:
        A sentence for each figure.
    """
    sentences = []
    for figure in dict.fromkeys(one.figure for one in report.comparisons):
        compared = [one for one in report.comparisons if one.figure == figure]
        sure = [_better(one) for one in compared if one.p_holm < SURE]
        told = "; ".join(sure) if sure else "no difference is sure"
        sentences.append(
            f"By {WORDS_OF[figure]} ({len(compared)} tests, Holm's correction): {told}."
        )
    return sentences


def as_markdown(report: BackgroundMusicReport, pictures: Sequence[str]) -> str:
    """The report for people.

    Args:
        report: Any.
        pictures: Names of files beside it.

    Returns:
        Markdown.
    """
    setting = report.setting
    licence = f"{setting.weights_licence}; commercial use: {setting.commercial_use}"
    scenes = f"scenes by {setting.writing}, judged by {setting.judging_embedder}"
    facts = [
        ("clips", f"{setting.clips} of {setting.clips_file}; split: {setting.split}"),
        ("music", f"{setting.generator} ({setting.backend}), {licence}"),
        ("pieces", f"{setting.seconds:g} s, {setting.takes} of each prompt, seed {setting.seed}"),
        *((f"{name} captions", ", ".join(by)) for name, by in setting.captions_by.items()),
        (f"{REAL}, {RANDOM}", setting.real),
        (SHUFFLED, f"the pieces of `{report.systems[0].name}` moved to other clips"),
        ("reference", setting.reference),
        ("embedding", setting.embedding),
        ("heard by", f"{setting.listening}; {scenes}"),
        ("machine", setting.machine),
        ("versions", ", ".join(f"{name} {at}" for name, at in setting.versions.items())),
        ("finished", setting.finished),
    ]
    parts = [
        "# Background music from captions",
        *(f"- **{name}**: {fact}" for name, fact in facts),
        "",
        LEGEND,
        "",
        markdown_table(MAIN, main_rows(report)),
        "",
        f"The clip's own piece among all {setting.clips} of its kind:",
        "",
        markdown_table(FOUND, found_rows(report)),
        "",
        markdown_table(SOUND, sound_rows(report)),
        "",
        *(f"- {sentence}" for sentence in in_words(report)),
        "",
        *(f"![{name}]({name})" for name in pictures),
        "",
        "Example, the first clip:",
        "",
        markdown_table(("music for", "prompt", "scene imagined to the piece"), report.examples),
    ]
    return "\n".join(parts) + "\n"


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    Args:
        columns: Headings.
        rows: A text for each column.

    Returns:
        Lines without the last line end.
    """
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines
    )


def _spread(interval: Interval | None, digits: int) -> str:
    if interval is None:
        return "-"
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _mean(interval: Interval | None, digits: int) -> str:
    return "-" if interval is None else f"{interval.mean:.{digits}f}"


def _gap(agreement: Agreement) -> str:
    gap = agreement.gap
    return f"{agreement.value.mean:.3f} ({gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}])"


def _better(one: Comparison) -> str:
    difference = one.difference
    less_is_better = one.figure == "tags_own"
    names = (one.first, one.second)
    if (difference.mean < 0) != less_is_better:
        names = names[::-1]
    return f"{names[0]} over {names[1]} by {abs(difference.mean):.3f} (p {one.p_holm:.3f})"
