"""Two captions become one text: what a language model is asked, and which answers are taken.

The prompts, the sampling and the cleaning are those of VACAD's authors. What they did not do is
look at the answers: 110 of their 699 scenes came out empty. Here an answer that cannot be used is
asked for again with the next seed, and a model that is busy is asked again later.

Source: arXiv:2507.05894 and its released code (prompts, sampling, cleaning).
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

from musiscene.data.rows import Provenance, TextSampling
from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from collections.abc import Callable

Target: TypeAlias = Literal["music", "scene"]

PROMPTS: Final[dict[Target, str]] = {
    "music": "Video caption: '{video}' \nMusic caption: '{music}' \nDescribe the music from both"
    " video and music captions. Return answer only without intro/outro.",
    "scene": "Video caption: '{video}' \nMusic caption: '{music}' \nDescribe the video from the"
    " given video and music information. Return answer only without intro/outro.",
}
"""Target -> what is asked; a blank stands before each line end."""
PROMPT_VERSION: Final = "vacad-1"
PAPER_SAMPLING: Final = TextSampling()
MIN_WORDS: Final = 8
MAX_WORDS: Final = 400
"""The authors' fusions have 55 to 385 words."""
MAX_REPEATED_SHARE: Final = 0.7
"""Of an answer's runs of four words, those that stand in the prompt."""
REPEATED_RUN_WORDS: Final = 4
MAX_ATTEMPTS: Final = 4
FIRST_WAIT_SECONDS: Final = 1.0

_REFUSAL = re.compile(
    r"\W*(i'?m sorry|i am sorry|sorry,|i apologi[sz]e|i can(no|')t|i am unable|i'?m unable|"
    r"as an ai|i am an ai|i'?m an ai|i do not have|i don't have)",
    re.IGNORECASE,
)
_APOSTROPHE = "\u2019"


class FuserBusyError(MusiSceneError):
    """The model cannot answer now, and may later."""


class FusionError(MusiSceneError):
    """No answer could be used."""


class Fuser(Protocol):
    """An instruction language model."""

    @property
    def name(self) -> str:
        """The model, as provenance and people shall read it."""

    def complete(self, prompt: str, sampling: TextSampling, *, seed: int) -> str:
        """What the model answers.

        Args:
            prompt: What the user says.
            sampling: How words are drawn.
            seed: Of the drawing, as far as the model keeps to it.

        Returns:
            The answer as it comes.

        Raises:
            FuserBusyError: If asking again later may help.
            MusiSceneError: If it will not.
        """


class Fusion(NamedTuple):
    """One fused text."""

    text: str
    """Clean."""
    provenance: Provenance
    """Who wrote it, and how."""


def fuse(  # noqa: PLR0913  flat parameters instead of a settings object
    fuser: Fuser,
    target: Target,
    *,
    video_caption: str,
    music_caption: str,
    sampling: TextSampling = PAPER_SAMPLING,
    seed: int = 0,
    max_attempts: int = MAX_ATTEMPTS,
    wait: Callable[[float], None] = time.sleep,
) -> Fusion:
    """Fuse a clip's captions.

    Args:
        fuser: Writes.
        target: What to write about.
        video_caption: What is seen.
        music_caption: What is heard.
        sampling: How words are drawn.
        seed: Of the first attempt; each further one takes the next.
        max_attempts: Answers asked for, at least 1.
        wait: Called with seconds when the model is busy: 1, 2, 4 and so on.

    Returns:
        The text, with its provenance.

    Raises:
        FusionError: If no attempt gave an answer that can be used.
        MusiSceneError: If the model cannot be asked at all.
    """
    prompt = fusion_prompt(target, video_caption=video_caption, music_caption=music_caption)
    reason = "was never asked"
    for attempt in range(max_attempts):
        try:
            text = clean_answer(fuser.complete(prompt, sampling, seed=seed + attempt))
        except FuserBusyError as error:
            reason = str(error)
            if attempt + 1 < max_attempts:
                wait(FIRST_WAIT_SECONDS * 2**attempt)
            continue
        rejected = rejection(text, prompt)
        if rejected is None:
            return Fusion(
                text,
                Provenance(
                    origin="model",
                    name=fuser.name,
                    prompt=f"{PROMPT_VERSION}/{target}",
                    sampling=sampling,
                    seed=seed + attempt,
                    attempts=attempt + 1,
                    created_at=datetime.now(UTC).replace(microsecond=0),
                ),
            )
        reason = f"its answer {rejected}"
    raise FusionError(f"{target}: {fuser.name}: {reason} (attempt {max_attempts})")


def fusion_prompt(target: Target, *, video_caption: str, music_caption: str) -> str:
    """What VACAD's authors asked Mixtral, without the marks of its chat template.

    Args:
        target: What to write about.
        video_caption: What is seen.
        music_caption: What is heard.

    Returns:
        The prompt.
    """
    return PROMPTS[target].format(video=video_caption, music=music_caption)


def clean_answer(text: str) -> str:
    r"""The answer alone, on one line, as VACAD's authors cleaned it.

    Line ends are deleted, not replaced: `one.\ntwo` becomes `one.two`, as in the released rows.

    Args:
        text: What a model wrote, maybe with the prompt before it.

    Returns:
        The text after the last `[/INST]`, without end marks and doubled blanks.

    Example:
        >>> clean_answer("[INST] Hi [/INST]\n    A  calm\n song.</s>")
        'A calm song.'
    """
    answer = text.rsplit("[/INST]", 1)[-1].replace("\n", "").replace("</s>", "")
    return re.sub(r" +", " ", answer).strip()


def rejection(text: str, prompt: str) -> str | None:
    """Why an answer cannot be used.

    Args:
        text: Clean.
        prompt: What was asked.

    Returns:
        What is wrong with it, after "the answer"; None if nothing is.
    """
    words = _words(text)
    reason = None
    if not words:
        reason = "is empty"
    elif _REFUSAL.match(text.replace(_APOSTROPHE, "'")):
        reason = "is a refusal"
    elif len(words) < MIN_WORDS:
        reason = f"has {len(words)} words, fewer than {MIN_WORDS}"
    elif len(words) > MAX_WORDS:
        reason = f"has {len(words)} words, more than {MAX_WORDS}"
    elif _repeats(text, prompt):
        reason = "repeats the prompt"
    return reason


def _repeats(text: str, prompt: str) -> bool:
    if re.search("(video|music) caption: *['\"]", text, re.IGNORECASE):
        return True
    asked = set(_runs(_words(prompt)))
    runs = _runs(_words(text))
    return sum(run in asked for run in runs) > MAX_REPEATED_SHARE * len(runs)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text.lower().replace(_APOSTROPHE, "'"))


def _runs(words: list[str]) -> list[tuple[str, ...]]:
    size = REPEATED_RUN_WORDS
    return [tuple(words[place : place + size]) for place in range(len(words) - size + 1)]
