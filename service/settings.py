"""The settings of the service, and the only place where the environment is read for it."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

import msgspec

LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the service runs."""

    data_dir: Path
    """The library."""
    database: str | None = None
    """URL of the catalogue; None for a file in the library's folder."""
    models_dir: Path | None = None
    """A folder of models that is looked in before the cache."""
    host: str = "127.0.0.1"
    """Address to listen on; only loopback addresses are allowed, since there are no keys yet."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes a free one."""
    max_body_bytes: int = 256 * 1024
    """Longest request body."""

    def __post_init__(self) -> None:
        if not is_loopback(self.host):
            raise ValueError(
                f"host {self.host}: without API keys the service listens on loopback only "
                "(127.0.0.1, ::1 or localhost)"
            )


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
