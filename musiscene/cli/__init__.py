"""The commands of this package; `service.cli` puts them under `musiscene`."""

from musiscene.cli.checkpoint import checkpoint
from musiscene.cli.data import data
from musiscene.cli.evaluate import evaluate
from musiscene.cli.generate import generate
from musiscene.cli.imagine import imagine
from musiscene.cli.models import models
from musiscene.cli.study import study
from musiscene.cli.train import train

__all__ = ["checkpoint", "data", "evaluate", "generate", "imagine", "models", "study", "train"]
