"""Every error that musiscene raises for what a person or their data did.

    MusiSceneError
    ├── FileError                       carries a path and what is wrong there
    │   ├── AudioError                  one file cannot be heard
    │   │   ├── UnreadableAudioError    missing, a directory, a dangling link, no permission
    │   │   ├── UnsupportedAudioError   not audio, no audio stream, protected (DRM), no decoder
    │   │   ├── CorruptAudioError       starts as audio and then breaks
    │   │   ├── EmptyAudioError         no bytes or no samples
    │   │   ├── SilentAudioError        decodes, but nothing can be heard
    │   │   ├── AudioLimitError         over a limit on bytes, seconds, channels or sample rate
    │   │   └── AudioTimeoutError       took longer to decode than allowed
    │   ├── VideoError                  one video cannot be watched
    │   │   ├── UnreadableVideoError    missing, a directory, no permission
    │   │   ├── UnsupportedVideoError   not a video, no picture, no decoder
    │   │   ├── CorruptVideoError       starts as a video and then breaks
    │   │   ├── EmptyVideoError         no bytes or no frames
    │   │   ├── VideoLimitError         over a limit on bytes, seconds, pixels or frames
    │   │   └── VideoTimeoutError       took longer to watch than allowed
    │   ├── CaptionFileError            subtitles or markers cannot be read
    │   └── RecipeError                 a training cannot begin or go on
    ├── VideoStoppedError               watching a video was stopped
    ├── CaptionerError                  scenes cannot be put into words
    ├── VideoToolsMissingError          what watches videos is not installed
    ├── GenerationError                 music cannot be made for a prompt
    │   ├── GeneratorMissingError       what makes it is not installed
    │   └── GenerationStoppedError      it was asked to stop
    ├── StudyError                      a listening study cannot be made, held or read
    │   ├── StudyBusyError              another process writes its answers
    │   ├── RaterUnknownError           no rater has this link, or none is free
    │   └── AnswerError                 an answer does not belong where it was sent
    └── ModelError                      a model cannot be used; carries its name
        ├── UnknownModelError           no model of that name
        ├── ModelUnavailableError       not on this machine, and no source could be reached
        └── ModelIntegrityError         bytes that differ from the pinned checksum

`ValueError` and its like are left for a caller's bug.
"""

from __future__ import annotations

from pathlib import Path


class MusiSceneError(Exception):
    """Something a person or their data did; the message says what, where and the way out."""


class FileError(MusiSceneError):
    """One file or folder is not what it should be.

    Args:
        path: The file.
        reason: What is wrong with it and, where there is one, the way out; no path, no full stop.

    Attributes:
        path: As given.
        reason: As given.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")

    def __reduce__(self) -> tuple[type[FileError], tuple[Path, str]]:
        """Pickle with both arguments, so that the error survives a process boundary."""
        return type(self), (self.path, self.reason)


class AudioError(FileError):
    """One audio file cannot be heard."""


class UnreadableAudioError(AudioError):
    """The path cannot be opened as a file."""


class UnsupportedAudioError(AudioError):
    """The file holds nothing that can be decoded as audio."""


class CorruptAudioError(AudioError):
    """The file starts as audio and then breaks."""


class EmptyAudioError(AudioError):
    """The file holds no bytes, or its audio no samples."""


class SilentAudioError(AudioError):
    """The audio decodes, but nothing in it can be heard."""


class AudioLimitError(AudioError):
    """The file is over one of the limits set for audio."""


class AudioTimeoutError(AudioError):
    """Decoding took longer than allowed."""


class VideoError(FileError):
    """One video cannot be watched."""


class UnreadableVideoError(VideoError):
    """The path cannot be opened as a file."""


class UnsupportedVideoError(VideoError):
    """The file holds no picture that can be decoded."""


class CorruptVideoError(VideoError):
    """The file starts as a video and then breaks."""


class EmptyVideoError(VideoError):
    """The file holds no bytes, or its picture no frames."""


class VideoLimitError(VideoError):
    """The file is over one of the limits set for videos."""


class VideoTimeoutError(VideoError):
    """Watching took longer than allowed."""


class CaptionFileError(FileError):
    """A file of subtitles, captions or markers cannot be read."""


class VideoStoppedError(MusiSceneError):
    """Watching a video was stopped before its end."""

    def __init__(self) -> None:
        super().__init__("stopped before the video was watched to its end")


class CaptionerError(MusiSceneError):
    """The scenes of a video cannot be put into words by this captioner."""


class VideoToolsMissingError(MusiSceneError):
    """What watches videos is not installed.

    Args:
        reason: Why it cannot be loaded, as Python said it.

    Attributes:
        reason: As given.
    """

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        way_out = "pip install 'musiscene[video]'"
        if "libGL" in reason or "libgthread" in reason or "libxcb" in reason:
            way_out = "pip uninstall opencv-python && pip install opencv-python-headless"
        why = f" ({reason})" if reason else ""
        super().__init__(f"videos need the video extra{why}: {way_out}")


class ModelError(MusiSceneError):
    """A model cannot be used.

    Args:
        name: The model, as `musiscene models list` spells it.
        reason: What is wrong and the way out.

    Attributes:
        name: As given.
        reason: As given.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name}: {reason}")


class UnknownModelError(ModelError):
    """No model has this name."""


class ModelUnavailableError(ModelError):
    """The model is not on this machine, and none of its sources could be reached."""


class ModelIntegrityError(ModelError):
    """What a source delivered differs from the pinned checksum."""


class RecipeError(FileError):
    """A training cannot begin or go on as its recipe, or the folder of its run, says."""


class GenerationError(MusiSceneError):
    """Music cannot be made for a prompt."""


class GeneratorMissingError(GenerationError):
    """What makes the music is not installed; the message says how to get it."""


class GenerationStoppedError(GenerationError):
    """Making music was stopped before its end."""

    def __init__(self) -> None:
        super().__init__("stopped before the music was done")


class StudyError(MusiSceneError):
    """A listening study cannot be made, held or read."""


class StudyBusyError(StudyError):
    """Another process writes the answers of this study."""


class RaterUnknownError(StudyError):
    """No rater of the study has this link, or no place is free."""


class AnswerError(StudyError):
    """An answer does not belong to the rater's present trial, or is not one of the choices."""
