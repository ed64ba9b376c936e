"""What the service takes and gives; written by tools/make_client.py."""

# ruff: noqa
from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field


class AskedBrief(Struct, kw_only=True):
    asked_at: str
    captions: list[str]
    confidence: float
    decision: Literal["matched", "nothing_fits"]
    id: str
    track_ids: list[str]
    arc: str | None = None
    filter: str | dict[str, Any] = ""
    length_seconds: float | None = None
    negatives: list[str] = []


class BriefPage(Struct, kw_only=True):
    after: str | None
    briefs: list[AskedBrief]


class CalledFor(Struct, kw_only=True):
    mood: str
    probability: float


class CueEdit(Struct, kw_only=True):
    action: Literal["swap", "pin", "unpin", "mute", "unmute", "trim", "silence", "usage", "replan"]
    cue: str | None = None
    end_frame: int | None = None
    source_start_seconds: float | None = None
    start_frame: int | None = None
    track: str | None = None
    usage: Literal["background", "visual", "theme"] | None = None


class Duck(Struct, kw_only=True):
    end_seconds: float
    gain_db: float
    start_seconds: float


class Duel(Struct, kw_only=True):
    first: str
    first_wins: int
    neither: int
    p_corrected: float
    p_value: float
    raters_for_first: int
    raters_for_second: int
    second: str
    second_wins: int


class Fact(Struct, kw_only=True):
    agrees: bool
    asked: str
    found: str


class FeedbackRequest(Struct, kw_only=True):
    captions: list[str]
    track_id: str
    verdict: Literal["accept", "reject"]
    note: str | None = None


class FillView(Struct, kw_only=True):
    id: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    url: str


class FoundWindow(Struct, kw_only=True):
    arc: Literal["build", "steady", "release"]
    arc_fit: float
    end_seconds: float
    ends_at: Literal["track start", "track end", "phrase", "downbeat", "beat", "free"]
    energy: list[float]
    start_seconds: float
    starts_at: Literal["track start", "track end", "phrase", "downbeat", "beat", "free"]
    text: str


class GenerationLink(Struct, kw_only=True):
    id: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    url: str


class HitPoint(Struct, kw_only=True):
    kind: Literal["swell", "hit", "cut", "quiet"]
    seconds: float


class Interval(Struct, kw_only=True):
    high: float
    low: float
    mean: float


class JobError(Struct, kw_only=True):
    code: str
    message: str


class Landing(Struct, kw_only=True):
    kind: Literal["turn", "peak", "start", "ending"]
    residual_frames: float
    track_seconds: float
    video_seconds: float


class Live(Struct, kw_only=True):
    status: Literal["live"] = "live"


class MapPoint(Struct, kw_only=True):
    arousal: float
    artist: str | None
    id: str
    tag: str | None
    title: str
    valence: float
    x: float
    y: float


class MatchRequest(Struct, kw_only=True):
    captions: list[str]
    arc: Literal["build", "steady", "release"] | None = None
    fallback: Literal["never", "auto", "always"] = "never"
    filter: str | dict[str, Any] = ""
    length_seconds: float | None = None
    negatives: list[str] = []
    remember: bool = True
    top_k: int = 10
    unlike: list[str] = []
    use_feedback: bool = True
    weights: list[float] | None = None


class MatchedTrack(Struct, kw_only=True):
    artist: str | None
    bpm: float
    duration_seconds: float
    generated: bool
    id: str
    key: str
    licence: str | None
    loudness_lufs: float | None
    path: str
    title: str | None


class Opinion(Struct, kw_only=True):
    brief: str
    created_at: str
    id: str
    note: str | None
    path: str
    track_id: str
    verdict: Literal["accept", "reject"]


class OpinionScore(Struct, kw_only=True):
    ratings: int
    score: Interval
    system: str


class PlanEdits(Struct, kw_only=True):
    edits: list[CueEdit]
    revision: int


class PlanWishes(Struct, kw_only=True):
    brief: str = ""
    change_cost: float = 1.0
    fewest_seconds: float = 6.0
    filter: str = ""
    land_on: list[float] = field(default_factory=list)
    negatives: list[str] = field(default_factory=list)
    no_music: list[list[Any]] = field(default_factory=list)
    silence_allowed: bool = True
    under_speech_db: float = -60.0


class PreviewRequest(Struct, kw_only=True):
    container: Literal["mp4", "wav", "mp3"] = "mp4"
    lufs: float = -14.0


class Problem(Struct, kw_only=True):
    status: int
    title: str
    type: str
    errors: list[dict[str, Any]] = []
    instance: str = ""


class Progress(Struct, kw_only=True):
    done: int
    message: str
    rate: float | None
    seconds_left: float | None
    stage: str
    total: int | None


class Rater(Struct, kw_only=True):
    answered: int
    minutes: float
    missed_checks: int
    rater: int
    touch: bool
    trials: int
    left_out: str | None = None


class Reading(Struct, kw_only=True):
    answerable: float
    moods: list[CalledFor]
    music: list[str]
    wishes: list[str]


class Ready(Struct, kw_only=True):
    revision: int
    tracks: int
    status: Literal["ready"] = "ready"


class ScanCounts(Struct, kw_only=True):
    files_found: int = 0
    tracks_imagined: int = 0
    tracks_indexed: int = 0
    tracks_missing: int = 0
    tracks_moved: int = 0
    tracks_unchanged: int = 0


class ScanFailureView(Struct, kw_only=True):
    path: str
    reason: str
    stage: str


class ScanOutcome(Struct, kw_only=True):
    counts: ScanCounts | None = None
    duplicates_found: int = 0
    failed: int = 0
    failures: list[ScanFailureView] = []
    tracks_deleted: int = 0


class ScanRequest(Struct, kw_only=True):
    paths: list[str]
    exclude: list[str] = []
    prune: bool = False
    prune_floor: float = 0.5
    retry: bool = False


class ScanView(Struct, kw_only=True):
    attempts: int
    cancel_requested: bool
    created_at: str
    error: JobError | None
    exclude: list[str]
    finished_at: str | None
    id: str
    max_attempts: int
    outcome: ScanOutcome
    paths: list[str]
    progress: Progress
    prune: bool
    retry: bool
    started_at: str | None
    status: Literal["queued", "running", "done", "failed", "cancelled"]


class SceneCaption(Struct, kw_only=True):
    by: str
    source: Literal["given", "model", "measured"]
    text: str
    licence: str | None = None


class SceneFacts(Struct, kw_only=True):
    brightness: float
    contrast: float
    cuts_per_minute: float
    loudness_lufs: float | None
    motion: float
    saturation: float
    speech: float
    warmth: float


class SceneMap(Struct, kw_only=True):
    points: list[MapPoint]
    revision: int
    total: int


class SegmentView(Struct, kw_only=True):
    end_seconds: float
    energy: float
    music_caption: str
    scene_captions: list[str]
    start_seconds: float
    title: str | None


class Shot(Struct, kw_only=True):
    begins: Literal["start", "cut", "fade"]
    end_frame: int
    end_seconds: float
    fingerprint: str
    start_frame: int
    start_seconds: float
    strength: float


class Span(Struct, kw_only=True):
    end_seconds: float
    start_seconds: float


class Strength(Struct, kw_only=True):
    strength: Interval
    system: str
    win_share: float


class StudySummary(Struct, kw_only=True):
    answers: int
    is_open: bool
    name: str
    places: int
    raters: int
    title: str


class TagView(Struct, kw_only=True):
    name: str
    score: float
    vocabulary: str


class TrackSummary(Struct, kw_only=True):
    added_at: str
    album: str | None
    album_artist: str | None
    arousal: float
    artist: str | None
    bpm: float
    disc_number: int | None
    duration_seconds: float
    generated: bool
    id: str
    key: str
    licence: str | None
    loudness_lufs: float | None
    path: str
    title: str | None
    track_number: int | None
    valence: float
    vocal_probability: float
    scene_caption: str | None = None
    tags: list[str] = field(default_factory=list)


class TrackView(Struct, kw_only=True):
    added_at: str
    album: str | None
    album_artist: str | None
    arousal: float
    artist: str | None
    bpm: float
    bpm_confidence: float
    channels: int
    codec: str
    disc_number: int | None
    duration_seconds: float
    energy_curve: list[float]
    generated: bool
    id: str
    key: str
    key_confidence: float
    licence: str | None
    loudness_lufs: float | None
    model_version: str
    path: str
    sample_rate: int
    segments: list[SegmentView]
    tags: list[TagView]
    title: str | None
    track_number: int | None
    valence: float
    vocal_confidence: float
    vocal_probability: float


class UsedSeed(Struct, kw_only=True):
    end_seconds: float
    start_seconds: float
    track: MatchedTrack
    weight: float


class VideoInfo(Struct, kw_only=True):
    audio_codec: str | None
    audio_streams: int
    codec: str
    container: str
    duration_seconds: float
    frame_rate: str
    frames: int
    height: int
    is_variable_rate: bool
    name: str
    rotation: int
    sha256: str
    size_bytes: int
    start_timecode: str | None
    video_streams: int
    width: int


class VideoScene(Struct, kw_only=True):
    end_frame: int
    end_seconds: float
    facts: SceneFacts
    first_shot: int
    keyframes_seconds: list[float]
    last_shot: int
    number: int
    start_frame: int
    start_seconds: float
    captions: list[SceneCaption] = field(default_factory=list)
    no_music: bool = False


class Waveform(Struct, kw_only=True):
    data: list[int]
    length: int
    samples_per_pixel: int
    bits: int = 8
    channels: int = 1
    sample_rate: int = 8000
    version: int = 2


class CueChange(Struct, kw_only=True):
    cue: str
    text: str
    what: Literal["kept", "moved", "trimmed", "swapped", "added", "removed"]
    after: list[Any] | None = None
    before: list[Any] | None = None
    missed: list[Landing] = field(default_factory=list)


class CuePlanSummary(Struct, kw_only=True):
    created_at: str
    error: JobError | None
    id: str
    name: str
    parent: str | None
    progress: Progress
    revision: int
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    updated_at: str
    video_bytes: int
    video_name: str


class CueTrack(Struct, kw_only=True):
    confidence: float
    ends_at: str
    energy_fit: float
    fit: float
    masking: float
    source_start_seconds: float
    starts_at: str
    track: MatchedTrack
    landings: list[Landing] = field(default_factory=list)
    reason: str = ""


class Difference(Struct, kw_only=True):
    difference: Interval
    first: str
    p_corrected: float
    p_value: float
    second: str
    standardised: float
    superiority: float
    wilcoxon_p_corrected: float


class FeedbackPage(Struct, kw_only=True):
    after: str | None
    opinions: list[Opinion]


class GenerationRequest(Struct, kw_only=True):
    backend: Literal["auto", "composer", "musicgen", "audiocraft"] = "auto"
    captions: list[str] | None = None
    hits: list[HitPoint] = []
    prompt: str | None = None
    seconds: float = 30.0
    seed: int | None = None
    takes: int = 3


class GenerationView(Struct, kw_only=True):
    attempts: int
    audio_url: str | None
    backend: str
    brief: str | None
    cancel_requested: bool
    commercial_use: Literal["yes", "no", "unknown"] | None
    created_at: str
    error: JobError | None
    finished_at: str | None
    id: str
    max_attempts: int
    progress: Progress
    prompt: str
    provenance: dict[str, Any] | None
    seconds: float
    seed: int
    started_at: str | None
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    track_id: str | None
    track_url: str | None
    weights_licence: str | None


class PlanDiff(Struct, kw_only=True):
    changes: list[CueChange]
    scenes_changed: int
    scenes_kept: int


class PreviewView(Struct, kw_only=True):
    error: JobError | None
    job_id: str
    lufs: float
    progress: Progress
    revision: int
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    url: str | None


class QuestionReport(Struct, kw_only=True):
    alpha: Interval | None
    differences: list[Difference]
    drift: Interval | None
    friedman_p: float | None
    icc: Interval | None
    key: str
    positions: list[Interval]
    scores: list[OpinionScore]
    text: str


class Reason(Struct, kw_only=True):
    points: float
    share: float
    stage: str
    text: str
    heard: Span | None = None


class ScanPage(Struct, kw_only=True):
    after: str | None
    scans: list[ScanView]


class SimilarHit(Struct, kw_only=True):
    rank: int
    reasons: list[Reason]
    scene_caption: str
    score: float
    tags: list[str]
    track: MatchedTrack
    why: str
    window: FoundWindow
    song: str | None = None


class SimilarResult(Struct, kw_only=True):
    hits: list[SimilarHit]
    seeds: list[UsedSeed]
    notice: str | None = None


class StudyList(Struct, kw_only=True):
    studies: list[StudySummary]


class StudyReport(Struct, kw_only=True):
    completion_codes: dict[str, str]
    counted: int
    duels: list[Duel]
    finished: int
    questions: list[QuestionReport]
    raters: list[Rater]
    strengths: list[Strength]
    title: str
    unreadable: int


class TrackPage(Struct, kw_only=True):
    after: str | None
    total: int
    tracks: list[TrackSummary]


class Cue(Struct, kw_only=True):
    end_frame: int
    end_seconds: float
    first_scene: int
    id: str
    kind: Literal["track", "silence", "open"]
    last_scene: int
    start_frame: int
    start_seconds: float
    alternatives: list[CueTrack] = field(default_factory=list)
    chosen: CueTrack | None = None
    ducks: list[Duck] = field(default_factory=list)
    fade_in_seconds: float = 0.0
    fade_out_seconds: float = 0.0
    gain_db: float = 0.0
    is_muted: bool = False
    is_pinned: bool = False
    notice: str | None = None
    usage: Literal["background", "visual", "theme"] = "background"


class CuePlan(Struct, kw_only=True):
    cues: list[Cue]
    scenes: list[VideoScene]
    value: float
    video: VideoInfo
    wishes: PlanWishes
    activity: list[float] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    shots: list[Shot] = field(default_factory=list)
    speech: list[list[Any]] = field(default_factory=list)
    speech_levels_db: list[list[float]] = field(default_factory=list)


class CuePlanPage(Struct, kw_only=True):
    after: str | None
    plans: list[CuePlanSummary]


class CuePlanView(Struct, kw_only=True):
    created_at: str
    diff: PlanDiff | None
    error: JobError | None
    generations: dict[str, FillView]
    id: str
    name: str
    parent: str | None
    plan: CuePlan | None
    previews: dict[str, PreviewView]
    progress: Progress
    revision: int
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    updated_at: str
    video: VideoInfo | None
    video_bytes: int
    video_name: str
    video_url: str | None


class GenerationPage(Struct, kw_only=True):
    after: str | None
    generations: list[GenerationView]


class Hit(Struct, kw_only=True):
    confidence: float
    rank: int
    reasons: list[Reason]
    scene_caption: str
    score: float
    tags: list[str]
    track: MatchedTrack
    window: FoundWindow
    facts: list[Fact] = field(default_factory=list)
    song: str | None = None


class MatchResult(Struct, kw_only=True):
    brief: str
    confidence: float
    decision: Literal["matched", "nothing_fits"]
    hits: list[Hit]
    reading: Reading
    generation: GenerationLink | None = None
    notice: str | None = None


class VideoMatch(Struct, kw_only=True):
    result: MatchResult
    scenes: list[VideoScene]
    video: VideoInfo
