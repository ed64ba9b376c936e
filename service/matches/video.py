"""A video in, fitting tracks out: the whole of it as one brief, answered at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from threading import BoundedSemaphore, Event
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
import msgspec
from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Operation

from indexer.matching.brief import MAX_CAPTIONS
from indexer.spotting import desk
from musiscene.errors import VideoLimitError
from service.cue_plans.captioning import captioner_of
from service.cue_plans.errors import FormError, TooLongForMatchError, TooManyUploadsError
from service.cue_plans.form import Form, receive_form
from service.cue_plans.run import video_limits
from service.cue_plans.schemas import VideoMatch
from service.cue_plans.store import VideoStore
from service.cue_plans.uploads import form_of
from service.errors import problems
from service.matches.schemas import MatchRequest
from service.matches.service import MatchService
from service.settings import ServiceSettings

if TYPE_CHECKING:
    from musiscene.video.analysis import VideoAnalysis

WATCHED_AT_ONCE: Final = 1
"""By one process: watching takes all cores."""


@dataclass
class MatchUpload(Operation):
    """Documents the form that a match is asked for with."""

    def __post_init__(self) -> None:
        """Add the form."""
        self.request_body = form_of("options")


class VideoMatches:
    """Answers videos from one library.

    Args:
        settings: Of the service.
        store: Where a video lies until it is answered.
        matches: Answers briefs.
    """

    def __init__(self, settings: ServiceSettings, store: VideoStore, matches: MatchService) -> None:
        self.store = store
        self.most_bytes = settings.video.max_bytes
        self._settings = settings.video
        self._matches = matches
        self._turns = BoundedSemaphore(WATCHED_AT_ONCE)

    def match(self, form: Form, stop: Event) -> VideoMatch:
        """The tracks that fit a video.

        Args:
            form: As it came.
            stop: Set when the client has gone.

        Returns:
            The tracks, and what was seen.

        Raises:
            FormError: If a part of the form cannot be read.
            TooManyUploadsError: If another video is being watched.
            TooLongForMatchError: If the video is too long.
            VideoError: If it cannot be watched.
            CaptionFileError: If the captions beside it cannot be read.
        """
        asked = _options(form.texts.get("options", ""))
        if not self._turns.acquire(timeout=1.0):
            raise TooManyUploadsError
        try:
            analysis = self._watched(form, stop)
        finally:
            self._turns.release()
        seen = desk.as_brief(analysis, most=MAX_CAPTIONS)
        whole = msgspec.structs.replace(asked, captions=list(seen), weights=list(seen.values()))
        result = self._matches.match(whole)
        return VideoMatch(video=analysis.info, scenes=analysis.scenes, result=result)

    def _watched(self, form: Form, stop: Event) -> VideoAnalysis:
        limits = video_limits(self._settings, max_seconds=self._settings.match_seconds)
        video = form.video
        try:
            analysis = desk.watch(
                video.path, name=video.name, limits=limits, progress=_say_nothing, stop=stop
            )
        except VideoLimitError as error:
            raise TooLongForMatchError(error.reason) from error
        captions = form.files.get("captions")
        given = desk.read_given(None if captions is None else captions.path, analysis.info)
        return desk.describe(
            analysis,
            video.path,
            captioner_of(self._settings),
            given,
            limits=limits,
            progress=_say_nothing,
            stop=stop,
        )


class VideoMatchController(Controller):
    """Finds tracks for videos."""

    path = "/v1/matches/video"
    tags = ("matches",)

    @post(
        "/",
        operation_id="matchVideo",
        summary="Find tracks for a video",
        status_code=200,
        operation_class=MatchUpload,
        request_max_body_size=None,  # `receive_form` has its own
        responses=problems(400, 408, 413, 415, 422, 503, 507),
    )
    async def match(
        self, request: Request[Any, Any, Any], video_matches: NamedDependency[VideoMatches]
    ) -> VideoMatch:
        """Watch a short video, and find the tracks that fit the whole of it, best first.

        Nothing of the video is kept. One that is too long for that goes to `/v1/cue-plans`.
        """
        stop = Event()
        with video_matches.store.receiving() as folder:
            form = await receive_form(
                request,
                video_matches.store,
                folder,
                most_bytes=video_matches.most_bytes,
                texts=frozenset({"options"}),
            )
            try:
                return await anyio.to_thread.run_sync(
                    partial(video_matches.match, form, stop), abandon_on_cancel=True
                )
            finally:
                stop.set()


def _options(text: str) -> MatchRequest:
    """Read what is asked beside the video.

    Args:
        text: JSON.

    Returns:
        The request; its captions are put in later.

    Raises:
        FormError: If it cannot be read.
    """
    try:
        given = msgspec.json.decode(text) if text.strip() else {}
        if not isinstance(given, dict) or "captions" in given or "weights" in given:
            raise FormError("options: a MatchRequest without captions and weights")
        asked = msgspec.convert({**given, "captions": ["-"]}, MatchRequest)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise FormError(f"options: {error}") from error
    if asked.fallback != "never":
        raise FormError("options: music for a video is made through /v1/cue-plans")
    return asked


def _say_nothing(_stage: str, _share: float) -> None:
    pass
