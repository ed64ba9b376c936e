"""What a match request may hold."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from indexer.matching.brief import MAX_CAPTION_CHARACTERS, MAX_CAPTIONS, MAX_WEIGHT
from indexer.windows import Arc
from service.filters import FilterInput

Text = Annotated[str, Meta(min_length=1, max_length=MAX_CAPTION_CHARACTERS)]


class MatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A brief: what is seen, and what the music must or must not be."""

    captions: Annotated[
        list[Text],
        Meta(
            min_length=1,
            max_length=MAX_CAPTIONS,
            description="What is seen; several captions describe one video together.",
            examples=[["a toddler blows out birthday candles and everybody laughs"]],
        ),
    ]
    weights: (
        Annotated[
            list[Annotated[float, Meta(gt=0, le=MAX_WEIGHT)]],
            Meta(
                min_length=1,
                max_length=MAX_CAPTIONS,
                description="How much each caption counts, such as its seconds; alike if absent.",
                examples=[[12.5]],
            ),
        ]
        | None
    ) = None
    top_k: Annotated[
        int, Meta(ge=1, le=100, description="How many tracks to return at most.", examples=[10])
    ] = 10
    filter: FilterInput = ""
    negatives: Annotated[
        list[Text],
        Meta(max_length=20, description="What is not wanted.", examples=[["drums"]]),
    ] = []
    unlike: Annotated[
        list[UUID],
        Meta(max_length=20, description="Ids of tracks that the answer must not be like."),
    ] = []
    length_seconds: (
        Annotated[
            float,
            Meta(gt=0, le=14_400, description="Wanted length; shorter tracks are left out."),
        ]
        | None
    ) = None
    arc: (
        Annotated[Arc, Meta(description="The course that the window's energy should take.")] | None
    ) = None
    use_feedback: Annotated[
        bool, Meta(description="Whether what people said about earlier answers counts.")
    ] = True
    remember: Annotated[
        bool, Meta(description="Whether the brief goes into the history of briefs.")
    ] = True
    fallback: Annotated[
        Literal["never", "auto", "always"],
        Meta(
            description="Whether to make music: `auto` when nothing fits, `always` in any case. "
            "The answer is 202 then, with the near misses, and `generation` names the music."
        ),
    ] = "never"
