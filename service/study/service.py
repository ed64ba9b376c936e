"""Decides what a rater hears next, and which answers are taken.

Nothing is kept of a rater but the number of a place and what was answered: no address, no browser,
no name. Addresses are counted in memory alone, against guessing.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from musiscene.errors import AnswerError, RaterUnknownError, StudyError
from musiscene.study.answers import (
    Agreed,
    Answer,
    AnswerFile,
    Invited,
    completion_code,
    link_hash,
)
from musiscene.study.create import TOKEN_BYTES
from musiscene.study.design import STIMULI_FOLDER, STUDY_FILE, read_study
from musiscene.study.order import session_minutes, session_of
from musiscene.study.prepare import MOST_TONES, SUFFIX, hashes_of, verify
from service.security.errors import TooManyFailuresError
from service.security.throttle import FailureThrottle
from service.study.schemas import (
    About,
    Choice,
    PieceView,
    QuestionView,
    SessionView,
    TrialView,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from musiscene.study.order import Trial
    from service.study.schemas import AnswerRequest

TOLERANCE: Final = 0.25
"""Share of what must be heard that may lack: browsers tell it to some tenths of a second."""


class OpenStudy:
    """One study with its answers, open for writing.

    Args:
        folder: Of the study.
        tries_per_minute: How often one address may ask for a place or show a wrong link.

    Attributes:
        study: As it was made.

    Raises:
        StudyError: If it cannot be read or a stimulus is not as it was, or another process has it.
    """

    def __init__(self, folder: Path, *, tries_per_minute: int) -> None:
        self.study = read_study(folder)
        self._stimuli = folder / STIMULI_FOLDER
        verify(self._stimuli, hashes_of(self.study.stimuli, self.study.media))
        self._file = AnswerFile(folder)
        self._lock = Lock()
        self._throttle = FailureThrottle(tries_per_minute)
        self._sessions: dict[int, list[Trial]] = {}
        self._items = {item.name: item for item in self.study.items}
        self._seconds = {one.token: one.seconds for one in self.study.stimuli}
        played = [*self._seconds, *(check.token for check in self.study.checks)]
        self._files = {token: f"{token}{SUFFIX}" for token in played}
        self._files |= {name: name for name in self.study.media}

    def close(self) -> None:
        """Let others open it."""
        self._file.close()

    def about(self) -> About:
        """What everybody may know."""
        plan = self.study.plan
        return About(
            title=plan.title,
            welcome=plan.welcome,
            consent=plan.consent,
            is_open=plan.is_open,
            pages=len(self._session(0)),
            minutes=round(session_minutes(self.study)),
            sound_check=self.study.checks[MOST_TONES // 2].token,
        )

    def join(self, address: str) -> str:
        """Take the next free place of an open study.

        Args:
            address: Of whoever asks.

        Returns:
            The token of its link.

        Raises:
            RaterUnknownError: If the study is not open, or no place is free.
            TooManyFailuresError: If the address asked too often.
        """
        self._count(address)
        if not self.study.plan.is_open:
            raise RaterUnknownError("this study is for invited people: use the link you were given")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self._lock:
            place = len(self._file.answers.links)
            if place >= self.study.plan.raters:
                raise RaterUnknownError("all places of this study are taken; thank you")
            self._file.add(Invited(rater=place, link_sha256=link_hash(token)))
        return token

    def rater(self, token: str, address: str) -> int:
        """The place of a link.

        Args:
            token: In the link.
            address: Of whoever shows it.

        Returns:
            Its number.

        Raises:
            RaterUnknownError: If nobody has this link.
            TooManyFailuresError: If the address showed wrong ones too often.
        """
        place = self._file.answers.links.get(link_hash(token))
        if place is None:
            self._count(address)
            raise RaterUnknownError("nobody has this link; see that it was copied as a whole")
        return place

    def agree(self, place: int) -> None:
        """Note that a rater agreed to take part."""
        with self._lock:
            if place not in self._file.answers.agreed:
                now = datetime.now(UTC).isoformat(timespec="minutes")
                self._file.add(Agreed(rater=place, at=now))

    def session(self, place: int) -> SessionView:
        """Where a rater stands.

        Args:
            place: Of the rater.

        Returns:
            The page to answer now, or the end.
        """
        session, plan = self._session(place), self.study.plan
        agreed, now = place in self._file.answers.agreed, self._next(place)
        is_over = now == len(session)
        code = plan.completion_code or completion_code(self.study.secret, place)
        return SessionView(
            agreed=agreed,
            done=len(self._given(place)),
            total=len(session),
            trial=self._view(session[now]) if agreed and not is_over else None,
            upcoming=session[now + 1].tokens if now + 1 < len(session) else (),
            thanks=plan.thanks if is_over else None,
            code=code if is_over else None,
        )

    def answer(self, place: int, request: AnswerRequest) -> None:
        """Keep an answer; when this returns it is on the disk.

        Args:
            place: Of the rater.
            request: What was said.

        Raises:
            AnswerError: If it is not this rater's turn to say that.
        """
        with self._lock:
            answers = self._file.answers
            if place not in answers.agreed:
                raise AnswerError("agree to take part first")
            session, now = self._session(place), self._next(place)
            if request.trial >= len(session) or request.trial > now:
                raise AnswerError("this page is not the one to be answered now")
            trial = session[request.trial]
            if request.pieces != trial.tokens:
                raise AnswerError("this answer is to other music than this link's page has")
            self._check(trial, request)
            answer = Answer(
                rater=place,
                trial=request.trial,
                values=dict(request.values),
                heard_seconds=request.heard_seconds,
                plays=request.plays,
                milliseconds=request.milliseconds,
                touch=request.touch,
            )
            before = self._given(place).get(request.trial)
            if before is not None and before.values == answer.values:
                return  # the page did not hear that it was kept, and sent it again
            if now == len(session):
                raise AnswerError("this session has ended; its answers stay as they are")
            self._file.add(answer)

    def file(self, token: str) -> tuple[Path, Path]:
        """A piece, a video or a picture.

        Args:
            token: Of it.

        Returns:
            The file, and the folder it must be in.

        Raises:
            RaterUnknownError: If there is none.
        """
        if token not in self._files:
            raise RaterUnknownError("there is nothing of this name")
        return self._stimuli / self._files[token], self._stimuli

    def _count(self, address: str) -> None:
        with self._lock:
            if wait_seconds := self._throttle.wait_seconds(address):
                raise TooManyFailuresError(wait_seconds)
            self._throttle.note_failure(address)

    def _session(self, place: int) -> list[Trial]:
        if place not in self._sessions:
            self._sessions[place] = session_of(self.study, place)
        return self._sessions[place]

    def _given(self, place: int) -> Mapping[int, Answer]:
        return self._file.answers.given.get(place, {})

    def _next(self, place: int) -> int:
        given = self._given(place)
        return next((one for one in range(len(self._session(place))) if one not in given),
                    len(self._session(place)))  # fmt: skip

    def _least_seconds(self, token: str) -> float:
        return min(self.study.plan.least_heard_seconds, self._seconds.get(token, 0.0))

    def _check(self, trial: Trial, request: AnswerRequest) -> None:
        questions = {one.key: one for one in self._questions(trial)}
        if set(request.values) != set(questions):
            raise AnswerError(f"answer {', '.join(questions)}, all and nothing else")
        for key, value in request.values.items():
            if value not in {choice.value for choice in questions[key].choices}:
                raise AnswerError(f"{key}: {value} is no choice")
        if len(request.heard_seconds) != len(trial.tokens):
            raise AnswerError("say of each piece how much was heard")
        for token, seconds in zip(trial.tokens, request.heard_seconds, strict=True):
            if seconds < self._least_seconds(token) * (1 - TOLERANCE):
                raise AnswerError("listen for longer before you answer")

    def _view(self, trial: Trial) -> TrialView:
        item = self._items[trial.item] if trial.item is not None else None
        return TrialView(
            number=trial.number,
            kind=trial.kind,
            text=item.text if item else "",
            media=item.media if item else None,
            pieces=tuple(
                PieceView(token=token, seconds=self._least_seconds(token)) for token in trial.tokens
            ),
            questions=tuple(self._questions(trial)),
        )

    def _questions(self, trial: Trial) -> Iterable[QuestionView]:
        plan = self.study.plan
        if trial.kind == "comparison":
            labels = ((0, "A"), (1, "B"), (-1, "No preference"))
            choices = tuple(Choice(value=value, label=label) for value, label in labels)
            return [QuestionView(key="preference", text=plan.comparison, choices=choices)]
        if trial.kind == "check":
            choices = _points(MOST_TONES)
            text = "This page is a check. How many tones do you hear?"
            return [QuestionView(key="tones", text=text, choices=choices)]
        return [
            QuestionView(
                key=one.key, text=one.text, choices=_points(plan.points), low=one.low, high=one.high
            )
            for one in plan.questions
        ]


class StudyDesk:
    """The studies of a service, by name.

    Args:
        folders: Of the studies.
        tries_per_minute: As `OpenStudy` has it.

    Attributes:
        folders: Name -> folder.
    """

    def __init__(self, folders: Iterable[Path], *, tries_per_minute: int) -> None:
        self.folders = {folder.resolve().name: folder for folder in folders}
        self._tries = tries_per_minute
        self._open: dict[str, OpenStudy] = {}

    def start(self) -> None:
        """Open all studies.

        Raises:
            StudyError: If one cannot be opened; then none stays open.
        """
        try:
            for name, folder in self.folders.items():
                self._open[name] = OpenStudy(folder, tries_per_minute=self._tries)
        except StudyError:
            self.close()
            raise

    def close(self) -> None:
        """Let others open them."""
        for one in self._open.values():
            one.close()
        self._open.clear()

    def get(self, name: str) -> OpenStudy:
        """One study.

        Args:
            name: Of its folder.

        Returns:
            The study.

        Raises:
            RaterUnknownError: If there is none.
        """
        if name not in self._open:
            raise RaterUnknownError("there is no study of this name")
        return self._open[name]


def studies_in(folder: Path | None) -> list[Path]:
    """The studies of a folder.

    Args:
        folder: With a folder for each; None for no studies.

    Returns:
        Their folders.

    Raises:
        StudyError: If it cannot be read.
    """
    if folder is None:
        return []
    try:
        return sorted(one for one in folder.iterdir() if (one / STUDY_FILE).is_file())
    except OSError as error:
        raise StudyError(f"{folder}: cannot be read ({error.strerror})") from error


def _points(count: int) -> tuple[Choice, ...]:
    return tuple(Choice(value=point, label=str(point)) for point in range(1, count + 1))
