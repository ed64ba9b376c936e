"""What may be said with a request, by name."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Order = Literal[
    "added", "-added", "title", "-title", "artist", "-artist", "bpm", "-bpm", "duration",
    "-duration",
]  # fmt: skip


class MatchOptions(TypedDict, total=False):
    """The fields of `MatchRequest` beside its captions."""

    weights: list[float] | None
    top_k: int
    filter: str | dict[str, Any]
    negatives: list[str]
    unlike: list[str]
    length_seconds: float | None
    arc: Literal["build", "steady", "release"] | None
    use_feedback: bool
    remember: bool
    fallback: Literal["never", "auto", "always"]


class ListQuery(TypedDict, total=False):
    """What a list of tracks is asked for."""

    filter: str
    q: str
    sort: Order
    limit: int
    after: str | None


class SimilarQuery(TypedDict, total=False):
    """What similar tracks are asked for."""

    top_k: int
    filter: str
    diversity: float
    per_artist: int | None
    section: str


class FeedbackQuery(TypedDict, total=False):
    """What a list of opinions is asked for."""

    track_id: str | None
    q: str
    limit: int
    after: str | None


class GenerationOptions(TypedDict, total=False):
    """The fields of `GenerationRequest`: a prompt, or the captions of a brief."""

    prompt: str | None
    captions: list[str] | None
    seconds: float
    seed: int | None
    backend: Literal["auto", "composer"]


class ScanOptions(TypedDict, total=False):
    """The fields of `ScanRequest` beside its paths."""

    exclude: list[str]
    retry: bool
    prune: bool
    prune_floor: float


class JobQuery(TypedDict, total=False):
    """What a list of jobs is asked for."""

    status: Literal["queued", "running", "done", "failed", "cancelled"] | None
    limit: int
    after: str | None
