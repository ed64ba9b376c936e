"""Whether a request without a key comes as a person at this machine would make it.

Any page that a browser shows can send requests to loopback addresses, and by DNS rebinding even
read the answers. What such requests cannot do is name a loopback address in `Host`, or hide the
page that they come from.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from service.security.errors import NotLocalError
from service.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.settings import SecuritySettings

BY_PROXY: Final = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")
OWN_PAGES: Final = frozenset({"same-origin", "none"})
"""What browsers put into `Sec-Fetch-Site` for our own page, and for an address typed in."""


def require_local(
    address: str | None, headers: Mapping[str, str], settings: SecuritySettings
) -> None:
    """See that a request may be answered without a key.

    Args:
        address: Of the client; None, or a name, on a Unix socket.
        headers: Of the request, in small letters.
        settings: Which other hosts and origins may be named.

    Raises:
        NotLocalError: If it may not.
    """
    if _is_remote(address) or any(name in headers for name in BY_PROXY):
        raise NotLocalError(
            "Without a key the service answers this machine alone, and no proxy; "
            "make one: musiscene keys create"
        )
    host = headers.get("host", "")
    if not _is_own_host(host, settings.allowed_hosts):
        raise NotLocalError(
            "Without a key the service answers to loopback names alone; use http://127.0.0.1, "
            "or name others in security.allowed_hosts"
        )
    origin = headers.get("origin")
    if origin in settings.allowed_origins:
        return
    crosses = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    if crosses or headers.get("sec-fetch-site", "none") not in OWN_PAGES:
        raise NotLocalError(
            "Pages of other sites may not use the service; name them in security.allowed_origins"
        )


def _is_remote(address: str | None) -> bool:
    try:
        ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return not is_loopback(address or "")


def _is_own_host(host: str, allowed: tuple[str, ...]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or name in allowed
