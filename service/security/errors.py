"""Why somebody is not let in.

ServiceError
├── KeyMissingError       401  a key is needed
├── KeyRefusedError       401  the key is unknown, expired or revoked; which of them is not said
├── ScopeMissingError     403  the key is good, but not for this
├── NotLocalError         403  without a key, and not as a person at this machine would come
├── TooManyFailuresError  429  wrong keys came from this address too often
├── BodyLateError         408  the body of the request does not come
└── TooManyStreamsError   503  too many streams of events are open

KeyNeededError  the service is to listen to others, and there is no key for them
"""

from __future__ import annotations

from service.problems import ServiceError


class KeyMissingError(ServiceError):
    """A key is needed."""

    def __init__(self) -> None:
        super().__init__("A key is needed: Authorization: Bearer mus_...")
        self.headers = {"WWW-Authenticate": 'Bearer realm="musiscene"'}


class KeyRefusedError(ServiceError):
    """The key is unknown, expired or revoked."""

    def __init__(self) -> None:
        super().__init__("This key opens nothing: it is unknown, has expired or was revoked.")
        self.headers = {"WWW-Authenticate": 'Bearer realm="musiscene", error="invalid_token"'}


class ScopeMissingError(ServiceError):
    """The key is good, but not for this.

    Args:
        scope: That would be.
    """

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs a key with the scope `{scope}`.")
        why = f'error="insufficient_scope", scope="{scope}"'
        self.headers = {"WWW-Authenticate": f'Bearer realm="musiscene", {why}'}


class NotLocalError(ServiceError):
    """Somebody came without a key, and not as a person at this machine would."""


class TooManyFailuresError(ServiceError):
    """Wrong keys came from this address too often.

    Args:
        wait_seconds: Until another is looked at.
    """

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"Too many wrong keys; try again in {wait_seconds} seconds.")
        self.headers = {"Retry-After": str(wait_seconds)}


class BodyLateError(ServiceError):
    """The body of the request does not come."""

    def __init__(self) -> None:
        super().__init__("The body of the request did not come in time.")


class TooManyStreamsError(ServiceError):
    """Too many streams of events are open."""

    def __init__(self) -> None:
        super().__init__("too many streams of events are open")
        self.headers = {"Retry-After": "5"}


class KeyNeededError(Exception):
    """The service is to listen to others than this machine, and there is no key for them.

    Args:
        host: Where it is to listen.
    """

    def __init__(self, host: str) -> None:
        super().__init__(
            f"host {host}: others than this machine could use the service, and there is no key "
            "that they would need; make one first: musiscene keys create NAME --scope read"
        )
