"""The folder of a vision-language model: local or of the hub, seen to before anything is loaded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from musiscene.checkpoints.hub import WANTED_PATTERNS
from musiscene.errors import CaptionerError

PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
REPOSITORY: Final = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
LICENCE: Final = re.compile(r"^license(?:_name)?:\s*['\"]?([\w.+-]{1,60})['\"]?\s*$", re.MULTILINE)
MAX_CARD_BYTES: Final = 64 << 10


def checked_folder(name: str, *, may_fetch: bool) -> tuple[Path, str]:
    """Find a model's folder and see that it has weights that may be read.

    Args:
        name: A folder, or a repository on the hub.
        may_fetch: Whether what is not on this machine is fetched.

    Returns:
        The folder, and the model's type as its configuration names it.

    Raises:
        CaptionerError: If there is none; the message says what it has.
    """
    folder = Path(name)
    if not folder.is_dir():
        if REPOSITORY.fullmatch(name) is None:
            raise CaptionerError(
                f"{name}: is neither a folder nor a name on the hub such as"
                " HuggingFaceTB/SmolVLM-256M-Instruct"
            )
        folder = _from_hub(name, may_fetch=may_fetch)
    try:
        settings = msgspec.json.decode((folder / "config.json").read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaptionerError(f"{folder}: has no config.json of a model") from error
    found = settings.get("model_type") if isinstance(settings, dict) else None
    if not isinstance(found, str):
        raise CaptionerError(f"{folder}: its config.json names no type of model")
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        has = f"only {', '.join(pickles)}, which can run code when opened" if pickles else "none"
        raise CaptionerError(f"{folder}: weights are read as safetensors alone, and it has {has}")
    return folder, found


def licence_of(folder: Path) -> str | None:
    """The licence that a model's card states, None where there is none.

    Args:
        folder: With a `README.md`, perhaps.

    Returns:
        Such as `apache-2.0`.
    """
    try:
        with (folder / "README.md").open("rb") as file:
            card = file.read(MAX_CARD_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None
    head = card.split("---", 2)[1] if card.startswith("---") and card.count("---") > 1 else ""
    names = LICENCE.findall(head)
    return str(names[-1]) if names else None


def _from_hub(name: str, *, may_fetch: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        found = snapshot_download(
            name, allow_patterns=[*WANTED_PATTERNS, "README.md"], local_files_only=not may_fetch
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        way = "is not on this machine" if not may_fetch else "cannot be fetched from the hub"
        raise CaptionerError(f"{name}: {way}: {str(error).splitlines()[0][:300]}") from error
    return Path(found)
