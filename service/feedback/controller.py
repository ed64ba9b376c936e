"""HTTP for what people said about the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from indexer.catalogue.opinions import Opinion, Verdict
from indexer.feedback import MAX_BRIEF_LINES, MAX_NOTE_CHARACTERS, note_opinion
from indexer.matching.brief import MAX_CAPTION_CHARACTERS
from service.conditional import NOT_MODIFIED, answer
from service.cursors import After, PageSize, digest_of, page_by_id
from service.errors import problems
from service.serving import Serving

Caption = Annotated[str, Meta(min_length=1, max_length=MAX_CAPTION_CHARACTERS)]


class FeedbackRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says about one track of an answer."""

    track_id: UUID
    captions: Annotated[
        list[Caption],
        Meta(
            min_length=1,
            max_length=MAX_BRIEF_LINES,
            description="Of the brief that the track was an answer to.",
            examples=[["rain on a window"]],
        ),
    ]
    verdict: Verdict
    note: Annotated[str, Meta(max_length=MAX_NOTE_CHARACTERS)] | None = None
    """Why, in the person's own words."""


class FeedbackPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what people said."""

    opinions: Sequence[Opinion]
    """Newest first."""
    after: str | None
    """To ask for the next page with; None on the last one."""


class FeedbackController(Controller):
    """Says which tracks were right for a brief, and which were not."""

    path = "/v1/feedback"
    tags = ("feedback",)

    @post(
        "/",
        operation_id="giveFeedback",
        summary="Say whether a track was right for a brief",
        sync_to_thread=True,
        responses=problems(400, 404, 413, 415, 503),
    )
    def give(
        self, data: JSONBody[FeedbackRequest], serving: NamedDependency[Serving]
    ) -> Response[Opinion]:
        """Note one opinion; a second one about the same track and brief replaces the first.

        The very next match goes by it, unless it says `"use_feedback": false`.
        """
        opinion = note_opinion(
            serving.library.catalogue,
            serving.library.embedder,
            track_id=data.track_id,
            brief="\n".join(data.captions),
            verdict=data.verdict,
            note=data.note,
        )
        return Response(opinion, headers={"Location": f"{self.path}/{opinion.id}"})

    @get(
        "/",
        operation_id="listFeedback",
        summary="List what was said",
        sync_to_thread=True,
        responses={**problems(400, 503), **NOT_MODIFIED},
    )
    def opinions(
        self,
        request: Request[Any, Any, Any],
        serving: NamedDependency[Serving],
        track_id: Annotated[
            UUID | None, QueryParameter(description="Only about this track.")
        ] = None,
        q: Annotated[
            str,
            QueryParameter(
                max_length=500, description="Only with this in the brief or the note, in any case."
            ),
        ] = "",
        limit: PageSize = 50,
        after: After = None,
    ) -> Response[FeedbackPage]:
        """What people said, the newest first."""
        opinions = serving.library.catalogue.opinions
        shown, goes_on = page_by_id(
            lambda before, count: opinions.page(
                track_id=track_id, text=q, before=before, limit=count
            ),
            asked=digest_of("feedback", track_id, q),
            limit=limit,
            after=after,
        )
        return answer(request, FeedbackPage(opinions=shown, after=goes_on))

    @get(
        "/{opinion_id:uuid}",
        operation_id="getFeedback",
        summary="One opinion",
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def opinion(self, opinion_id: FromPath[UUID], serving: NamedDependency[Serving]) -> Opinion:
        """What was said once."""
        return serving.library.catalogue.opinions.opinion(opinion_id)

    @delete(
        "/{opinion_id:uuid}",
        operation_id="deleteFeedback",
        summary="Take back an opinion",
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def remove(self, opinion_id: FromPath[UUID], serving: NamedDependency[Serving]) -> None:
        """Forget one opinion; the next match does not go by it."""
        serving.library.catalogue.opinions.remove(opinion_id)
