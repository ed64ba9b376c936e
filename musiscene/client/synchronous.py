"""The service from ordinary code."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Literal, Self, TypeVar, Unpack

from musiscene.client import calls
from musiscene.client.schemas import FeedbackRequest, GenerationRequest, ScanRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        FeedbackPage,
        GenerationPage,
        GenerationView,
        MatchResult,
        Opinion,
        Ready,
        ScanPage,
        ScanView,
        SceneMap,
        SimilarResult,
        TrackPage,
        TrackSummary,
        TrackView,
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
        headers = {"Range": f"bytes={start_byte}-"} if start_byte else {}
        path = f"/v1/tracks/{track_id}/audio"
        try:
            with self._http.stream("GET", path, headers=headers) as response:
                if response.status_code >= calls.FIRST_REFUSED:
                    response.read()
                    calls.check(response)
                yield from response.iter_bytes()
        except self._failure as error:
            raise calls.ConnectionFailedError(str(error)) from error

    def _call(self, call: calls.Call[T]) -> T:
        for attempt in count():
            try:
                response = self._http.request(**call.arguments())
            except self._failure as error:
                raise calls.ConnectionFailedError(str(error)) from error
            if response.status_code not in calls.PASSING or attempt >= self._retries:
                break
            time.sleep(calls.pause_seconds(response, attempt))
        return call.read(response)
