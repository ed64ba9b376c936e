"""Which of MusicGen's variants is used: the one that was asked for, or what this machine can hold.

The weights are found where the model store has them: in the folder that `--models-dir` names, or in
the cache of `musiscene models pull`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from musiscene.errors import GenerationError, GeneratorMissingError, ModelError
from musiscene.generate.musicgen.weights import MELODY_TYPE, check_folder, weights_bytes

if TYPE_CHECKING:
    from musiscene.checkpoints.store import ModelStore

VARIANTS: Final = (
    "stereo-large", "large", "stereo-medium", "medium", "stereo-melody", "melody", "stereo-small",
    "small",
)  # fmt: skip
"""As `--model` names them, those first that make better music."""
LICENCE: Final = "CC-BY-NC-4.0"
"""Of all weights of MusicGen."""
HALF: Final = 0.55
"""What the weights take on a GPU, where most are in half precision."""
WORK_BYTES: Final = 1_500_000_000
"""What making music takes beside the weights, about."""


@dataclass(frozen=True, kw_only=True)
class ChosenWeights:
    """Weights on this machine."""

    name: str
    """Of the variant, or of the folder."""
    folder: Path
    """Where they are."""
    why: str
    """Why these, for people."""


def choose(
    store: ModelStore, wanted: str | None, *, device: str, needs_melody: bool = False
) -> ChosenWeights:
    """Choose weights.

    Args:
        store: Holds the models.
        wanted: A variant, a repository of the hub such as `facebook/musicgen-small`, a folder, or
            None for the best that is here and fits into memory.
        device: `cpu` or `cuda`.
        needs_melody: Whether a melody is to be followed.

    Returns:
        Where the weights are.

    Raises:
        GeneratorMissingError: If they are not here; the message says how to get them.
        GenerationError: If they cannot follow a melody, or there is no such variant.
    """
    if wanted is None:
        return _best(store, device=device, needs_melody=needs_melody)
    if Path(wanted).is_dir():
        chosen = ChosenWeights(name=Path(wanted).resolve().name, folder=Path(wanted), why="named")
    else:
        variant = wanted.removeprefix("facebook/").removeprefix("musicgen-")
        if variant not in VARIANTS:
            raise GenerationError(
                f"{wanted}: neither a folder nor a MusicGen model; there are {', '.join(VARIANTS)}"
            )
        try:
            folder = store.folder(f"musicgen-{variant}")
        except ModelError as error:
            raise GeneratorMissingError(str(error)) from error
        chosen = ChosenWeights(name=f"musicgen-{variant}", folder=folder, why="named")
    if needs_melody and check_folder(chosen.folder) != MELODY_TYPE:
        raise GenerationError(f"{chosen.name} cannot follow a melody; take --model melody")
    return chosen


def present(store: ModelStore) -> list[ChosenWeights]:
    """The weights that are on this machine.

    Args:
        store: Holds the models.

    Returns:
        In the order of `VARIANTS`.
    """
    found = []
    for variant in VARIANTS:
        try:
            folder = store.folder(f"musicgen-{variant}")
            check_folder(folder)
        except (ModelError, GeneratorMissingError):
            continue
        found.append(ChosenWeights(name=f"musicgen-{variant}", folder=folder, why="present"))
    return found


def needed_bytes(folder: Path, *, device: str) -> int:
    """What making music with some weights takes of memory, about.

    Args:
        folder: With the weights.
        device: `cpu` or `cuda`.

    Returns:
        Of the GPU's memory, or of the machine's.
    """
    share = HALF if device == "cuda" else 1.0
    return int(weights_bytes(folder) * share) + WORK_BYTES


def free_bytes(device: str) -> int:
    """Memory that nobody uses, of the GPU or of the machine.

    Args:
        device: `cpu` or `cuda`.

    Returns:
        As the driver or the kernel says; very many where neither does.
    """
    if device == "cuda":
        import torch

        return torch.cuda.mem_get_info()[0]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        return 1 << 62
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))


def _best(store: ModelStore, *, device: str, needs_melody: bool) -> ChosenWeights:
    free = free_bytes(device)
    too_big = []
    for one in present(store):
        if needs_melody and "melody" not in one.name:
            continue
        needed = needed_bytes(one.folder, device=device)
        if needed <= free:
            why = f"largest here that fits: about {needed / 1e9:.1f} of {free / 1e9:.1f} GB free"
            return ChosenWeights(name=one.name, folder=one.folder, why=why)
        too_big.append(f"{one.name} needs {needed / 1e9:.1f} GB")
    if too_big:
        raise GenerationError(
            f"no MusicGen model fits into {free / 1e9:.1f} GB of free memory: {', '.join(too_big)}"
        )
    name = "musicgen-melody" if needs_melody else "musicgen-small"
    raise GeneratorMissingError(
        "no weights of MusicGen that would do are here; get some with:"
        f" musiscene models pull {name} (licence {LICENCE}: not for commercial use)"
    )
