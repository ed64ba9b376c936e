"""What a listening study is: `study.json`, written once and never changed.

A study's folder holds `study.json`, `stimuli/` (files whose names are random), `answers.jsonl`
and, where raters are invited one by one, `links.txt`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from musiscene.errors import StudyError

if TYPE_CHECKING:
    from pathlib import Path

STUDY_FILE: Final = "study.json"
STIMULI_FOLDER: Final = "stimuli"
FLOOR: Final = "random"
"""Name of the system that plays an item's music under another item."""
NEITHER: Final = "neither"
"""Key of the choice of neither in a comparison."""

Text: TypeAlias = Annotated[str, Meta(max_length=20_000)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Points: TypeAlias = Annotated[int, Meta(ge=2, le=9)]


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question about what is heard, answered on a scale with labelled ends."""

    key: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
    """Its name in answers and tables."""
    text: Text
    """As raters read it."""
    low: Text
    """What the lowest point means."""
    high: Text
    """What the highest point means."""


QUESTIONS: Final = (
    Question(key="overall", text="How good is this music overall?", low="bad", high="excellent"),
    Question(
        key="relevance",
        text="How well does this music suit the scene?",
        low="not at all",
        high="perfectly",
    ),
    Question(
        key="quality", text="How good does this music sound?", low="bad", high="excellent"
    ),
)  # fmt: skip


class Exclusion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose answers are left out; fixed before anybody has answered."""

    missed_checks: Annotated[int, Meta(ge=0)] = 1
    """A rater may miss so many attention checks."""
    least_share: Share = 0.5
    """Raters who answered a smaller share of their trials are left out."""
    leave_out_constant: bool = True
    """Whether raters who gave every rating the same value are left out."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the person who holds the study decides; a TOML file has the same names."""

    title: Text = "Listening study"
    """Above every page."""
    welcome: Text = (
        "You will hear short pieces of music, each meant for a scene. Say what you think of them."
    )
    """What raters read first; blank lines part paragraphs."""
    consent: Text = (
        "Taking part is voluntary; you can stop whenever you like. Your answers are kept without "
        "your name, address or any other personal data."
    )
    """What raters agree to."""
    thanks: Text = "Thank you. All your answers have been kept."
    """What raters read at the end."""
    completion_code: Annotated[str, Meta(max_length=64)] | None = None
    """Shown at the end, for panels that ask for one; None gives every rater one of their own."""
    questions: tuple[Question, ...] = QUESTIONS
    """Asked of every piece that is rated."""
    points: Points = 5
    """Of the scale."""
    comparison: Text = "Which music suits the scene better?"
    """Asked of every pair."""
    rates: bool = True
    """Whether pieces are rated one by one."""
    pairs_per_item: Annotated[int, Meta(ge=0, le=50)] = 0
    """How many pairs of systems each rater compares for an item; 0 for no comparisons."""
    items_per_rater: Annotated[int, Meta(ge=1)] | None = None
    """How many items one rater gets; None for all."""
    arrangement: Literal["item", "spread"] = "item"
    """All systems of an item in a row, or an item's systems apart, once in each round."""
    checks: Annotated[int, Meta(ge=0, le=20)] = 2
    """Attention checks at random places: tones to be counted."""
    random_floor: bool = True
    """Whether music of other items is mixed in, so that relevance has a floor."""
    excerpt_seconds: Annotated[float, Meta(gt=0, le=600)] = 20.0
    """Pieces are cut to this length."""
    least_heard_seconds: Annotated[float, Meta(ge=0, le=600)] = 5.0
    """So much must have been heard before an answer is taken; at most the piece's length."""
    loudness_lufs: Annotated[float, Meta(ge=-40, le=-10)] = -23.0
    """Of every piece."""
    raters: Annotated[int, Meta(ge=1, le=100_000)] = 60
    """Places in the study."""
    is_open: bool = False
    """Whether one link lets everybody in until the places are taken."""
    seed: Annotated[int, Meta(ge=0)] = 0
    """Of every order."""
    exclusion: Exclusion = Exclusion()
    """Whose answers are left out."""

    def __post_init__(self) -> None:
        """See that there is something to answer.

        Raises:
            ValueError: If there is not, or a question's name is taken twice.
        """
        keys = [question.key for question in self.questions]
        if len(set(keys)) < len(keys):
            raise ValueError("two questions have the same key")
        if not ((self.rates and keys) or self.pairs_per_item):
            raise ValueError("raters are asked nothing: neither ratings nor pairs")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What music is played for: a clip or a brief."""

    name: str
    """In tables; raters never see it."""
    text: str = ""
    """Of the scene, as raters read it."""
    media: str | None = None
    """Name of its video or picture in the stimuli's folder."""


class Stimulus(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of music under one item."""

    token: str
    """By which it is asked for; tells nothing of the system."""
    system: str
    """Who made it."""
    item: str
    """What it is played for."""
    source: str
    """Name of the file it was made from."""
    sha256: str
    """Of the file that raters hear."""
    seconds: float
    """How long it plays."""
    loudness_lufs: float | None
    """As measured in the file; None below the gate."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Tones that are to be counted."""

    token: str
    """By which it is asked for."""
    tones: int
    """How many there are."""


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """All of a study but its answers."""

    format: Literal[1] = 1
    """Of the file."""
    plan: Plan
    """As decided."""
    systems: tuple[str, ...]
    """In the order of the tables; the random floor is the last."""
    items: tuple[Item, ...]
    """In the order they were given."""
    stimuli: tuple[Stimulus, ...]
    """One for each system and item."""
    checks: tuple[Check, ...]
    """One for each number of tones."""
    media: dict[str, str]
    """Token of a video or picture -> SHA-256."""
    secret: str
    """Makes completion codes."""

    def stimulus(self, system: str, item: str) -> Stimulus:
        """The piece of one system for one item."""
        return self.by_cell[system, item]

    @property
    def by_cell(self) -> dict[tuple[str, str], Stimulus]:
        """(System, item) -> piece."""
        return {(one.system, one.item): one for one in self.stimuli}


def write_study(study: Study, folder: Path) -> None:
    """Write `study.json` into a folder that is still being made.

    Args:
        study: The study.
        folder: There.

    Raises:
        StudyError: If it cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(study), indent=1)
    try:
        (folder / STUDY_FILE).write_bytes(text + b"\n")
    except OSError as error:
        raise StudyError(f"{folder / STUDY_FILE}: cannot be written ({error.strerror})") from error


def read_study(folder: Path) -> Study:
    """Read a study's folder.

    Args:
        folder: As `musiscene study create` made it.

    Returns:
        The study.

    Raises:
        StudyError: If it is none.
    """
    path = folder / STUDY_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Study)
    except OSError as error:
        raise StudyError(
            f"{path}: cannot be read ({error.strerror}); make a study first: musiscene study create"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: is no study ({error})") from error
