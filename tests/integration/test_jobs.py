"""Jobs over HTTP, with real servers, workers, decoders and kills; only the hearing is made up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.audio import sine, write_audio
from tests.support.service_process import Process, Service, wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration
BRIEF = "quarterly tax forms and invoices in a spreadsheet"


@pytest.fixture
def library(tmp_path: Path, catalogue_location: str) -> tuple[Path, Path, str | None]:
    """The data folder, a folder of music, and the database's URL."""
    pytest.importorskip("symusic", reason="symusic is not installed: pip install '.[compose]'")
    database = catalogue_location if "://" in catalogue_location else None
    data_dir, music = tmp_path, tmp_path / "music"
    for number in range(3):
        music.mkdir(exist_ok=True)
        wave = sine(300 + 50 * number, seconds=1, sample_rate=16_000)
        write_audio(music / f"{number}.wav", wave, sample_rate=16_000)
    with Process(data_dir, "index", str(music / "0.wav"), database=database) as first:
        assert first.process.wait(120) == 0, (data_dir / "processes.log").read_text()
    return data_dir, music, database


def events_of(service: Service, url: str, **headers: str) -> list[tuple[int, str, dict[str, Any]]]:
    """Every event of a job until its stream ends."""
    found = []
    with service.client.stream("GET", f"{url}/events", headers=headers, timeout=120) as answer:
        if answer.status_code == 204:
            return []
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, str] = {}
        for line in answer.iter_lines():
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
            elif not line and "data" in event:
                found.append((int(event["id"]), event["event"], json.loads(event["data"])))
                event = {}
    return found


class TestJobs:
    def test_scans_generations_and_kills(self, library: tuple[Path, Path, str | None]):
        data_dir, music, database = library
        settings = {"MUSISCENE_LIBRARY_ROOTS": str(music)}
        with Service(data_dir, "--no-worker", database=database, settings=settings) as service:
            service.ready()
            started = service.client.post("/v1/scans", json={"paths": [str(music)]})
            assert started.status_code == 202
            url = started.headers["location"]
            refused = service.client.post("/v1/scans", json={"paths": ["/etc"]})
            assert (refused.status_code, refused.json()["type"]) == (
                403, "urn:musiscene:path-not-allowed",
            )  # fmt: skip

            with Process(data_dir, "work", database=database, seconds=1.5) as worker:
                wait_for(lambda: service.client.get(url).json()["progress"]["total"])
                worker.kill()
            assert service.client.get(url).json()["status"] == "running"

            with Process(data_dir, "work", database=database) as worker:
                scan = service.ended(url)
                assert (scan["status"], scan["attempts"]) == ("done", 2), scan
                assert service.client.get("/v1/tracks").json()["total"] == 3
                self.check_events(service, url)
                self.check_fallback(service)
                assert worker.stop() == 0

    def check_events(self, service: Service, url: str) -> None:
        events = events_of(service, url)
        last_id, name, shown = events[-1]
        assert (name, shown["status"]) == ("done", "done")
        assert events_of(service, url, **{"Last-Event-ID": str(last_id)}) == []
        assert events_of(service, url, **{"Last-Event-ID": str(last_id - 1)}) == events[-1:]

    def check_fallback(self, service: Service) -> None:
        asked = {"captions": [BRIEF], "fallback": "always", "length_seconds": 6, "top_k": 3}
        first = service.client.post("/v1/matches", json=asked)
        assert first.status_code == 202
        link = first.json()["generation"]
        assert first.headers["location"] == link["url"]
        again = service.client.post("/v1/matches", json=asked).json()["generation"]
        assert again["id"] == link["id"]
        names = [event for _, event, _ in events_of(service, link["url"])]
        assert names[-1] == "done"
        done = service.client.get(link["url"]).json()
        assert done["status"] == "done", done["error"]
        assert (done["commercial_use"], done["provenance"]["backend"]) == ("yes", "composer")
        audio = service.client.get(done["audio_url"])
        assert (audio.status_code, audio.content[:4]) == (200, b"fLaC")
        track = service.client.get(done["track_url"]).json()
        assert (track["generated"], track["duration_seconds"]) == (True, 6.0)
        wait_for(lambda: self.is_found(service, done), 30)

    def is_found(self, service: Service, done: dict[str, Any]) -> bool:
        """Whether a match for the prompt, its title, gives the generated track first."""
        asked = {"captions": [done["prompt"]], "top_k": 1, "filter": "generated=yes"}
        hits = service.client.post("/v1/matches", json=asked).json()["hits"]
        return bool(hits) and hits[0]["track"]["id"] == done["track_id"]

    def test_a_scan_is_stopped_and_a_worker_hands_back(
        self, library: tuple[Path, Path, str | None]
    ):
        data_dir, music, database = library
        with (
            Service(
                data_dir, "--no-worker", database=database,
                settings={"MUSISCENE_LIBRARY_ROOTS": str(music), "MUSISCENE_JOBS_QUEUED": "1"},
            ) as service,
            Process(data_dir, "work", database=database, seconds=2) as worker,
        ):  # fmt: skip
            service.ready()
            body, key = {"paths": [str(music)]}, {"Idempotency-Key": "one"}
            first = service.client.post("/v1/scans", json=body, headers=key)
            url = first.headers["location"]
            assert (
                service.client.post("/v1/scans", json=body, headers=key).json()["id"]
                == (first.json()["id"])
            )
            reused = service.client.post("/v1/scans", json=body | {"retry": True}, headers=key)
            assert reused.json()["type"] == "urn:musiscene:idempotency-key-reused"
            wait_for(lambda: service.client.get(url).json()["progress"]["total"])
            assert worker.stop() == 0
            handed = service.client.get(url).json()
            assert (handed["status"], handed["attempts"]) == ("queued", 0), handed
            full = service.client.post("/v1/scans", json=body)
            assert (full.status_code, full.headers["retry-after"]) == (429, "30")
            assert service.client.delete(url).json()["status"] == "cancelled"
