"""The service from ordinary code."""

from __future__ import annotations

import time
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
    from collections.abc import Iterator, Sequence
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


class Client:
    """A client of one service.

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        import httpx

        self._failure = httpx.TransportError
        self._retries = retries
        self._http = httpx.Client(
            base_url=base_url,
            headers=calls.headers_of(api_key),
            timeout=timeout_seconds,
            transport=transport,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def ready(self) -> Ready:
        """Whether briefs can be matched; `ProblemError` with status 503 while they cannot."""
        return self._call(calls.ready())

    def match(self, captions: Sequence[str], **options: Unpack[MatchOptions]) -> MatchResult:
        """The tracks that fit a brief, best first.

        Args:
            captions: What is seen; several captions describe one video together.
            **options: The fields of `MatchRequest`.

        Returns:
            The tracks, and whether the best of them fits.

        Raises:
            ProblemError: If the service refuses.
        """
        return self._call(calls.match(captions, options))

    def tracks(self, **query: Unpack[ListQuery]) -> TrackPage:
        """One page of the library's tracks; its `after` asks for the next one."""
        return self._call(calls.tracks(query))

    def all_tracks(self, **query: Unpack[ListQuery]) -> Iterator[TrackSummary]:
        """Every track of all pages, one after the other.

        Args:
            **query: As for `tracks`.

        Yields:
            The tracks in order.
        """
        while True:
            page = self.tracks(**query)
            yield from page.tracks
            if page.after is None:
                return
            query["after"] = page.after

    def track(self, track_id: str) -> TrackView:
        """Everything that is known of one track."""
        return self._call(calls.track(track_id))

    def waveform(self, track_id: str, *, points: int = 1_000) -> Waveform:
        """The outline of a track, in the layout of audiowaveform."""
        return self._call(calls.waveform(track_id, points))

    def similar(self, track_id: str, **query: Unpack[SimilarQuery]) -> SimilarResult:
        """The tracks that are most like one."""
        return self._call(calls.similar(track_id, query))

    def scene_map(self, *, limit: int = 5_000) -> SceneMap:
        """The library in a plane."""
        return self._call(calls.scene_map(limit))

    def give_feedback(
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
        return self._call(calls.give_feedback(said))

    def feedback(self, **query: Unpack[FeedbackQuery]) -> FeedbackPage:
        """One page of what people said, the newest first."""
        return self._call(calls.feedback(query))

    def delete_feedback(self, opinion_id: str) -> None:
        """Take back what was said."""
        self._call(calls.delete_feedback(opinion_id))

    def briefs(self, *, limit: int = 50, after: str | None = None) -> BriefPage:
        """One page of the briefs that were asked, the newest first."""
        return self._call(calls.briefs({"limit": limit, "after": after}))

    def brief(self, brief_id: str) -> AskedBrief:
        """One of the briefs that were asked."""
        return self._call(calls.brief(brief_id))

    def delete_brief(self, brief_id: str) -> None:
        """Forget a brief."""
        self._call(calls.delete_brief(brief_id))

    def generate(self, **options: Unpack[GenerationOptions]) -> GenerationView:
        """Have music made from a prompt or from captions; `generation` says how that goes on.

        Args:
            **options: The fields of `GenerationRequest`.

        Returns:
            The job, as it waits.

        Raises:
            ProblemError: If the service refuses, as when too many jobs wait.
        """
        return self._call(calls.generate(GenerationRequest(**options)))

    def generation(self, generation_id: str) -> GenerationView:
        """How a generation goes on, and where its music comes from."""
        return self._call(calls.generation(generation_id))

    def generations(self, **query: Unpack[JobQuery]) -> GenerationPage:
        """One page of the music that was asked for, the newest first."""
        return self._call(calls.generations(query))

    def cancel_generation(self, generation_id: str) -> GenerationView:
        """Stop a generation; one that has ended stays as it is."""
        return self._call(calls.cancel_generation(generation_id))

    def start_scan(self, paths: Sequence[str], **options: Unpack[ScanOptions]) -> ScanView:
        """Bring the library in step with folders of the service's machine.

        Args:
            paths: Within the folders that the service may read.
            **options: The fields of `ScanRequest`.

        Returns:
            The job, as it waits.

        Raises:
            ProblemError: If the service refuses.
        """
        return self._call(calls.start_scan(ScanRequest(paths=list(paths), **options)))

    def scan(self, scan_id: str) -> ScanView:
        """How a scan goes on, and what it did."""
        return self._call(calls.scan(scan_id))

    def scans(self, **query: Unpack[JobQuery]) -> ScanPage:
        """One page of scans, the newest first."""
        return self._call(calls.scans(query))

    def cancel_scan(self, scan_id: str) -> ScanView:
        """Stop a scan; what was stored stays."""
        return self._call(calls.cancel_scan(scan_id))

    def audio(self, track_id: str, *, start_byte: int = 0) -> Iterator[bytes]:
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
        yield from self._pieces(f"/v1/tracks/{track_id}/audio", start_byte=start_byte)

    def match_video(
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
        return self._call(calls.match_video(), upload)

    def plan_cues(
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
        return self._call(calls.plan_cues(parent), upload)

    def cue_plan(self, plan_id: str) -> CuePlanView:
        """How a plan goes on, and its cues."""
        return self._call(calls.cue_plan(plan_id))

    def cue_plans(self, *, limit: int = 50, after: str | None = None) -> CuePlanPage:
        """One page of plans, the newest first."""
        return self._call(calls.cue_plans({"limit": limit, "after": after}))

    def edit_cue_plan(self, plan_id: str, revision: int, edits: Sequence[CueEdit]) -> CuePlanView:
        """Make all of some changes of a plan, or none; refused where it is at another revision."""
        asked = PlanEdits(revision=revision, edits=list(edits))
        return self._call(calls.edit_cue_plan(plan_id, asked))

    def export_cue_plan(self, plan_id: str, format_name: str) -> bytes:
        """A plan as a file for another program, such as `otio` or `edl`."""
        path = f"{calls.CUE_PLANS}/{plan_id}/exports/{format_name}"
        return b"".join(self._pieces(path))

    def preview_cue_plan(
        self, plan_id: str, container: Literal["mp4", "wav", "mp3"] = "mp4", *, lufs: float = -14.0
    ) -> CuePlanView:
        """Have a preview mixed; `cue_plan` says when it is there."""
        asked = PreviewRequest(container=container, lufs=lufs)
        return self._call(calls.preview_cue_plan(plan_id, asked))

    def preview(self, plan_id: str, container: str = "mp4") -> Iterator[bytes]:
        """A preview that is there, piece by piece."""
        yield from self._pieces(f"{calls.CUE_PLANS}/{plan_id}/previews/{container}")

    def generate_for_cue(self, plan_id: str, cue: str) -> GenerationView:
        """Have music made for a cue that nothing fits."""
        return self._call(calls.generate_for_cue(plan_id, cue))

    def delete_cue_plan(self, plan_id: str) -> None:
        """Delete a plan with its video."""
        return self._call(calls.delete_cue_plan(plan_id))

    def _pieces(self, path: str, *, start_byte: int = 0) -> Iterator[bytes]:
        headers = {"Range": f"bytes={start_byte}-"} if start_byte else {}
        try:
            with self._http.stream("GET", path, headers=headers) as response:
                if response.status_code >= calls.FIRST_REFUSED:
                    response.read()
                    calls.check(response)
                yield from response.iter_bytes()
        except self._failure as error:
            raise calls.ConnectionFailedError(str(error)) from error

    def _call(self, call: calls.Call[T], upload: Upload | None = None) -> T:
        for attempt in count():
            try:
                with form_of(upload) as form:
                    response = self._http.request(**call.arguments(), **form)
            except self._failure as error:
                raise calls.ConnectionFailedError(str(error)) from error
            if response.status_code not in calls.PASSING or attempt >= self._retries:
                break
            time.sleep(calls.pause_seconds(response, attempt))
        return call.read(response)
