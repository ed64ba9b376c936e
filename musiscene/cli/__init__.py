"""The commands of this package; `service.cli` puts them under `musiscene`."""

from musiscene.cli.checkpoint import checkpoint
from musiscene.cli.imagine import imagine
from musiscene.cli.models import models

__all__ = ["checkpoint", "imagine", "models"]
