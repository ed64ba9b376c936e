"""The commands of this package; `service.cli` puts them under `musiscene`."""

from musiscene.cli.imagine import imagine
from musiscene.cli.models import models

__all__ = ["imagine", "models"]
