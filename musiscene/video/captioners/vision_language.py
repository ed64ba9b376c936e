"""Scenes put into words by a vision-language model of transformers on this machine.

BLIP describes one picture at a time and takes no question; SmolVLM (Idefics3) and Qwen2-VL look at
all keyframes of a scene together. Only safetensors are read: a pickle can run code when it is
opened, and code of a folder is never run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from musiscene.errors import CaptionerError
from musiscene.video.captioners.instructions import MAX_NEW_TOKENS, QUESTION, kept_answer
from musiscene.video.captioners.weights import checked_folder, licence_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from transformers import BatchFeature, PreTrainedModel

    from musiscene.video.analysis import CaptionSource, VideoScene

QWEN_TYPES: Final = frozenset({"qwen2_vl", "qwen2_5_vl"})
MAX_SECONDS: Final = 120.0
"""For one answer, after which it is cut short."""


class VisionLanguageCaptioner:
    """Asks a model on this machine about the keyframes of each scene.

    Args:
        model: From `AutoModelForImageTextToText`.
        reader: Makes a model's input of pictures.
        name: As people know it.
        licence: Of the weights, as their model card states it.
    """

    source: CaptionSource = "model"
    most_frames = 4

    def __init__(
        self, model: PreTrainedModel, reader: PictureReader, *, name: str, licence: str | None
    ) -> None:
        model.train(mode=False)
        self._model: Any = model
        self._reader = reader
        self.name = name
        self.licence = licence

    @classmethod
    def load(cls, name: str, *, may_fetch: bool = True) -> VisionLanguageCaptioner:
        """The model in a folder, or of the hub.

        Args:
            name: A folder, or a repository on the hub.
            may_fetch: Whether what is not on this machine is fetched.

        Returns:
            The captioner.

        Raises:
            CaptionerError: If there is no such model, or it cannot be used.
        """
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForImageTextToText
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # the command has its own
        folder, model_type = checked_folder(name, may_fetch=may_fetch)
        has_gpu = torch.cuda.is_available()
        try:
            reader = _reader(folder, model_type)
            kind: Any = AutoModelForImageTextToText
            model = kind.from_pretrained(
                str(folder),
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.bfloat16 if has_gpu else torch.float32,
            ).to("cuda" if has_gpu else "cpu")
        except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
            said = " ".join(str(error).split())[:300]
            raise CaptionerError(f"{name}: cannot be loaded: {said}") from error
        return cls(model, reader, name=Path(name).name, licence=licence_of(folder))

    def caption(self, scene: VideoScene, frames: Sequence[NDArray[np.uint8]]) -> str:
        """Look at the keyframes of one scene.

        Args:
            scene: Is not looked at.
            frames: RGB, uint8, shape (height, width, 3).

        Returns:
            One to a few sentences.

        Raises:
            CaptionerError: If the model fails.
        """
        import torch

        del scene
        if not frames:
            return ""
        try:
            given = self._reader.inputs(frames).to(self._model.device)
            asked = given["input_ids"].shape[1] if self._reader.is_asked else 0
            with torch.inference_mode():
                written = self._model.generate(
                    **given, max_new_tokens=MAX_NEW_TOKENS, max_time=MAX_SECONDS, do_sample=False
                )
        except (ValueError, RuntimeError, IndexError, TypeError) as error:
            said = " ".join(str(error).split())[:300]
            raise CaptionerError(f"{self.name}: cannot describe a scene: {said}") from error
        answers = self._reader.tokenizer.batch_decode(written[:, asked:], skip_special_tokens=True)
        return kept_answer(" ".join(_sentences(answers)))


class PictureReader:
    """Makes a model's input of pictures, with the processor that its folder names.

    Args:
        folder: Of the model.

    Attributes:
        tokenizer: Of the model.
        is_asked: Whether the model takes a question.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoProcessor

        kind: Any = AutoProcessor
        self._processor: Any = kind.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        self.tokenizer: Any = self._processor.tokenizer
        self.is_asked = bool(self._processor.chat_template)

    def inputs(self, frames: Sequence[NDArray[np.uint8]]) -> BatchFeature:
        """What the model takes.

        Args:
            frames: RGB, uint8, shape (height, width, 3).

        Returns:
            Tensors by name.
        """
        if not self.is_asked:
            plain: BatchFeature = self._processor(images=list(frames), return_tensors="pt")
            return plain
        text = self._processor.apply_chat_template(_chat(len(frames)), add_generation_prompt=True)
        asked: BatchFeature = self._processor(images=list(frames), text=text, return_tensors="pt")
        return asked


class QwenPictureReader(PictureReader):
    """Does so for Qwen2-VL, whose own processor would need torchvision for its videos.

    Args:
        folder: Of the model.

    Raises:
        ValueError: If its tokenizer has no template for a chat.
    """

    IMAGE: Final = "<|image_pad|>"

    def __init__(self, folder: Path) -> None:
        from transformers import AutoImageProcessor, AutoTokenizer

        place: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        images: Any = AutoImageProcessor
        self._images: Any = images.from_pretrained(str(folder), backend="pil", **place)
        self.tokenizer = AutoTokenizer.from_pretrained(str(folder), **place)
        self.is_asked = True
        if not self.tokenizer.chat_template:
            raise ValueError("its tokenizer has no template for a chat")

    def inputs(self, frames: Sequence[NDArray[np.uint8]]) -> BatchFeature:
        """What the model takes: as many picture tokens as each picture has patches, merged.

        Args:
            frames: RGB, uint8, shape (height, width, 3).

        Returns:
            Tensors by name.
        """
        import torch

        given: BatchFeature = self._images(images=list(frames), return_tensors="pt")
        tokens = given["image_grid_thw"].prod(dim=1) // self._images.merge_size**2
        text = self.tokenizer.apply_chat_template(
            _chat(len(frames)), add_generation_prompt=True, tokenize=False
        )
        first, *rest = text.split(self.IMAGE)
        pictures = [self.IMAGE * count for count in tokens.tolist()]
        whole = first + "".join(a + b for a, b in zip(pictures, rest, strict=True))
        words = self.tokenizer([whole], return_tensors="pt", return_token_type_ids=False)
        picture_token = self.tokenizer.convert_tokens_to_ids(self.IMAGE)
        given.update(words)
        given["mm_token_type_ids"] = (words["input_ids"] == picture_token).to(torch.int32)
        return given


def _reader(folder: Path, model_type: str) -> PictureReader:
    return QwenPictureReader(folder) if model_type in QWEN_TYPES else PictureReader(folder)


def _chat(pictures: int) -> list[dict[str, Any]]:
    content: list[dict[str, str]] = [{"type": "image"} for _ in range(pictures)]
    return [{"role": "user", "content": [*content, {"type": "text", "text": QUESTION}]}]


def _sentences(answers: Sequence[str]) -> list[str]:
    """Different answers as sentences: BLIP gives one for each picture, without full stops."""
    said = dict.fromkeys(" ".join(answer.split()) for answer in answers)
    several = len(answers) > 1
    return [
        f"{one[0].upper()}{one[1:]}." if several and one[-1] not in ".!?" else one
        for one in said
        if one
    ]
