"""`python -m tests.support.small_service DATA_DIR CONFIG`: a real server, without models."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from litestar import get
from litestar.response import Stream

from musiscene.embed import TextEmbedder
from musiscene.scene_reader import SceneReader
from service import server
from service.configuration import load_settings
from tests.support.listening import WordEmbedder, word_reader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from litestar import Litestar


class WithoutModels(server.AppFactory):
    """Reads words instead of models, in whichever process it is called."""

    def __call__(self) -> Litestar:
        """The application, with a route that takes its time."""
        TextEmbedder.load = staticmethod(lambda _folder: WordEmbedder())  # type: ignore[assignment,method-assign]
        SceneReader.load = staticmethod(lambda _folder: word_reader())  # type: ignore[assignment,method-assign]

        app = super().__call__()
        app.register(_slow)
        app.register(_large)
        return app


@get("/slow", opt={"open": True})
async def _slow(seconds: float = 1.0) -> dict[str, int]:
    await asyncio.sleep(seconds)
    return {"process": os.getpid()}


@get("/large", opt={"open": True})
async def _large() -> Stream:
    async def parts() -> AsyncGenerator[bytes, None]:
        for _ in range(64):
            yield bytes(1 << 20)

    return Stream(parts(), media_type="application/octet-stream")


if __name__ == "__main__":
    settings = load_settings(
        data_dir=Path(sys.argv[1]), environment={}, config=Path(sys.argv[2]), options={}
    )
    server.AppFactory = WithoutModels  # type: ignore[misc]
    sys.exit(server.serve(settings))
