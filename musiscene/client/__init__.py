"""The service from Python: `Client` and `AsyncClient`; needs `pip install 'musiscene[client]'`."""

from musiscene.client.asynchronous import AsyncClient
from musiscene.client.calls import ConnectionFailedError, ProblemError, ServiceClientError
from musiscene.client.synchronous import Client

__all__ = ["AsyncClient", "Client", "ConnectionFailedError", "ProblemError", "ServiceClientError"]
