"""Kills the service and its workers under load, and counts lost, doubled and stuck jobs.

Each round asks for scans and generations, kills the server, a worker or both at a moment that
chance picks, and starts them again. At the end every job must have ended once, every file must be
one track, and every generation one piece of music. Only the hearing is made up.

Example: python tools/kill_service.py --kills 30 --seed 1
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from indexer.catalogue.repository import Catalogue
from tests.support.audio import sine, write_audio
from tests.support.service_process import Process, Service, wait_for

END_SECONDS = 240.0
WORK_SECONDS = 60.0


def main() -> int:
    """Run, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="URL of an empty PostgreSQL database.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), asked.kills, random.Random(asked.seed), asked.database)  # noqa: S311
    print(json.dumps(found))
    return int(any(found[name] for name in ("lost", "doubled", "stuck", "failed")))


def run(folder: Path, kills: int, chance: random.Random, database: str | None) -> dict[str, float]:
    """Kill so often, let everything end, and count."""
    music = folder / "music"
    add_file(music, 0)
    with Process(folder, "index", str(music), database=database) as first:
        first.process.wait(180)
    settings = {
        "MUSISCENE_LIBRARY_ROOTS": str(music),
        # A worker that is killed so often is no fault of the job's.
        "MUSISCENE_JOBS_ATTEMPTS": "20",
    }
    began, keys, accepted = time.monotonic(), 0, dict[str, str]()

    def start_service() -> Service:
        return Service(
            folder, "--no-worker", "--quiet", database=database, settings=settings
        ).ready()

    def start_worker() -> Process:
        return Process(folder, "work", "--quiet", database=database, seconds=0.3, settings=settings)

    service, workers = start_service(), [start_worker(), start_worker()]
    done = 0
    while done < kills:
        for _ in range(2):
            keys += 1
            add_file(music, keys)
            with suppress(httpx.TransportError):
                ask(service, music, keys, accepted)
        wait_for(partial(is_running, service), WORK_SECONDS)  # else only idle workers would die
        time.sleep(chance.uniform(0.0, 1.5))
        what = chance.choice(("worker", "worker", "server", "both"))
        if what != "server":
            workers.pop(chance.randrange(2)).kill()
            workers.append(start_worker())
            done += 1
        if what != "worker":
            service.kill()
            service = start_service()
            done += 1
    lives = False
    until = time.monotonic() + END_SECONDS
    with Catalogue.open(database or folder / "catalogue.sqlite") as catalogue:
        while not lives and time.monotonic() < until:
            time.sleep(1)
            lives = not catalogue.jobs.page(statuses=["queued", "running"], limit=1)
        for process in (service, *workers):
            process.kill()
        counted = count(catalogue, accepted)
    return counted | {"kills": done, "seconds": round(time.monotonic() - began, 1)}


def is_running(service: Service) -> bool:
    """Whether a worker is at a job."""
    return any(
        service.client.get(url, params={"status": "running"}).json()[name]
        for url, name in (("/v1/scans", "scans"), ("/v1/generations", "generations"))
    )


def ask(service: Service, music: Path, number: int, accepted: dict[str, str]) -> None:
    """Ask for a scan or a generation; what was accepted must not be lost."""
    url, body = "/v1/scans", dict[str, object](paths=[str(music)])
    if number % 2:
        url, body = "/v1/generations", {"prompt": f"calm piano {number}", "seconds": 5, "seed": 1}
    key = f"key-{number}"
    for _ in range(2):  # the second time as a client that lost the first answer
        answer = service.client.post(url, json=body, headers={"Idempotency-Key": key})
        if answer.status_code == 202:
            accepted[key] = answer.json()["id"]


def count(catalogue: Catalogue, accepted: dict[str, str]) -> dict[str, float]:
    """What became of the jobs."""
    jobs = catalogue.jobs.page(limit=10_000)
    by_id = {str(job.id): job for job in jobs}
    keys = [job.idempotency_key for job in jobs]
    tracks = catalogue.known_files()
    made = [job for job in jobs if job.kind == "generation" and job.status == "done"]
    pieces = [catalogue.generations.of_job(job.id) for job in made]
    paths = [piece.audio_path for piece in pieces if piece is not None and piece.track_id]
    return {
        "accepted": len(accepted),
        "jobs": len(jobs),
        "begun_again": sum(job.attempts > 1 for job in jobs),
        "lost": sum(one not in by_id for one in accepted.values())
        + len(made) - len(paths) + sum(path not in tracks for path in paths),
        "doubled": len(keys) - len(set(keys)) + len(paths) - len(set(paths)),
        "stuck": sum(not job.has_ended for job in jobs),
        "failed": sum(job.status == "failed" for job in jobs),
    }  # fmt: skip


def add_file(music: Path, number: int) -> None:
    """One more second of music to be heard."""
    music.mkdir(exist_ok=True)
    wave = sine(200 + 3 * number, seconds=1, sample_rate=16_000)
    write_audio(music / f"{number}.wav", wave, sample_rate=16_000)


if __name__ == "__main__":
    sys.exit(main())
