"""Text from a LLaMA-family language model, with or without music in its attention."""

from musiscene.language_model.attention import AudioStates
from musiscene.language_model.model import LanguageModel
from musiscene.language_model.sampling import Completion, Sampling

__all__ = ["AudioStates", "Completion", "LanguageModel", "Sampling"]
