"""The service over the small library of `tests.support.retrieval`, without models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.testing import TestClient

from indexer.catalogue.repository import Catalogue
from service.app import create_app
from service.security.keys import make_key
from service.settings import ServiceSettings
from tests.support.retrieval import library_without_models

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pytest
    from litestar import Litestar

    from indexer.catalogue.keys import Scope


def service_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch, settings: ServiceSettings | None = None
) -> TestClient[Litestar]:
    """A client of a service over a library that is made below `folder`; to be entered."""
    library_without_models(folder, monkeypatch)
    app = create_app(settings or ServiceSettings(data_dir=folder))
    return TestClient(app, raise_server_exceptions=False)


def add_key(
    folder: Path, *scopes: Scope, name: str = "test", expires_at: datetime | None = None
) -> str:
    """A key to the library below `folder`, as its owner has it."""
    key = make_key()
    with Catalogue.open(folder / "catalogue.sqlite") as catalogue:
        catalogue.keys.add(key.id, key.digest, name=name, scopes=scopes, expires_at=expires_at)
    return key.text


def bearer(key: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {key}"}


def fresh_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service looks for keys at every request, instead of every other second."""
    monkeypatch.setattr("service.security.keys.LOOKED_AGAIN_SECONDS", 0.0)
