"""HTTP for whoever holds a study: how far it has come, and what was found."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from musiscene.study.analyse import StudyReport, analyse
from musiscene.study.answers import read_answers
from service.errors import problems
from service.study.service import StudyDesk


class StudySummary(msgspec.Struct, frozen=True, kw_only=True):
    """How far a study has come."""

    name: str
    """Of its folder."""
    title: str
    """As raters see it."""
    is_open: bool
    """Whether one can take part without a link of one's own."""
    places: int
    """How many raters it can have."""
    raters: int
    """Who answered anything."""
    answers: int
    """Pages that they answered."""


class StudyList(msgspec.Struct, frozen=True, kw_only=True):
    """The studies that are served."""

    studies: Sequence[StudySummary]
    """By name."""


class StudyResultController(Controller):
    """Says what raters have answered, by the numbers of their places alone."""

    path = "/v1/studies"
    tags = ("studies",)

    @get(
        "/",
        operation_id="listStudies",
        summary="List the listening studies",
        sync_to_thread=True,
        responses=problems(503),
    )
    def studies(self, study_desk: NamedDependency[StudyDesk]) -> StudyList:
        """The studies that are served here, with how many answers each has so far."""
        return StudyList(studies=[_summary(study_desk, name) for name in study_desk.folders])

    @get(
        "/{name:str}/report",
        operation_id="getStudyReport",
        summary="What a study has found so far",
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def report(self, name: FromPath[str], study_desk: NamedDependency[StudyDesk]) -> StudyReport:
        """Scores, differences and comparisons of the systems, from the answers that exist.

        `completion_codes` is empty here: they are worth money to raters, and
        `musiscene study analyse` lists them.
        """
        study = study_desk.get(name).study
        found = analyse(study, read_answers(study_desk.folders[name]))
        return msgspec.structs.replace(found, completion_codes={})


def _summary(desk: StudyDesk, name: str) -> StudySummary:
    plan = desk.get(name).study.plan
    given = read_answers(desk.folders[name]).given
    return StudySummary(
        name=name,
        title=plan.title,
        is_open=plan.is_open,
        places=plan.raters,
        raters=len(given),
        answers=sum(map(len, given.values())),
    )
