"""What the two clients have in common: requests, answers, errors and patience.

ServiceClientError
├── ProblemError              the service refused; carries its code
└── ConnectionFailedError     the service cannot be reached
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from musiscene.client.schemas import (
    AskedBrief,
    BriefPage,
    CuePlanPage,
    CuePlanView,
    FeedbackPage,
    FeedbackRequest,
    GenerationPage,
    GenerationRequest,
    GenerationView,
    MatchRequest,
    MatchResult,
    Opinion,
    PlanEdits,
    PreviewRequest,
    Problem,
    Ready,
    ScanPage,
    ScanRequest,
    ScanView,
    SceneMap,
    SimilarResult,
    TrackPage,
    TrackView,
    VideoMatch,
    Waveform,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

T = TypeVar("T")

PASSING: Final = frozenset({429, 503})
"""Answers after which trying again may help."""
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
FIRST_REFUSED: Final = 400
CODE_PREFIX: Final = "urn:musiscene:"
CUE_PLANS: Final = "/v1/cue-plans"


class ServiceClientError(Exception):
    """A call that has no answer."""


class ConnectionFailedError(ServiceClientError):
    """The service cannot be reached, or hung up."""


class ProblemError(ServiceClientError):
    """The service refused a request.

    Args:
        problem: Why.
        request_id: Names the request in the service's log.

    Attributes:
        problem: As given.
        request_id: As given.
    """

    def __init__(self, problem: Problem, request_id: str) -> None:
        self.problem = problem
        self.request_id = request_id
        super().__init__(f"{problem.title} ({self.code}, status {problem.status})")

    @property
    def code(self) -> str:
        """The stable code, such as `track-not-found`."""
        return self.problem.type.removeprefix(CODE_PREFIX)


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One request, and the type of its answer."""

    method: str
    path: str
    answer: type[T]
    query: Mapping[str, Any] = MappingProxyType({})
    body: bytes | None = None

    def arguments(self) -> dict[str, Any]:
        """For `httpx.Client.request`; parameters that are None are left out."""
        query = {name: value for name, value in self.query.items() if value is not None}
        headers = {} if self.body is None else {"Content-Type": "application/json"}
        return {
            "method": self.method,
            "url": self.path,
            "params": query,
            "content": self.body,
            "headers": headers,
        }

    def read(self, response: httpx.Response) -> T:
        """The answer.

        Args:
            response: Whole.

        Returns:
            What it says.

        Raises:
            ProblemError: If it is a refusal.
        """
        check(response)
        if self.answer is type(None):
            return None
        return msgspec.json.decode(response.content, type=self.answer)


def check(response: httpx.Response) -> None:
    """See that a request was not refused.

    Args:
        response: Its body was read.

    Raises:
        ProblemError: If it was.
    """
    if response.status_code < FIRST_REFUSED:
        return
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except msgspec.DecodeError:  # a proxy's own page
        problem = Problem(
            type=f"{CODE_PREFIX}http-{response.status_code}",
            title=response.reason_phrase,
            status=response.status_code,
        )
    raise ProblemError(problem, response.headers.get("x-request-id", ""))


def pause_seconds(response: httpx.Response, attempt: int) -> float:
    """How long to wait before trying again.

    Args:
        response: One of `PASSING`.
        attempt: How often was tried before, from 0.

    Returns:
        What `Retry-After` asks for, or twice as long each time.
    """
    asked = response.headers.get("retry-after", "")
    seconds = float(asked) if asked.isdecimal() else FIRST_PAUSE_SECONDS * 2.0**attempt
    return min(seconds, LONGEST_PAUSE_SECONDS)


def headers_of(api_key: str | None) -> dict[str, str]:
    """What every request carries."""
    return {} if api_key is None else {"Authorization": f"Bearer {api_key}"}


# ---- operations -------------------------------------------------------------------------------


def ready() -> Call[Ready]:
    """Whether briefs can be matched."""
    return Call(method="GET", path="/health/ready", answer=Ready)


def match(captions: Sequence[str], options: Mapping[str, Any]) -> Call[MatchResult]:
    """Tracks for a brief."""
    body = msgspec.json.encode(MatchRequest(captions=list(captions), **options))
    return Call(method="POST", path="/v1/matches", answer=MatchResult, body=body)


def tracks(query: Mapping[str, Any]) -> Call[TrackPage]:
    """One page of tracks."""
    return Call(method="GET", path="/v1/tracks", answer=TrackPage, query=query)


def track(track_id: str) -> Call[TrackView]:
    """One track."""
    return Call(method="GET", path=f"/v1/tracks/{track_id}", answer=TrackView)


def waveform(track_id: str, points: int) -> Call[Waveform]:
    """The outline of a track."""
    path = f"/v1/tracks/{track_id}/waveform"
    return Call(method="GET", path=path, answer=Waveform, query={"points": points})


def similar(track_id: str, query: Mapping[str, Any]) -> Call[SimilarResult]:
    """Tracks that are like one."""
    path = f"/v1/tracks/{track_id}/similar"
    return Call(method="GET", path=path, answer=SimilarResult, query=query)


def scene_map(limit: int) -> Call[SceneMap]:
    """The library in a plane."""
    return Call(method="GET", path="/v1/map", answer=SceneMap, query={"limit": limit})


def give_feedback(opinion: FeedbackRequest) -> Call[Opinion]:
    """Say whether a track was right."""
    body = msgspec.json.encode(opinion)
    return Call(method="POST", path="/v1/feedback", answer=Opinion, body=body)


def feedback(query: Mapping[str, Any]) -> Call[FeedbackPage]:
    """One page of what was said."""
    return Call(method="GET", path="/v1/feedback", answer=FeedbackPage, query=query)


def delete_feedback(opinion_id: str) -> Call[None]:
    """Take back what was said."""
    return Call(method="DELETE", path=f"/v1/feedback/{opinion_id}", answer=type(None))


def briefs(query: Mapping[str, Any]) -> Call[BriefPage]:
    """One page of the briefs that were asked."""
    return Call(method="GET", path="/v1/briefs", answer=BriefPage, query=query)


def brief(brief_id: str) -> Call[AskedBrief]:
    """One of them."""
    return Call(method="GET", path=f"/v1/briefs/{brief_id}", answer=AskedBrief)


def delete_brief(brief_id: str) -> Call[None]:
    """Forget one of them."""
    return Call(method="DELETE", path=f"/v1/briefs/{brief_id}", answer=type(None))


def generate(request: GenerationRequest) -> Call[GenerationView]:
    """Have music made."""
    body = msgspec.json.encode(request)
    return Call(method="POST", path="/v1/generations", answer=GenerationView, body=body)


def generation(generation_id: str) -> Call[GenerationView]:
    """How that goes on."""
    path = f"/v1/generations/{generation_id}"
    return Call(method="GET", path=path, answer=GenerationView)


def generations(query: Mapping[str, Any]) -> Call[GenerationPage]:
    """One page of the music that was asked for."""
    return Call(method="GET", path="/v1/generations", answer=GenerationPage, query=query)


def cancel_generation(generation_id: str) -> Call[GenerationView]:
    """Have it stopped."""
    path = f"/v1/generations/{generation_id}"
    return Call(method="DELETE", path=path, answer=GenerationView)


def start_scan(request: ScanRequest) -> Call[ScanView]:
    """Bring the library in step with folders."""
    body = msgspec.json.encode(request)
    return Call(method="POST", path="/v1/scans", answer=ScanView, body=body)


def scan(scan_id: str) -> Call[ScanView]:
    """How that goes on."""
    return Call(method="GET", path=f"/v1/scans/{scan_id}", answer=ScanView)


def scans(query: Mapping[str, Any]) -> Call[ScanPage]:
    """One page of scans."""
    return Call(method="GET", path="/v1/scans", answer=ScanPage, query=query)


def cancel_scan(scan_id: str) -> Call[ScanView]:
    """Have it stopped."""
    return Call(method="DELETE", path=f"/v1/scans/{scan_id}", answer=ScanView)


def match_video() -> Call[VideoMatch]:
    """Tracks for a short video; its form goes beside."""
    return Call(method="POST", path="/v1/matches/video", answer=VideoMatch)


def plan_cues(parent: str | None) -> Call[CuePlanView]:
    """Queue a plan for a video, or for a new version of one; its form goes beside."""
    path = CUE_PLANS if parent is None else f"{CUE_PLANS}/{parent}/recuts"
    return Call(method="POST", path=path, answer=CuePlanView)


def cue_plan(plan_id: str) -> Call[CuePlanView]:
    """How a plan goes on."""
    return Call(method="GET", path=f"{CUE_PLANS}/{plan_id}", answer=CuePlanView)


def cue_plans(query: Mapping[str, Any]) -> Call[CuePlanPage]:
    """One page of plans."""
    return Call(method="GET", path=CUE_PLANS, answer=CuePlanPage, query=query)


def edit_cue_plan(plan_id: str, edits: PlanEdits) -> Call[CuePlanView]:
    """Change a plan."""
    body = msgspec.json.encode(edits)
    return Call(method="PATCH", path=f"{CUE_PLANS}/{plan_id}", answer=CuePlanView, body=body)


def preview_cue_plan(plan_id: str, request: PreviewRequest) -> Call[CuePlanView]:
    """Queue a mix."""
    body = msgspec.json.encode(request)
    path = f"{CUE_PLANS}/{plan_id}/previews"
    return Call(method="POST", path=path, answer=CuePlanView, body=body)


def generate_for_cue(plan_id: str, cue: str) -> Call[GenerationView]:
    """Queue music for a cue that nothing fits."""
    path = f"{CUE_PLANS}/{plan_id}/cues/{cue}/generation"
    return Call(method="POST", path=path, answer=GenerationView)


def delete_cue_plan(plan_id: str) -> Call[None]:
    """Delete a plan with its video."""
    return Call(method="DELETE", path=f"{CUE_PLANS}/{plan_id}", answer=type(None))
