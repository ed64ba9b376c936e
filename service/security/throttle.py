"""Counts wrong keys by address, in bounded memory."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_SECONDS: Final = 60.0
MOST_ADDRESSES: Final = 4_096
"""Beyond these the one that failed longest ago is forgotten."""
IPV6_BITS: Final = 64
"""What one customer has to themselves, as a rule."""


class FailureThrottle:
    """Lets an address fail so often a minute.

    Args:
        per_minute: So often.
        clock: Seconds that never go back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._debts: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._debts)

    def wait_seconds(self, address: str) -> int:
        """How long an address has to wait until it may fail again; 0 for not at all."""
        debt = self._debt(_network(address))
        if debt <= self._per_minute - 1:
            return 0
        return math.ceil((debt - self._per_minute + 1) * WINDOW_SECONDS / self._per_minute)

    def note_failure(self, address: str) -> None:
        """Count a failure."""
        network = _network(address)
        self._debts[network] = (self._debt(network) + 1.0, self._clock())
        self._debts.move_to_end(network)
        if len(self._debts) > MOST_ADDRESSES:
            self._debts.popitem(last=False)

    def _debt(self, network: str) -> float:
        """Failures that are not forgotten yet; they are forgotten one by one."""
        debt, since = self._debts.get(network, (0.0, 0.0))
        return max(0.0, debt - (self._clock() - since) * self._per_minute / WINDOW_SECONDS)


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 6 and parsed.ipv4_mapped is None:  # noqa: PLR2004
        return str(ipaddress.ip_network((parsed, IPV6_BITS), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
