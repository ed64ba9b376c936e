"""What is known of a video once it has been watched and heard."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, TypeAlias

import msgspec

CaptionSource: TypeAlias = Literal["given", "model", "measured"]
"""`given` by the user, seen by a `model`, or put together from what was `measured`."""
ShotStart: TypeAlias = Literal["start", "cut", "fade"]
"""How a shot begins: as the video's first, after a hard cut, or out of a fade or dissolve."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of a video, from its beginning."""

    start_seconds: float
    end_seconds: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_seconds - self.start_seconds


class VideoInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a video's container says, checked against what was decoded."""

    name: str
    """Of the file, without its folder."""
    size_bytes: int
    sha256: str
    """Of the file, in hexadecimal digits."""
    container: str
    """FFmpeg's name, such as `mov,mp4,m4a,3gp,3g2,mj2`."""
    codec: str
    """Of the picture, such as `h264`."""
    width: int
    """In pixels as it is shown: turned upright, and with square pixels."""
    height: int
    """Likewise."""
    rotation: int
    """By which the stored picture is turned to be upright, clockwise: 0, 90, 180 or 270."""
    frame_rate: str
    """Frames a second as a fraction, such as `24000/1001`; the mean where it varies."""
    is_variable_rate: bool
    """Whether frames come at uneven times; frame numbers are then those at the mean rate."""
    frames: int
    """At `frame_rate`, from the beginning to the end."""
    duration_seconds: float
    """From the first frame to the end of the last one."""
    start_timecode: str | None
    """Of the first frame as the file states it, `01:00:00:00` or, drop frame, `01:00:00;00`."""
    audio_codec: str | None
    """Of the sound that is used; None for a silent film."""
    audio_streams: int
    video_streams: int
    """Of which the first that is no cover picture is used."""

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return Fraction(self.frame_rate)


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of picture without a cut."""

    start_frame: int
    end_frame: int
    """The first frame of the next shot."""
    start_seconds: float
    """When its first frame is shown; for a fade, where the new picture takes over."""
    end_seconds: float
    begins: ShotStart
    strength: float
    """How much the picture changes where it begins, 0 to 1; 1 for the first shot."""
    fingerprint: str
    """Of its picture, by which a shot is known again in another cut of the video: 64-bit hashes of
    a few frames, in hexadecimal digits, separated by spaces."""


class SceneFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured in a scene; nothing here is guessed."""

    cuts_per_minute: float
    motion: float
    """Share of the picture that changes from frame to frame within shots, 0 (still) to 1."""
    brightness: float
    """Mean luma, 0 (black) to 1 (white)."""
    contrast: float
    """Standard deviation of luma, 0 to 1."""
    saturation: float
    """Mean of how colourful it is, 0 (grey) to 1."""
    warmth: float
    """From -1 (blue) by 0 (neutral) to 1 (orange)."""
    speech: float
    """Share of its seconds in which somebody speaks, 0 to 1."""
    loudness_lufs: float | None
    """Of the video's own sound there; None where nothing is heard."""


class SceneCaption(msgspec.Struct, frozen=True, kw_only=True):
    """What a scene shows, in words."""

    text: str
    source: CaptionSource
    by: str
    """Name of the model, of the file, or `facts`."""
    licence: str | None = None
    """Of the model's weights, where a model wrote it."""


class VideoScene(msgspec.Struct, frozen=True, kw_only=True):
    """Shots that belong together."""

    number: int
    """From 0."""
    start_frame: int
    end_frame: int
    start_seconds: float
    end_seconds: float
    first_shot: int
    """Its number in `VideoAnalysis.shots`."""
    last_shot: int
    """Likewise, included."""
    keyframes_seconds: tuple[float, ...]
    """Frames that show what the scene shows, in order; at least one."""
    facts: SceneFacts
    captions: tuple[SceneCaption, ...] = ()
    """Empty until a captioner has looked."""
    no_music: bool = False
    """Whether the user wants no music here."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_seconds - self.start_seconds


class TempMusic(msgspec.Struct, frozen=True, kw_only=True):
    """The music that lies under the picture already."""

    share: float
    """Of the video's seconds in which music is heard, 0 to 1."""
    bpm: float | None
    """None where no beat is found."""
    energy: tuple[float, ...]
    """One value a second relative to the loudest, 0 to 1."""
    hits_seconds: tuple[float, ...]
    """Where it turns: its strong accents and its jumps in energy, in order."""


class VideoSound(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard in a video."""

    loudness_lufs: float | None
    """Integrated; None for silence."""
    speech: tuple[Stretch, ...]
    """Where somebody speaks, in order, apart by at least 0.3 s."""
    speech_levels_db: tuple[tuple[float, ...], ...]
    """For each stretch of `speech`, the level in each band of `musiscene.audio.masking.BANDS_HZ`,
    in dB of full scale."""
    energy: tuple[float, ...]
    """One value a second relative to the loudest, 0 to 1."""
    music: TempMusic | None
    """None where there is none."""


class VideoAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """A video, watched and heard."""

    info: VideoInfo
    shots: tuple[Shot, ...]
    """In order, without gaps, from frame 0 to `info.frames`."""
    scenes: tuple[VideoScene, ...]
    """In order, without gaps; each of whole shots."""
    activity: tuple[float, ...]
    """How lively the picture is, one value a second, 0 to 1: motion and cuts together."""
    sound: VideoSound | None
    """None for a silent film."""
    notices: tuple[str, ...] = ()
    """What a person should know: frames that could not be decoded, a rate that varies."""
