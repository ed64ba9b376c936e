"""The service from asynchronous code."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Literal, Self, TypeVar, Unpack

from musiscene.client import calls
from musiscene.client.schemas import (
    FeedbackRequest,
    GenerationRequest,
    PlanEdits,
    PreviewRequest,
    ScanRequest,
)
from musiscene.client.uploads import Upload, form_of, match_upload, plan_upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    import httpx

    from musiscene.client.queries import (
        FeedbackQuery,
        GenerationOptions,
        JobQuery,
        ListQuery,
        MatchOptions,
        ScanOptions,
        SimilarQuery,
    )
    from musiscene.client.schemas import (
        AskedBrief,
        BriefPage,
        CueEdit,
        CuePlanPage,
        CuePlanView,
        FeedbackPage,
        GenerationPage,
        GenerationView,
        MatchResult,
        Opinion,
        PlanWishes,
        Ready,
        ScanPage,
        ScanView,
        SceneMap,
        SimilarResult,
        TrackPage,
        TrackSummary,
        TrackView,
        VideoMatch,
        Waveform,
    )

T = TypeVar("T")


class AsyncClient:
    """A client of one service, for asynchronous code.

    Args:
        base_url: Where the service is.
        api_key: As `musiscene keys create` shows it; None where the service needs none.
        timeout_seconds: For an answer to begin, and between its pieces.
        retries: How often a request is sent again that the service was too busy for.
        transport: Of `httpx`, in place of the network.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        import httpx

        self._failure = httpx.TransportError
        self._retries = retries
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers=calls.headers_of(api_key),
            timeout=timeout_seconds,
            transport=transport,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def ready(self) -> Ready:
        """Whether briefs can be matched; `ProblemError` with status 503 while they cannot."""
        return await self._call(calls.ready())

    async def match(self, captions: Sequence[str], **options: Unpack[MatchOptions]) -> MatchResult:
        """The tracks that fit a brief, best first.

        Args:
            captions: What is seen; several captions describe one video together.
            **options: The fields of `MatchRequest`.

        Returns:
            The tracks, and whether the best of them fits.

        Raises:
            ProblemError: If the service refuses.
        """
        return await self._call(calls.match(captions, options))

    async def tracks(self, **query: Unpack[ListQuery]) -> TrackPage:
        """One page of the library's tracks; its `after` asks for the next one."""
        return await self._call(calls.tracks(query))

    async def all_tracks(self, **query: Unpack[ListQuery]) -> AsyncIterator[TrackSummary]:
        """Every track of all pages, one after the other.

        Args:
            **query: As for `tracks`.

        Yields:
            The tracks in order.
        """
        while True:
            page = await self.tracks(**query)
            for one in page.tracks:
                yield one
            if page.after is None:
                return
            query["after"] = page.after

    async def track(self, track_id: str) -> TrackView:
        """Everything that is known of one track."""
        return await self._call(calls.track(track_id))

    async def waveform(self, track_id: str, *, points: int = 1_000) -> Waveform:
        """The outline of a track, in the layout of audiowaveform."""
        return await self._call(calls.waveform(track_id, points))

    async def similar(self, track_id: str, **query: Unpack[SimilarQuery]) -> SimilarResult:
        """The tracks that are most like one."""
        return await self._call(calls.similar(track_id, query))

    async def scene_map(self, *, limit: int = 5_000) -> SceneMap:
        """The library in a plane."""
        return await self._call(calls.scene_map(limit))

    async def give_feedback(
        self,
        track_id: str,
        captions: Sequence[str],
        verdict: Literal["accept", "reject"],
        *,
        note: str | None = None,
    ) -> Opinion:
        """Say whether a track was right for a brief."""
        said = FeedbackRequest(
            track_id=track_id, captions=list(captions), verdict=verdict, note=note
        )
        return await self._call(calls.give_feedback(said))

    async def feedback(self, **query: Unpack[FeedbackQuery]) -> FeedbackPage:
        """One page of what people said, the newest first."""
        return await self._call(calls.feedback(query))

    async def delete_feedback(self, opinion_id: str) -> None:
        """Take back what was said."""
        await self._call(calls.delete_feedback(opinion_id))

    async def briefs(self, *, limit: int = 50, after: str | None = None) -> BriefPage:
        """One page of the briefs that were asked, the newest first."""
        return await self._call(calls.briefs({"limit": limit, "after": after}))

    async def brief(self, brief_id: str) -> AskedBrief:
        """One of the briefs that were asked."""
        return await self._call(calls.brief(brief_id))

    async def delete_brief(self, brief_id: str) -> None:
        """Forget a brief."""
        await self._call(calls.delete_brief(brief_id))

    async def generate(self, **options: Unpack[GenerationOptions]) -> GenerationView:
        """Have music made from a prompt or from captions; `generation` says how that goes on.

        Args:
            **options: The fields of `GenerationRequest`.

        Returns:
            The job, as it waits.

        Raises:
            ProblemError: If the service refuses, as when too many jobs wait.
        """
        return await self._call(calls.generate(GenerationRequest(**options)))

    async def generation(self, generation_id: str) -> GenerationView:
        """How a generation goes on, and where its music comes from."""
        return await self._call(calls.generation(generation_id))

    async def generations(self, **query: Unpack[JobQuery]) -> GenerationPage:
        """One page of the music that was asked for, the newest first."""
        return await self._call(calls.generations(query))

    async def cancel_generation(self, generation_id: str) -> GenerationView:
        """Stop a generation; one that has ended stays as it is."""
        return await self._call(calls.cancel_generation(generation_id))

    async def start_scan(self, paths: Sequence[str], **options: Unpack[ScanOptions]) -> ScanView:
        """Bring the library in step with folders of the service's machine.

        Args:
            paths: Within the folders that the service may read.
            **options: The fields of `ScanRequest`.

        Returns:
            The job, as it waits.

        Raises:
            ProblemError: If the service refuses.
        """
        return await self._call(calls.start_scan(ScanRequest(paths=list(paths), **options)))

    async def scan(self, scan_id: str) -> ScanView:
        """How a scan goes on, and what it did."""
        return await self._call(calls.scan(scan_id))

    async def scans(self, **query: Unpack[JobQuery]) -> ScanPage:
        """One page of scans, the newest first."""
        return await self._call(calls.scans(query))

    async def cancel_scan(self, scan_id: str) -> ScanView:
        """Stop a scan; what was stored stays."""
        return await self._call(calls.cancel_scan(scan_id))

    async def audio(self, track_id: str, *, start_byte: int = 0) -> AsyncIterator[bytes]:
        """The track's own file, piece by piece.

        Args:
            track_id: The track.
            start_byte: Where to begin, to go on after a break.

        Yields:
            Its bytes.

        Raises:
            ProblemError: If the service refuses.
            ConnectionFailedError: If the service cannot be reached.
        """
        async for piece in self._pieces(f"/v1/tracks/{track_id}/audio", start_byte=start_byte):
            yield piece

    async def match_video(
        self, video: Path, *, captions: Path | None = None, **options: Unpack[MatchOptions]
    ) -> VideoMatch:
        """Find tracks for the whole of a short video.

        Args:
            video: The file; it is sent as it is read.
            captions: Subtitles or markers of it.
            **options: Fields of `MatchRequest`.

        Returns:
            What was seen, and the tracks, best first.

        Raises:
            ProblemError: If the service refuses.
            ConnectionFailedError: If the service cannot be reached.
        """
        upload = match_upload(video, captions=captions, options=options)
        return await self._call(calls.match_video(), upload)

    async def plan_cues(
        self,
        video: Path,
        *,
        captions: Path | None = None,
        name: str = "",
        wishes: PlanWishes | None = None,
        replace_temp: bool = False,
        parent: str | None = None,
    ) -> CuePlanView:
        """Have music planned for a video.

        Args:
            video: The file; it is sent as it is read.
            captions: Subtitles or markers of it.
            name: What the plan is called; the file's name without.
            wishes: What is wanted.
            replace_temp: Whether tracks are to go as the music goes that lies under the picture.
            parent: The plan of the video's version before.

        Returns:
            The plan, which is on its way; ask `cue_plan` how it goes on.

        Raises:
            ProblemError: If the service refuses.
            ConnectionFailedError: If the service cannot be reached.
        """
        upload = plan_upload(
            video, captions=captions, name=name, wishes=wishes, replace_temp=replace_temp
        )
        return await self._call(calls.plan_cues(parent), upload)

    async def cue_plan(self, plan_id: str) -> CuePlanView:
        """How a plan goes on, and its cues."""
        return await self._call(calls.cue_plan(plan_id))

    async def cue_plans(self, *, limit: int = 50, after: str | None = None) -> CuePlanPage:
        """One page of plans, the newest first."""
        return await self._call(calls.cue_plans({"limit": limit, "after": after}))

    async def edit_cue_plan(
        self, plan_id: str, revision: int, edits: Sequence[CueEdit]
    ) -> CuePlanView:
        """Make all of some changes of a plan, or none; refused where it is at another revision."""
        asked = PlanEdits(revision=revision, edits=list(edits))
        return await self._call(calls.edit_cue_plan(plan_id, asked))

    async def export_cue_plan(self, plan_id: str, format_name: str) -> bytes:
        """A plan as a file for another program, such as `otio` or `edl`."""
        path = f"{calls.CUE_PLANS}/{plan_id}/exports/{format_name}"
        return b"".join([one async for one in self._pieces(path)])

    async def preview_cue_plan(
        self, plan_id: str, container: Literal["mp4", "wav", "mp3"] = "mp4", *, lufs: float = -14.0
    ) -> CuePlanView:
        """Have a preview mixed; `cue_plan` says when it is there."""
        asked = PreviewRequest(container=container, lufs=lufs)
        return await self._call(calls.preview_cue_plan(plan_id, asked))

    async def preview(self, plan_id: str, container: str = "mp4") -> AsyncIterator[bytes]:
        """A preview that is there, piece by piece."""
        path = f"{calls.CUE_PLANS}/{plan_id}/previews/{container}"
        async for piece in self._pieces(path):
            yield piece

    async def generate_for_cue(self, plan_id: str, cue: str) -> GenerationView:
        """Have music made for a cue that nothing fits."""
        return await self._call(calls.generate_for_cue(plan_id, cue))

    async def delete_cue_plan(self, plan_id: str) -> None:
        """Delete a plan with its video."""
        return await self._call(calls.delete_cue_plan(plan_id))

    async def _pieces(self, path: str, *, start_byte: int = 0) -> AsyncIterator[bytes]:
        headers = {"Range": f"bytes={start_byte}-"} if start_byte else {}
        try:
            async with self._http.stream("GET", path, headers=headers) as response:
                if response.status_code >= calls.FIRST_REFUSED:
                    await response.aread()
                    calls.check(response)
                async for piece in response.aiter_bytes():
                    yield piece
        except self._failure as error:
            raise calls.ConnectionFailedError(str(error)) from error

    async def _call(self, call: calls.Call[T], upload: Upload | None = None) -> T:
        for attempt in count():
            try:
                with form_of(upload) as form:
                    response = await self._http.request(**call.arguments(), **form)
            except self._failure as error:
                raise calls.ConnectionFailedError(str(error)) from error
            if response.status_code not in calls.PASSING or attempt >= self._retries:
                break
            await asyncio.sleep(calls.pause_seconds(response, attempt))
        return call.read(response)
