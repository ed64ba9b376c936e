"""What the page of a study and the service say to each other."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Token = Annotated[str, Meta(max_length=64)]
Heard = Annotated[float, Meta(ge=0, le=86_400)]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may know of a study."""

    title: str
    """Of the study."""
    welcome: str
    """What raters read first."""
    consent: str
    """What they agree to."""
    is_open: bool
    """Whether one can take part without a link of one's own."""
    pages: int
    """How many there are to answer."""
    minutes: int
    """How long that takes, about."""
    sound_check: str
    """Token of a sound by which to set the volume."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that can be given."""

    value: int
    """As it is kept."""
    label: str
    """As it is shown."""


class QuestionView(msgspec.Struct, frozen=True, kw_only=True):
    """One question of a page."""

    key: str
    """Of its value in the answer."""
    text: str
    """As it is shown."""
    choices: tuple[Choice, ...]
    """In the order of the keys 1, 2, ..."""
    low: str = ""
    """What the first choice means."""
    high: str = ""
    """What the last choice means."""


class PieceView(msgspec.Struct, frozen=True, kw_only=True):
    """One piece to hear."""

    token: str
    """By which it is asked for."""
    seconds: float
    """So much must be heard."""


class TrialView(msgspec.Struct, frozen=True, kw_only=True):
    """One page."""

    number: int
    """In the session, from 0."""
    kind: Literal["rating", "comparison", "check"]
    """What is asked."""
    text: str
    """Of the scene."""
    media: str | None
    """Name of its video or picture."""
    pieces: tuple[PieceView, ...]
    """One, or two to be compared."""
    questions: tuple[QuestionView, ...]
    """All must be answered."""


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a rater stands."""

    agreed: bool
    """Whether the rater agreed to take part."""
    done: int
    """Pages answered."""
    total: int
    """Pages in all."""
    trial: TrialView | None
    """The page to answer now; None at the end, or before the rater agreed."""
    upcoming: tuple[str, ...]
    """Tokens of the pieces on the next page, to be fetched before."""
    thanks: str | None
    """What is said at the end; None before."""
    code: str | None
    """Shows that the rater came to the end; None before."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A place in an open study."""

    token: str
    """Belongs behind the `#` of the study's address."""


class AnswerRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rater says on one page."""

    trial: Annotated[int, Meta(ge=0, le=1_000_000)]
    """Its number."""
    pieces: Annotated[tuple[Token, ...], Meta(max_length=2)]
    """What was heard there, in the order of the page."""
    values: Annotated[dict[Annotated[str, Meta(max_length=32)], int], Meta(max_length=32)]
    """Question -> choice."""
    heard_seconds: Annotated[tuple[Heard, ...], Meta(max_length=2)]
    """So much was heard of each piece."""
    plays: Annotated[int, Meta(ge=0, le=10_000)]
    """How often a piece was started."""
    milliseconds: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    """From the page to the answer."""
    touch: bool = False
    """Whether it was answered on a touch screen."""
