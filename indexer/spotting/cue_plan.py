"""The music for a whole cut: which track plays where, from where in it, and how loud."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from indexer.matching.results import MatchedTrack
from musiscene.video.analysis import Shot, VideoInfo, VideoScene

CueKind: TypeAlias = Literal["track", "silence", "open"]
"""`silence` is meant; `open` is a stretch that nothing in the library fits."""
LandingKind: TypeAlias = Literal["turn", "peak", "start", "ending"]
"""What of the track meets the picture: where a part of it begins, where it is loudest, its own
start or its own ending."""
Usage: TypeAlias = Literal["background", "visual", "theme"]
"""How a cue sheet calls it: instrumental or vocal background, seen in the picture, or a theme."""
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]


class PlanWishes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the user wants of a plan."""

    filter: str = ""
    """What every track must fulfil, in the language of `indexer.filters`."""
    negatives: tuple[Annotated[str, Meta(min_length=1, max_length=2_000)], ...] = ()
    """What is not wanted in any of them."""
    brief: Annotated[str, Meta(max_length=4_000)] = ""
    """What the whole film is about; goes beside every scene's captions."""
    no_music: Annotated[tuple[tuple[Seconds, Seconds], ...], Meta(max_length=500)] = ()
    """Stretches of the video without music, start and end in seconds."""
    land_on: Annotated[tuple[Seconds, ...], Meta(max_length=500)] = ()
    """Moments of the video, in seconds, on which a track's own turn should land."""
    fewest_seconds: Annotated[float, Meta(ge=1, le=3_600)] = 6.0
    """A cue shorter than this is made only where nothing else is possible."""
    change_cost: Annotated[float, Meta(ge=0, le=10)] = 1.0
    """How much has to be gained by a change of music: 0 changes at every scene, 10 hardly ever."""
    under_speech_db: Annotated[float, Meta(ge=-60, le=0)] = -60.0
    """Music under a voice is ducked by at most this much; the depth needed is computed."""
    silence_allowed: bool = True
    """Whether stretches may be left without music where nothing fits."""


class Duck(msgspec.Struct, frozen=True, kw_only=True):
    """Music turned down under a voice."""

    start_seconds: float
    """Of the video; the fade down ends here."""
    end_seconds: float
    """The fade up begins here."""
    gain_db: float
    """At most 0."""


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the track that meets something of the picture."""

    kind: LandingKind
    video_seconds: float
    """Of the cut or the moment."""
    track_seconds: float
    residual_frames: float
    """By how many frames of the video the track comes late (above 0) or early."""


class CueTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A track as a plan holds it, also when it is not in the library any more."""

    track: MatchedTrack
    source_start_seconds: float
    """What of the track sounds at the cue's first frame."""
    confidence: float
    """That it fits the scenes under it, 0 to 1."""
    fit: float
    """Mean score beside the scenes' captions."""
    energy_fit: float
    """How well its energy keeps in step with the picture, -1 to 1."""
    masking: float
    """How much of the voice under it would be lost without ducking, 0 to 1."""
    starts_at: str
    """What its in point falls on, as `indexer.windows.CutPoint`."""
    ends_at: str
    """What its out point falls on."""
    landings: tuple[Landing, ...] = ()
    reason: str = ""
    """Why, in a sentence or two."""


class Cue(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of the video with one track, or with none."""

    id: str
    """Unique in its plan and its re-cuts, such as `c3`."""
    kind: CueKind
    start_frame: int
    end_frame: int
    start_seconds: float
    """Frame times the frame rate's inverse, exactly rounded to a microsecond."""
    end_seconds: float
    first_scene: int
    last_scene: int
    """Included."""
    chosen: CueTrack | None = None
    """None for `silence` and `open`."""
    alternatives: tuple[CueTrack, ...] = ()
    """Other tracks for the same stretch, best first; near misses where it is `open`."""
    fade_in_seconds: float = 0.0
    fade_out_seconds: float = 0.0
    gain_db: float = 0.0
    """Of the whole cue, before ducking; brings tracks of different loudness together."""
    ducks: tuple[Duck, ...] = ()
    usage: Usage = "background"
    is_pinned: bool = False
    """Approved: a new plan leaves it as it is."""
    is_muted: bool = False
    notice: str | None = None
    """What a person should know: nothing fits, the track is too short, a pinned cue was cut."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_seconds - self.start_seconds


class CuePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The music for a whole cut."""

    video: VideoInfo
    scenes: tuple[VideoScene, ...]
    cues: tuple[Cue, ...]
    """In order, without gaps, from frame 0 to `video.frames`."""
    wishes: PlanWishes
    value: float
    """What it is worth in the planner's own measure: seconds of perfectly fitting music."""
    speech: tuple[tuple[float, float], ...] = ()
    """Where somebody speaks, start and end in seconds."""
    speech_levels_db: tuple[tuple[float, ...], ...] = ()
    """Of each stretch of `speech`, as in `VideoSound`."""
    activity: tuple[float, ...] = ()
    """As in `VideoAnalysis`."""
    shots: tuple[Shot, ...] = ()
    """As in `VideoAnalysis`; by them the scenes are known again in another cut."""
    notices: tuple[str, ...] = ()


class CueChange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one cue in a new version."""

    cue: str
    """Its id."""
    what: Literal["kept", "moved", "trimmed", "swapped", "added", "removed"]
    text: str
    """In a sentence, with both times."""
    before: tuple[int, int] | None = None
    """Frames in the old cut; None for a new cue."""
    after: tuple[int, int] | None = None
    """Frames in the new cut; None for one that is gone."""
    missed: tuple[Landing, ...] = ()
    """Landings that held before and do not any more."""


class PlanDiff(msgspec.Struct, frozen=True, kw_only=True):
    """How a plan differs from the one of the video's last version."""

    scenes_kept: int
    scenes_changed: int
    """Scored anew."""
    changes: tuple[CueChange, ...]
