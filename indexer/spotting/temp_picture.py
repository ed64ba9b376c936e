"""A temp track and the track in its place as a picture: both courses of energy, and the hits."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from indexer.spotting.cue_details import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.spotting.temp_track import TempMatch
    from musiscene.video.analysis import TempMusic

WIDTH: Final = 960
HEIGHT: Final = 240
EDGE: Final = 36
HALF_FRAME: Final = 0.5
TEMP_COLOUR: Final = "#8a8f98"
TRACK_COLOUR: Final = "#c2410c"


def overlay_svg(music: TempMusic, match: TempMatch) -> str:
    """Draw both courses over each other.

    Args:
        music: Under the picture.
        match: The track in its place.

    Returns:
        An SVG document: the temp music grey, the track in colour, hits as lines, those that are met
        in colour too.
    """
    seconds = max(len(music.energy), 1)
    met = {one.video_seconds for one in match.hits if abs(one.residual_frames) <= HALF_FRAME}
    lines = []
    for hit in music.hits_seconds:
        colour = TRACK_COLOUR if round(hit, 6) in met else TEMP_COLOUR
        x = _x(hit, seconds)
        lines.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{EDGE}" y2="{HEIGHT - EDGE}" stroke="{colour}" '
            f'stroke-dasharray="3 3"><title>{clock(hit)}</title></line>'
        )
    name = match.track.title or match.track.path.rsplit("/", 1)[-1]
    said = f"{name}: energy {match.energy_fit:+.2f}, {len(met)} of {len(music.hits_seconds)} hits"
    said += " within half a frame"
    shown = _polyline(music.energy, 0.0, seconds, TEMP_COLOUR)
    shown += _polyline(match.energy, match.start_seconds, seconds, TRACK_COLOUR)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="13"><title>{escape(said)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(lines)}{shown}'
        f'<text x="{EDGE}" y="22" fill="#222">{escape(said)}</text>'
        f'<text x="{EDGE}" y="{HEIGHT - 12}" fill="{TEMP_COLOUR}">grey: the temp music; 0:00 to '
        f"{clock(seconds)}</text></svg>\n"
    )


def _polyline(energy: Sequence[float], start: float, seconds: int, colour: str) -> str:
    room = HEIGHT - 2 * EDGE
    points = " ".join(
        f"{_x(start + second + 0.5, seconds):.1f},{HEIGHT - EDGE - room * value:.1f}"
        for second, value in enumerate(energy)
    )
    return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>'


def _x(second: float, seconds: int) -> float:
    return EDGE + (WIDTH - 2 * EDGE) * second / seconds
