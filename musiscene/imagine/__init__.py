"""Scenes that suit a piece of music, imagined by a language model from its description."""

from musiscene.imagine.imaginer import SceneCaption, SceneImaginer
from musiscene.imagine.prompt import ScenePrompt

__all__ = ["SceneCaption", "SceneImaginer", "ScenePrompt"]
