"""What can go wrong before a language model is answered."""

from __future__ import annotations

from service.problems import ServiceError


class McpMissingError(ServiceError):
    """The Model Context Protocol's SDK is not installed."""

    def __init__(self) -> None:
        super().__init__("`musiscene mcp` needs an extra: pip install 'musiscene[mcp]'")
