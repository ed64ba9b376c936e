"""A study's results as files: `report.json`, `report.md`, `report.html`, and pictures."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import msgspec

from musiscene.errors import StudyError

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.metrics.bootstrap import Interval
    from musiscene.study.analyse import QuestionReport, StudyReport


HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>TITLE</title>
<style>body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
td, th { text-align: left; padding: .2rem 1rem .2rem 0 } table { display: block; overflow-x: auto }
img { max-width: 100%; background: #fff }</style>
<h1>TITLE</h1>"""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the report."""

    heading: str
    """Above it."""
    text: str = ""
    """What the figures mean."""
    columns: tuple[str, ...] = ()
    """Of its table."""
    rows: tuple[tuple[str, ...], ...] = ()
    """Of its table."""
    picture: str | None = None
    """Name of its picture."""


def write_report(report: StudyReport, folder: Path) -> list[Path]:
    """Write all files.

    Args:
        report: The results.
        folder: Is made.

    Returns:
        The files.

    Raises:
        StudyError: If one cannot be written.
    """
    from musiscene.study.pictures import draw_pictures

    try:
        folder.mkdir(parents=True, exist_ok=True)
        pictures = draw_pictures(report, folder)
        sections = sections_of(report, {path.stem: path.name for path in pictures})
        texts = {
            "report.json": msgspec.json.format(msgspec.json.encode(report), indent=2),
            "report.md": _markdown(report.title, sections).encode(),
            "report.html": _html(report.title, sections).encode(),
        }
        for name, content in texts.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise StudyError(f"{folder}: cannot be written ({error})") from error
    return [*(folder / name for name in texts), *pictures]


def sections_of(report: StudyReport, pictures: dict[str, str] | None = None) -> list[Section]:
    """The report in tables.

    Args:
        report: The results.
        pictures: Kind -> file name, of those that were drawn.

    Returns:
        The sections.
    """
    drawn = pictures or {}
    sections = [_raters(report, drawn)]
    for question in report.questions:
        sections += _question(question, drawn)
    if report.strengths:
        sections += _comparisons(report, drawn)
    return sections


def shown(interval: Interval | None) -> str:
    """An interval for people."""
    if interval is None:
        return "-"
    return f"{interval.mean:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def shown_p(value: float | None) -> str:
    """A p-value for people."""
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004


def _raters(report: StudyReport, drawn: dict[str, str]) -> Section:
    left_out = [rater for rater in report.raters if rater.left_out]
    text = (
        f"{len(report.raters)} raters answered, {report.finished} came to the end, "
        f"{report.counted} count. The rules for leaving raters out were fixed with the study."
    )
    if report.unreadable:
        text += f" {report.unreadable} lines of the answers could not be read."
    if report.counted < 2:  # noqa: PLR2004
        text += " There are no figures until the answers of two raters count."
    return Section(
        heading="Raters",
        text=text,
        columns=("left out", "why"),
        rows=tuple((f"rater {rater.rater}", rater.left_out or "") for rater in left_out),
        picture=drawn.get("progress"),
    )


def _question(question: QuestionReport, drawn: dict[str, str]) -> list[Section]:
    ranked = sorted(question.scores, key=lambda one: -one.score.mean)
    agreement = (
        f"Agreement: Krippendorff's alpha {shown(question.alpha)}, "
        f"ICC(2, k) {shown(question.icc)}. "
        f"All systems equal (Friedman): p {shown_p(question.friedman_p)}. "
        f"From the first to the last page ratings change by {shown(question.drift)} points. "
        "By position in an item's row: " + (", ".join(map(shown, question.positions)) or "-") + "."
    )
    return [
        Section(
            heading=f"{question.key}: {question.text}",
            text="Mean opinion scores with 95 % intervals over raters and items. " + agreement,
            columns=("system", "score", "ratings"),
            rows=tuple((one.system, shown(one.score), str(one.ratings)) for one in ranked),
            picture=drawn.get(f"scores-{question.key}"),
        ),
        Section(
            heading=f"{question.key}: differences",
            text=(
                "p: over raters and items, after Holm's correction; a difference below 0.05 would "
                "be found with other raters and other items. Wilcoxon: over raters alone, "
                "corrected likewise, for these very items."
            ),
            columns=("pair", "difference", "p", "Wilcoxon p", "Cohen's d", "first preferred"),
            rows=tuple(
                (
                    f"{one.first} - {one.second}",
                    shown(one.difference),
                    shown_p(one.p_corrected),
                    shown_p(one.wilcoxon_p_corrected),
                    f"{one.standardised:.2f}",
                    f"{one.superiority:.0%}",
                )
                for one in question.differences
            ),
            picture=drawn.get(f"differences-{question.key}"),
        ),
    ]


def _comparisons(report: StudyReport, drawn: dict[str, str]) -> list[Section]:
    ranked = sorted(report.strengths, key=lambda one: -one.strength.mean)
    return [
        Section(
            heading="Comparisons: strength",
            text="Bradley and Terry's log-odds against the mean; 95 % intervals over raters.",
            columns=("system", "strength", "won"),
            rows=tuple((one.system, shown(one.strength), f"{one.win_share:.0%}") for one in ranked),
            picture=drawn.get("strengths"),
        ),
        Section(
            heading="Comparisons: pairs",
            text="p: binomial test over raters, after Holm's correction.",
            columns=("pair", "first", "second", "neither", "raters", "p"),
            rows=tuple(
                (
                    f"{one.first} - {one.second}",
                    str(one.first_wins),
                    str(one.second_wins),
                    str(one.neither),
                    f"{one.raters_for_first}:{one.raters_for_second}",
                    shown_p(one.p_corrected),
                )
                for one in report.duels
            ),
        ),
    ]


def _markdown(title: str, sections: list[Section]) -> str:
    def row(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    lines = [f"# {title}", ""]
    for section in sections:
        lines += [f"## {section.heading}", "", section.text, ""]
        if section.rows:
            lines += [row(section.columns), row(tuple("---" for _ in section.columns))]
            lines += [*map(row, section.rows), ""]
        if section.picture:
            lines += [f"![{section.heading}]({section.picture})", ""]
    return "\n".join(lines)


def _html(title: str, sections: list[Section]) -> str:
    def row(cells: tuple[str, ...], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    parts = [HEAD.replace("TITLE", escape(title))]
    for section in sections:
        parts.append(f"<h2>{escape(section.heading)}</h2><p>{escape(section.text)}</p>")
        if section.rows:
            body = "".join(row(cells, "td") for cells in section.rows)
            parts.append(f"<table>{row(section.columns, 'th')}{body}</table>")
        if section.picture:
            name = escape(section.picture)
            parts.append(f'<p><img src="{name}" alt="{escape(section.heading)}"></p>')
    return "\n".join([*parts, "</html>\n"])
