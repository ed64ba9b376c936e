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
