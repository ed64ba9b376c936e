"""What answers requests while a new snapshot is opened."""

from __future__ import annotations

from threading import Event, current_thread
from typing import TYPE_CHECKING, Any, cast

from indexer.catalogue.repository import Catalogue
from indexer.library import Library
from service.serving import Serving
from service.settings import ServiceSettings
from tests.support.listening import WordEmbedder, listening, store
from tests.support.retrieval import library_without_models
from tests.support.service_process import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from musiscene.embed import TextEmbedder


class TestSwitch:
    def test_the_old_snapshot_answers_until_the_new_one_is_warm(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        library_without_models(tmp_path, monkeypatch)
        opening, go_on, over = Event(), Event(), Serving._over

        def slowly(self: Serving, index: Any) -> Any:  # noqa: ANN401  of the private method
            if current_thread().name == "snapshots" and self._held is not None:
                opening.set()
                go_on.wait(120)
            return over(self, index)

        serving = Serving(ServiceSettings(data_dir=tmp_path))
        try:
            serving.start()
            before = serving.held().revision
            monkeypatch.setattr(Serving, "_over", slowly)
            with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
                embedder = cast("TextEmbedder", WordEmbedder())
                library = Library(catalogue, tmp_path / "vectors", embedder)
                store(catalogue, listening("/m/new.wav"), scenes=["a ferry leaves the harbour"])
                library.publish()
            assert opening.wait(60)
            assert serving.held().revision == before
            hits = serving.matcher().match(["a ship fights a storm"], top_k=1).hits
            assert hits[0].track.path == "/m/wild/storm.wav"
            go_on.set()
            wait_for(lambda: serving.held().revision > before)
        finally:
            go_on.set()
            serving.close()
