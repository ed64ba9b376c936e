"""Checks of the machine: versions, decoders, GPU, room, permissions, models."""

from __future__ import annotations

import os
import platform
import shutil
import stat
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from service.doctor.findings import fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musiscene.checkpoints.store import ModelStore
    from service.doctor.findings import Finding

PACKAGES: Final = ("musiscene", "torch", "onnxruntime", "faiss-cpu", "litestar", "sqlalchemy", "av")
CODECS: Final = ("aac", "alac", "flac", "mp3", "opus", "pcm_s16le", "vorbis", "wmav2")
LEAST_FREE_BYTES: Final = 1 << 30


def versions() -> Iterator[Finding]:
    """Python and the packages that matter most.

    Yields:
        One finding.
    """
    found = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} missing")
    yield ok("versions", ", ".join(found))


def decoders() -> Iterator[Finding]:
    """What FFmpeg, as PyAV brings it, can decode.

    Yields:
        One finding.
    """
    import av
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    missing = []
    for name in CODECS:
        try:
            Codec(name, "r")
        except UnknownCodecError:
            missing.append(name)
    ffmpeg = ".".join(str(part) for part in av.library_versions["libavcodec"])
    if missing:
        advice = "install PyAV from its wheel: pip install --force-reinstall av"
        yield warn("decoders", f"libavcodec {ffmpeg} without {', '.join(missing)}", advice)
    else:
        yield ok("decoders", f"libavcodec {ffmpeg}: {', '.join(CODECS)}")


def accelerator() -> Iterator[Finding]:
    """Whether there is a GPU that torch could use; looking costs no import of torch.

    Yields:
        One finding.
    """
    has_cuda = find_spec("nvidia") is not None
    devices = shutil.which("nvidia-smi") is not None
    if devices and not has_cuda:
        advice = "install the CUDA build of torch to index faster; serving needs none"
        yield warn("GPU", "there is one, but torch is the CPU build", advice)
    else:
        yield ok("GPU", "one is there" if devices else "none; everything works without")


def room(data_dir: Path) -> Iterator[Finding]:
    """Free space, and who can read the folder.

    Args:
        data_dir: Of the library.

    Yields:
        One finding about each.
    """
    if not data_dir.is_dir():
        advice = "run `musiscene index FOLDER`, or name another with --data-dir"
        yield fail("data folder", f"{data_dir} is not there", advice)
        return
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        advice = "give it to the user who runs the service"
        yield fail("data folder", f"{data_dir} cannot be written", advice)
    elif data_dir.stat().st_mode & stat.S_IWOTH:
        advice = f"chmod o-w {data_dir}"
        yield warn("data folder", f"everybody on this machine can write to {data_dir}", advice)
    else:
        yield ok("data folder", f"{data_dir}")
    free = shutil.disk_usage(data_dir).free
    said = f"{free / 1e9:.1f} GB free"
    if free < LEAST_FREE_BYTES:
        advice = "make room: new snapshots are written beside the old ones"
        yield warn("disk", said, advice)
    else:
        yield ok("disk", said)


def generators(store: ModelStore, audiocraft_python: Path | None) -> Iterator[Finding]:
    """What could make music beside the composer.

    Args:
        store: Where weights would be.
        audiocraft_python: Interpreter of audiocraft's environment; None for none.

    Yields:
        A finding about each.
    """
    from musiscene.generate.musicgen.variants import LICENCE, present

    found = [one.name for one in present(store)]
    said = f"{', '.join(found)} ({LICENCE})" if found else "no weights; the composer needs none"
    yield ok("MusicGen", said)
    if audiocraft_python is None:
        yield ok("audiocraft", "not set up; nothing needs it")
    elif os.access(audiocraft_python, os.X_OK):
        yield ok("audiocraft", f"{audiocraft_python}")
    else:
        advice = "make the environment as docs/audiocraft.md says, or unset the setting"
        yield warn("audiocraft", f"{audiocraft_python} cannot be run", advice)


def studies(folder: Path | None) -> Iterator[Finding]:
    """Whether the listening studies can be served.

    Args:
        folder: Of the studies; None for none.

    Yields:
        At most one finding.
    """
    from musiscene.errors import StudyError
    from musiscene.study.design import read_study
    from service.study.service import studies_in

    if folder is None:
        return
    try:
        found = [read_study(one).plan.title for one in studies_in(folder)]
    except StudyError as error:
        advice = "give it to the user who runs the service, or unset the setting `studies`"
        yield fail("studies", str(error), advice)
    else:
        yield ok("studies", f"{len(found)} in {folder}")


def models(store: ModelStore) -> Iterator[Finding]:
    """Whether the models are there that matching needs.

    Args:
        store: Where they would be.

    Yields:
        One finding for each.
    """
    from indexer.match import MODELS
    from musiscene.errors import ModelError

    for name in MODELS:
        try:
            store.folder(name)
        except ModelError as error:
            yield fail(f"model {name}", str(error), "musiscene models pull")
        else:
            yield ok(f"model {name}", "there")
