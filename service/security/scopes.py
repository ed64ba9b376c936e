"""What a key must open for each route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from indexer.catalogue.keys import Scope

OPEN: Final = ("/health/", "/docs")
"""Below these nothing is told of the library. Pages say `opt={"open": True}` instead."""
ASKED_BY_POST: Final = ("/v1/matches", "/v1/similar")
"""These only look things up, though a body is sent with the question."""
ADMIN: Final = ("/v1/scans", "/v1/keys")
"""To start or stop a scan is to say which folders are read."""
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

INCLUDED: Final[dict[Scope, frozenset[Scope]]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "write"}),
    "admin": frozenset({"read", "write", "admin"}),
}
"""What a scope opens."""


def scope_of(method: str, path_template: str) -> Scope | None:
    """What is needed for a route; what is not named here needs a key all the same.

    Args:
        method: Of the request.
        path_template: Of the route, with names in the place of its parameters.

    Returns:
        The scope; None where nothing is needed.
    """
    if path_template.startswith(OPEN):
        return None
    if method in READING or path_template.startswith(ASKED_BY_POST):
        return "read"
    return "admin" if path_template.startswith(ADMIN) else "write"
