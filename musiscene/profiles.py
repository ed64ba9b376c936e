"""The two sets of models that MusiScene runs on, and what to do when one is not there.

*tiny* comes from the package index and runs on a laptop. *paper* is the published model: its parts
are large, differently licensed and partly gated, and are joined once by an import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from musiscene.checkpoints.first_use import store_with
from musiscene.checkpoints.registry import find_model
from musiscene.errors import ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from musiscene.checkpoints.store import ModelStore
    from musiscene.console import Console

ProfileName = Literal["tiny", "paper"]

LISTENING_MODEL: Final = "musicnn"
LANGUAGE_MODEL: Final = "smollm2-135m-instruct"
HEARING_MODEL: Final = "mu-llama"
SCENE_EMBEDDER: Final = "scene-embedder"
HEARING_PARTS: Final = ("mert-v1-330m", "llama-2-7b-chat", HEARING_MODEL)
"""What the import joins."""

MODELS_OF: Final[dict[ProfileName, tuple[str, ...]]] = {
    "tiny": (LISTENING_MODEL, LANGUAGE_MODEL, SCENE_EMBEDDER),
    "paper": (LISTENING_MODEL, HEARING_MODEL),
}
"""What each profile loads."""

GIB: Final = 1 << 30


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """What the weights of one model allow; goes with every result."""

    model: str
    """As `musiscene models list` spells it."""
    licence: str
    """An SPDX identifier where there is one."""
    commercial_use: Literal["yes", "no", "unknown"]
    """Of what the weights make."""


def licences_of(names: Iterable[str]) -> tuple[Licence, ...]:
    """The licences of some models.

    Args:
        names: As `musiscene models list` spells them.

    Returns:
        One each.
    """
    models = [find_model(name) for name in names]
    return tuple(
        Licence(model=model.name, licence=model.licence, commercial_use=model.commercial_use)
        for model in models
    )


def store_for(profile: ProfileName, console: Console, *, also: Iterable[str] = ()) -> ModelStore:
    """Open the model store with everything that a profile loads.

    Args:
        profile: The profile; models of the package index are fetched if they are missing.
        console: Is told what is fetched.
        also: Further models of the package index.

    Returns:
        The store.

    Raises:
        ModelUnavailableError: If a model is missing and cannot be fetched; the message names each
            part with its licence, its size and the command that gets it.
        ModelIntegrityError: If a model's files are damaged.
    """
    embedded = [name for name in MODELS_OF[profile] if find_model(name).is_embedded]
    store = store_with([*embedded, *also], console)
    if HEARING_MODEL in MODELS_OF[profile]:
        try:
            store.folder(HEARING_MODEL)
        except ModelUnavailableError as error:
            raise ModelUnavailableError(profile, _ways_to_paper(store)) from error
    return store


def _ways_to_paper(store: ModelStore) -> str:
    """What the paper profile is made of, what of it is here, and the commands that make it."""
    ready = {status.name for status in store.status() if status.state == "ready"}
    lines = ["this profile is not on this machine. It is made once of three models:"]
    for name in HEARING_PARTS:
        model = find_model(name)
        way = "is here" if name in ready else _WAYS.get(name, model.how_to_get)
        size = f"{model.download_bytes / GIB:.1f} GiB"
        use = _COMMERCIAL_USE[model.commercial_use]
        lines.append(f"  {name}: {size}; licence {model.licence}, {use}\n    {way}")
    lines.append(f"and then: {_IMPORT}")
    lines.append("The tiny profile needs none of them.")
    return "\n".join(lines)


_IMPORT: Final = "musiscene checkpoint import-mu-llama --checkpoint checkpoint.pth"
_WAYS: Final = {HEARING_MODEL: "download checkpoint.pth from huggingface.co/mu-llama/MU-LLaMA"}
_COMMERCIAL_USE: Final = {
    "yes": "commercial use allowed",
    "no": "no commercial use",
    "unknown": "commercial use not stated",
}
