"""HTTP for metrics."""

from __future__ import annotations

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from service.observe.metrics import CONTENT_TYPE, Metrics


class MetricsController(Controller):
    """What Prometheus asks for."""

    path = "/metrics"
    tags = ("health",)
    include_in_schema = False

    @get("/", operation_id="getMetrics", sync_to_thread=True, opt={"local": True})
    def metrics(self, metrics: NamedDependency[Metrics]) -> Response[bytes]:
        """Counts and times of all processes."""
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)
