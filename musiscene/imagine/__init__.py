"""Scenes that suit a piece of music, imagined by a language model from its description."""

from musiscene.imagine.imaginer import SceneCaption, SceneImaginer
from musiscene.imagine.prompt import HEARD_PROMPT, LEARNT_SCENE, LEARNT_VIDEO, ScenePrompt

__all__ = [
    "HEARD_PROMPT",
    "LEARNT_SCENE",
    "LEARNT_VIDEO",
    "SceneCaption",
    "SceneImaginer",
    "ScenePrompt",
]
