"""HTTP for raters: a page, and what it asks for. A link is all they need.

A link's token stands behind the `#` of the address, which browsers keep to themselves, and comes in
the header `X-Rater`: it is in no log and no `Referer`.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody
from litestar.response import Redirect
from litestar.types import ASGIApp

from service.study.schemas import About, AnswerRequest, Link, SessionView
from service.study.service import StudyDesk
from service.tracks.audio import AudioFile
from service.web.controller import INDEX, page_files, send_page_file

SHARED = frozenset({"dom.js", "icon.svg", "style.css"})
"""Files that the page has in common with the library's."""
MOST_BYTES = 8_192
Rater = Annotated[str, HeaderParameter(name="X-Rater", max_length=64)]


class StudyController(Controller):
    """The pages of studies."""

    path = "/studies/{name:str}"
    include_in_schema = False
    opt = {"open": True}  # noqa: RUF012  Litestar's own way
    request_max_body_size = MOST_BYTES

    @route("/", http_method=["GET", "HEAD"], sync_to_thread=False)
    def index(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        study_desk: NamedDependency[StudyDesk],
    ) -> Response[Any]:
        """The page."""
        study_desk.get(name)
        asked = request.scope.get("raw_path", b"").partition(b"?")[0]
        if not asked.endswith(b"/"):  # its parts are named relative to a folder
            return Redirect(f"{name}/")
        return send_page_file(request, page_files("service.study").get(INDEX))

    @route("/page/{part:str}", http_method=["GET", "HEAD"], sync_to_thread=False)
    def part(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],  # noqa: ARG002  of the path
        part: FromPath[str],
    ) -> Response[bytes]:
        """A script, a style sheet or a picture of the page."""
        files = page_files() if part in SHARED else page_files("service.study")
        return send_page_file(request, files.get(part))

    @get("/about", sync_to_thread=True)
    def about(self, name: FromPath[str], study_desk: NamedDependency[StudyDesk]) -> About:
        """What everybody may know."""
        return study_desk.get(name).about()

    @post("/join", sync_to_thread=True)
    def join(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        study_desk: NamedDependency[StudyDesk],
    ) -> Link:
        """Take a place in an open study."""
        return Link(token=study_desk.get(name).join(_address(request)))

    @get("/session", sync_to_thread=True)
    def session(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        rater: Rater,
        study_desk: NamedDependency[StudyDesk],
    ) -> Response[SessionView]:
        """Where the rater stands."""
        study = study_desk.get(name)
        view = study.session(study.rater(rater, _address(request)))
        return Response(view, headers={"Cache-Control": "no-store"})

    @post("/agreement", sync_to_thread=True, status_code=200)
    def agree(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        rater: Rater,
        study_desk: NamedDependency[StudyDesk],
    ) -> SessionView:
        """Agree to take part."""
        study = study_desk.get(name)
        place = study.rater(rater, _address(request))
        study.agree(place)
        return study.session(place)

    @post("/answers", sync_to_thread=True, status_code=200)
    def answer(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        rater: Rater,
        data: JSONBody[AnswerRequest],
        study_desk: NamedDependency[StudyDesk],
    ) -> SessionView:
        """Answer a page; what is acknowledged is on the disk."""
        study = study_desk.get(name)
        place = study.rater(rater, _address(request))
        study.answer(place, data)
        return study.session(place)

    @route("/files/{token:str}/audio", http_method=["GET", "HEAD"], sync_to_thread=True)
    def file(
        self, name: FromPath[str], token: FromPath[str], study_desk: NamedDependency[StudyDesk]
    ) -> ASGIApp:
        """A piece, a video or a picture, with ranges."""
        path, folder = study_desk.get(name).file(token)
        return AudioFile(path, [folder])  # type: ignore[return-value]


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""
