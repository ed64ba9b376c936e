"""HTTP for the briefs that were asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from indexer.catalogue.briefs import AskedBrief
from service.briefs.history import BriefHistory
from service.conditional import NOT_MODIFIED, answer
from service.cursors import After, PageSize, digest_of, page_by_id
from service.errors import problems


class BriefPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the briefs that were asked."""

    briefs: Sequence[AskedBrief]
    """Newest first."""
    after: str | None
    """To ask for the next page with; None on the last one."""


class BriefController(Controller):
    """The briefs that were asked, as long as they are remembered."""

    path = "/v1/briefs"
    tags = ("briefs",)

    @get(
        "/",
        operation_id="listBriefs",
        summary="List the briefs that were asked",
        sync_to_thread=True,
        responses={**problems(400, 503), **NOT_MODIFIED},
    )
    def briefs(
        self,
        request: Request[Any, Any, Any],
        brief_history: NamedDependency[BriefHistory],
        limit: PageSize = 50,
        after: After = None,
    ) -> Response[BriefPage]:
        """What was asked lately, and which tracks were found; the newest first."""
        brief_history.settle()
        shown, goes_on = page_by_id(
            lambda before, count: brief_history.briefs.page(before=before, limit=count),
            asked=digest_of("briefs"),
            limit=limit,
            after=after,
        )
        return answer(request, BriefPage(briefs=shown, after=goes_on))

    @get(
        "/{brief_id:uuid}",
        operation_id="getBrief",
        summary="One brief",
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def brief(
        self, brief_id: FromPath[UUID], brief_history: NamedDependency[BriefHistory]
    ) -> AskedBrief:
        """What was asked once, and which tracks were found."""
        brief_history.settle()
        return brief_history.briefs.brief(brief_id)

    @delete(
        "/{brief_id:uuid}",
        operation_id="deleteBrief",
        summary="Forget a brief",
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def forget(
        self, brief_id: FromPath[UUID], brief_history: NamedDependency[BriefHistory]
    ) -> None:
        """Forget one brief; what people said about its tracks stays."""
        brief_history.settle()
        brief_history.briefs.remove(brief_id)
