"""Scenes that suit a piece of music, imagined by a language model from its description."""

from musiscene.imagine.imaginer import SceneCaption, SceneImaginer
from musiscene.imagine.prompt import FEW_SHOT_PROMPT, ScenePrompt

__all__ = ["FEW_SHOT_PROMPT", "SceneCaption", "SceneImaginer", "ScenePrompt"]
