"""Errors -> HTTP: one table, answered as problem details (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

from indexer.errors import (
    BriefError,
    BriefNotFoundError,
    CatalogueError,
    CursorError,
    FilterError,
    FilterObjectError,
    FilterSyntaxError,
    IdempotencyKeyError,
    IndexerError,
    JobNotFoundError,
    LibraryBusyError,
    LibraryPathError,
    NothingIndexedError,
    OpinionFileError,
    OpinionNotFoundError,
    PatternError,
    PlanChangedError,
    PlanNotFoundError,
    PruneFloorError,
    SeedError,
    SpottingError,
    TrackNotFoundError,
    VectorIndexError,
    WaveformError,
)
from indexer.spotting.errors import CueEditError, CueNotFoundError, ExportError, PlanUnfinishedError
from musiscene.errors import (
    AnswerError,
    CaptionerError,
    CaptionFileError,
    GenerationError,
    GeneratorMissingError,
    ModelError,
    MusiSceneError,
    RaterUnknownError,
    VideoError,
    VideoLimitError,
    VideoTimeoutError,
    VideoToolsMissingError,
)
from service.cue_plans.errors import (
    DiskFullError,
    FormError,
    FormTypeError,
    TooLongForMatchError,
    TooManyUploadsError,
    UploadTooLargeError,
    VideoGoneError,
)
from service.jobs.errors import (
    GeneratedAudioError,
    PathMissingError,
    PathRefusedError,
    QueueLimitError,
)
from service.media_types import MediaTypeError
from service.problems import PROBLEM_JSON, Problem, WarmingError
from service.request_ids import request_id_of
from service.security.errors import (
    BodyLateError,
    KeyMissingError,
    KeyRefusedError,
    NotLocalError,
    ScopeMissingError,
    TooManyFailuresError,
    TooManyStreamsError,
)
from service.tracks.errors import AudioGoneError, DrawingBusyError, RangeError

if TYPE_CHECKING:
    from litestar import Request
    from litestar.types import ExceptionHandlersMap

logger = logging.getLogger(__name__)


STATUS_OF: dict[type[Exception], tuple[int, str]] = {
    BriefError: (400, "brief-invalid"),
    FilterError: (400, "filter-invalid"),
    TrackNotFoundError: (404, "track-not-found"),
    OpinionNotFoundError: (404, "opinion-not-found"),
    OpinionFileError: (400, "opinions-invalid"),
    BriefNotFoundError: (404, "brief-not-found"),
    CursorError: (400, "cursor-invalid"),
    SeedError: (400, "seed-invalid"),
    AudioGoneError: (404, "audio-gone"),
    MediaTypeError: (415, "media-type-unsupported"),
    RangeError: (416, "range-invalid"),
    WaveformError: (422, "waveform-unavailable"),
    DrawingBusyError: (503, "waveform-busy"),
    JobNotFoundError: (404, "job-not-found"),
    IdempotencyKeyError: (409, "idempotency-key-reused"),
    QueueLimitError: (429, "queue-full"),
    PathRefusedError: (403, "path-not-allowed"),
    PathMissingError: (400, "path-missing"),
    LibraryPathError: (400, "path-missing"),
    PatternError: (400, "pattern-invalid"),
    PruneFloorError: (409, "prune-refused"),
    GeneratedAudioError: (404, "generation-audio-missing"),
    GenerationError: (400, "generation-invalid"),
    GeneratorMissingError: (503, "generator-missing"),
    KeyMissingError: (401, "key-missing"),
    KeyRefusedError: (401, "key-refused"),
    ScopeMissingError: (403, "scope-missing"),
    NotLocalError: (403, "not-local"),
    TooManyFailuresError: (429, "too-many-failures"),
    BodyLateError: (408, "body-late"),
    TooManyStreamsError: (503, "too-many-streams"),
    RecursionError: (400, "nested-too-deeply"),
    FormTypeError: (415, "media-type-unsupported"),
    FormError: (400, "form-invalid"),
    UploadTooLargeError: (413, "body-too-large"),
    TooLongForMatchError: (413, "video-too-long"),
    DiskFullError: (507, "disk-full"),
    TooManyUploadsError: (503, "too-many-uploads"),
    VideoGoneError: (404, "video-gone"),
    VideoError: (422, "video-unusable"),
    VideoLimitError: (413, "video-too-large"),
    VideoTimeoutError: (422, "video-too-slow"),
    VideoToolsMissingError: (503, "video-tools-missing"),
    CaptionFileError: (422, "captions-unusable"),
    CaptionerError: (503, "captioner-unusable"),
    PlanNotFoundError: (404, "cue-plan-not-found"),
    CueNotFoundError: (404, "cue-not-found"),
    CueEditError: (400, "cue-edit-invalid"),
    PlanChangedError: (409, "cue-plan-changed"),
    PlanUnfinishedError: (409, "cue-plan-unfinished"),
    ExportError: (422, "export-impossible"),
    SpottingError: (422, "cue-plan-impossible"),
    AnswerError: (409, "answer-refused"),
    RaterUnknownError: (404, "rater-unknown"),
    WarmingError: (503, "warming-up"),
    NothingIndexedError: (503, "nothing-indexed"),
    VectorIndexError: (503, "index-unusable"),
    LibraryBusyError: (409, "library-busy"),
    CatalogueError: (503, "catalogue-unusable"),
    ModelError: (503, "model-unusable"),
    IndexerError: (500, "indexer-failed"),
    MusiSceneError: (500, "musiscene-failed"),
}
"""Error -> status and code. A kind that is not named takes its base class's row."""

SHOWN_BELOW = 500
"""From this status on, the message may tell of this machine's paths, so it is only logged."""


def to_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """The answer to a request that failed."""
    if isinstance(error, HTTPException):
        return _respond(
            request,
            Problem(
                type=f"urn:musiscene:{_code_of(error)}",
                title=error.detail,
                status=error.status_code,
                errors=_fields(error),
            ),
            headers=error.headers,
        )
    for kind in type(error).__mro__:
        if kind in STATUS_OF:
            status, code = STATUS_OF[kind]
            logger.info("%s %s: %s", request.method, request.url.path, error)
            title = told(error) if status < SHOWN_BELOW else "The service failed."
            return _respond(
                request,
                Problem(
                    type=f"urn:musiscene:{code}",
                    title=_TITLES.get(code, title),
                    status=status,
                    errors=_parts(error),
                ),
                headers=dict(getattr(error, "headers", {})),
            )
    logger.exception("%s %s", request.method, request.url.path, exc_info=error)
    return _respond(
        request, Problem(type="urn:musiscene:internal", title="The service failed.", status=500)
    )


_CODES = {
    400: "request-malformed",
    401: "key-missing",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    408: "request-late",
    413: "body-too-large",
    415: "media-type-unsupported",
    429: "too-many-requests",
    500: "internal",
    503: "unavailable",
}
"""Of what the framework refuses."""

_TITLES = {
    "warming-up": "The vectors are being opened; come again in a moment.",
    "library-busy": "Another `musiscene index` is at work in this library; wait for it.",
    "disk-full": "There is no room for this video on the service's disk; delete others.",
    "too-many-uploads": "Too many videos are being sent; come again in a moment.",
    "video-tools-missing": "What watches videos is not installed: pip install 'musiscene[video]'.",
    "captioner-unusable": "The captioner cannot be used; the service's log says why.",
    "too-many-streams": "Too many streams of events are open; poll, or come again.",
    "nested-too-deeply": "The body is nested too deeply.",
    "nothing-indexed": "Nothing is indexed yet; run `musiscene index FOLDER`.",
    "index-unusable": "The vector index cannot be used; the service's log says why.",
    "catalogue-unusable": "The catalogue cannot be used; the service's log says why.",
    "model-unusable": "A model cannot be used; the service's log says why.",
    "indexer-failed": "The library could not answer; the service's log says why.",
    "musiscene-failed": "A model could not answer; the service's log says why.",
}
"""In place of messages that may tell of this machine's paths; those are only logged."""


def told(error: Exception) -> str:
    """What a client is told of an error: of a file that it sent, not where we keep it."""
    if isinstance(error, VideoError | CaptionFileError):
        return error.reason
    return str(error)


def code_of(error: Exception) -> str:
    """The stable code of an error, for what is not answered at once.

    Args:
        error: Any.

    Returns:
        The code; `internal` for what is not in the table.
    """
    return next(
        (STATUS_OF[kind][1] for kind in type(error).__mro__ if kind in STATUS_OF), "internal"
    )


EXAMPLE_PROBLEMS = {
    code: {
        "type": f"urn:musiscene:{code}",
        "title": _TITLES.get(code, f"{code.replace('-', ' ').capitalize()}."),
        "status": status,
        "instance": "urn:musiscene:request:0190aab2-0000-7000-8000-000000000000",
    }
    for status, code in (
        *STATUS_OF.values(),
        (400, "request-invalid"),
        *_CODES.items(),
    )
}
"""Code -> a problem that may be answered, for the documentation."""


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """How an operation's failures are documented.

    Args:
        *statuses: The HTTP statuses that it may answer with.

    Returns:
        For the `responses` of a Litestar handler.
    """
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            media_type=PROBLEM_JSON,
            description=HTTPStatus(status).phrase,
        )
        for status in statuses
    }


EXCEPTION_HANDLERS: ExceptionHandlersMap = {Exception: to_problem, HTTPException: to_problem}


def _code_of(error: HTTPException) -> str:
    if isinstance(error, ValidationException):
        return "request-invalid"
    return _CODES.get(error.status_code, f"http-{error.status_code}")


def _fields(error: HTTPException) -> list[dict[str, Any]]:
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return [part for part in error.extra if isinstance(part, dict)]
    return []


def _parts(error: Exception) -> list[dict[str, Any]]:
    """Where in a filter the trouble is, so that a page can mark it."""
    if not isinstance(error, FilterError):
        return []
    part = {"key": "filter", "message": error.reason, "expected": error.expected}
    if isinstance(error, FilterSyntaxError):
        return [part | {"position": error.position, "found": error.found}]
    return [part | {"path": error.path}] if isinstance(error, FilterObjectError) else [part]


def _respond(
    request: Request[Any, Any, Any], problem: Problem, headers: dict[str, str] | None = None
) -> Response[Problem]:
    problem.instance = f"urn:musiscene:request:{request_id_of(request.scope)}"
    return Response(
        problem, status_code=problem.status, media_type=PROBLEM_JSON, headers=headers or {}
    )
