"""Prometheus metrics of the service; with several processes, of all of them together.

What is counted lives in each process and is added up through files in `PROMETHEUS_MULTIPROC_DIR`,
which `service.server` makes. What can be looked up is looked up by the process that is asked.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from indexer.errors import IndexerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from service.serving import Serving

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """What one process counts.

    Args:
        serving: What is looked up.
    """

    def __init__(self, serving: Serving) -> None:
        self._registry = CollectorRegistry()
        self._looked_up = CollectorRegistry()
        self._looked_up.register(Library(serving))
        registry = self._registry
        self.requests = Counter(
            "musiscene_requests",
            "Requests that were answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "musiscene_request_seconds",
            "From the request to the end of its answer.",
            ["method", "route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "musiscene_requests_in_flight",
            "Requests that are being answered.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.matches = Counter(
            "musiscene_matches", "Briefs that were answered.", ["decision"], registry=registry
        )
        self.stage_seconds = Histogram(
            "musiscene_match_stage_seconds",
            "What the stages of matching take.",
            ["stage"],
            buckets=SECONDS,
            registry=registry,
        )

        serving.on_step = lambda step, seconds: self.stage_seconds.labels(step).observe(seconds)
        serving.on_match = lambda decision: self.matches.labels(decision).inc()

    def exposition(self) -> bytes:
        """Everything as text, as Prometheus reads it."""
        return generate_latest(self._counted()) + generate_latest(self._looked_up)

    def _counted(self) -> CollectorRegistry:
        shared = os.environ.get(SHARED)
        if not shared:
            return self._registry
        _forget_the_dead(Path(shared))
        together = CollectorRegistry()
        MultiProcessCollector(together, path=shared)  # type: ignore[no-untyped-call]
        return together


class Library(Collector):
    """What is looked up when it is asked for.

    Args:
        serving: The library.
    """

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def collect(self) -> Iterable[Metric]:
        """The families; nothing of what cannot be looked up at the moment.

        Yields:
            One family after another.
        """
        ready = GaugeMetricFamily("musiscene_ready", "Whether briefs can be matched.")
        try:
            held = self._serving.require_ready()
        except Exception:  # noqa: BLE001  metrics of a service in trouble are wanted most
            ready.add_metric([], 0)
            yield ready
            return
        ready.add_metric([], 1)
        yield ready
        manifest = held.index.manifest
        yield GaugeMetricFamily(
            "musiscene_index_revision", "Of the vectors that answer.", value=manifest.revision
        )
        yield GaugeMetricFamily("musiscene_index_vectors", "That answer.", value=manifest.count)
        yield GaugeMetricFamily(
            "musiscene_index_tracks", "That answer.", value=len(held.index.track_ids)
        )
        yield from self._jobs()

    def _jobs(self) -> Iterable[Metric]:
        try:
            counts = self._serving.library.catalogue.jobs.counts()
            times = self._serving.library.catalogue.job_seconds()
        except IndexerError:
            return
        jobs = GaugeMetricFamily("musiscene_jobs", "By status.", labels=["kind", "status"])
        for labels, number in sorted(counts.items()):
            jobs.add_metric(labels, number)
        yield jobs
        took = SummaryMetricFamily("musiscene_job_seconds", "Of jobs done.", labels=["kind"])
        for kind, (count, seconds) in sorted(times.items()):
            took.add_metric([kind], count_value=count, sum_value=seconds)
        yield took


def _forget_the_dead(folder: Path) -> None:
    """Take out what processes that are gone had under way."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            continue
