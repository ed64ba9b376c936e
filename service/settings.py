"""The settings of the service, and the only place where the environment and TOML are read for it.

A file is overruled by the environment, and that by the command line. `docs/settings.md` has every
setting; a test sees to that.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from indexer.catalogue.generations import GENERATED

LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})

Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=86_400)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one client may ask of the service."""

    body_bytes: Annotated[int, Meta(ge=1_024, le=1 << 30)] = 256 * 1024
    """Longest request body, where a route does not say otherwise."""
    header_bytes: Annotated[int, Meta(ge=4_096, le=1 << 20)] = 32 * 1024
    """Longest request line and headers together."""
    multipart_parts: Count = 10
    """Most parts of an uploaded form."""
    header_seconds: Seconds = 10.0
    """Within this time the headers of a request must have come."""
    body_seconds: Seconds = 30.0
    """Within this time the body of a request must have come."""
    request_seconds: Seconds = 60.0
    """Within this time an answer must have begun."""
    send_seconds: Seconds = 60.0
    """A client that takes nothing of its answer for so long is hung up on."""
    idle_seconds: Seconds = 15.0
    """A connection without a request is closed after this time."""
    shutdown_seconds: Seconds = 20.0
    """Requests that are under way when the service stops have so long to finish."""
    requests_at_once: Count = 64
    """Answered at the same time by one process; more get 503 and are asked to come again."""
    streams_at_once: Count = 64
    """Event streams that one process holds open, beside the other requests."""
    connections: Count = 1_000
    """Open to one process at the same time."""


class SecuritySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may use the service, and how."""

    loopback_without_key: bool = False
    """This machine needs no key even where there are keys; not behind a proxy on it."""
    allowed_hosts: tuple[str, ...] = ()
    """Names beside the loopback ones that requests without a key may call the service by."""
    allowed_origins: tuple[str, ...] = ()
    """Other sites whose pages may use the service, such as `https://cut.example.org`."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses and networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    audio_roots: tuple[Path, ...] = ()
    """Folders that audio is served from; none for those that were scanned."""
    failures_per_minute: Count = 10
    """Wrong keys from one address before it has to wait."""
    hsts_seconds: Annotated[int, Meta(ge=0)] = 31_536_000
    """How long browsers keep to HTTPS once they came by it; 0 for not at all."""


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the service says of itself."""

    format: Literal["console", "json"] = "console"
    """Lines for people, or a JSON object each."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """From `debug` on, captions of briefs are logged."""
    metrics: bool = True
    """Whether `/metrics` is there."""


class JobSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How scans and generations are queued and done."""

    redis: str | None = None
    """URL of a Redis server for the queue; None for a file in the library's folder."""
    queued: Count = 100
    """How many may wait; more are refused with 429."""
    at_once: Annotated[int, Meta(ge=1, le=16)] = 2
    """How many one worker does at a time."""
    attempts: Annotated[int, Meta(ge=1, le=20)] = 3
    """How often one is begun before it fails for good."""
    stale_seconds: Annotated[float, Meta(ge=5, le=86_400)] = 30.0
    """A worker on another machine counts as dead after so long without a heartbeat."""
    reuse_seconds: Annotated[float, Meta(ge=0, le=31_536_000)] = 86_400.0
    """A brief that nothing fits gets the music again that was made for it so long ago."""


class GenerationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How music is made."""

    model: str | None = None
    """Variant or folder of MusicGen, which `auto` then takes; None for the largest that fits."""
    audiocraft_python: Path | None = None
    """Interpreter of the environment that has audiocraft; see audiocraft.md."""


class VideoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What videos may be sent, and how long they are kept."""

    max_bytes: Annotated[int, Meta(ge=1_024, le=1 << 40)] = 2 << 30
    """Largest video."""
    max_seconds: Seconds = 7_200.0
    """Longest video."""
    match_seconds: Seconds = 120.0
    """Longest video that `/v1/matches/video` answers at once."""
    upload_seconds: Seconds = 1_800.0
    """Within this time a video must have come; it may never pause for the seconds that other
    bodies have."""
    uploads_at_once: Count = 4
    """Taken at the same time by one process; more get 503 and are asked to come again."""
    kept_bytes: Annotated[int, Meta(ge=0, le=1 << 50)] = 50 << 30
    """Videos, keyframes and previews together; beyond it a video is refused with 507."""
    kept_days: Annotated[float, Meta(gt=0, le=36_500)] = 30.0
    """After so long without a change a video and its previews are deleted; its plan stays."""
    watch_seconds: Seconds = 3_600.0
    """Within this time a video must have been watched and heard."""
    captioner: Literal["measured", "model", "server"] = "measured"
    """What says what scenes show where captions are not sent: measured facts, a model, a server."""
    captioner_model: str | None = None
    """Folder or name of the model, or its name at the server."""
    captioner_url: str | None = None
    """Of a server that speaks as OpenAI's does, such as `http://127.0.0.1:8080/v1`."""


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the service runs."""

    data_dir: Path
    """The library."""
    database: str | None = None
    """URL of the catalogue; None for a file in the library's folder."""
    models_dir: Path | None = None
    """A folder of models that is looked in before the cache."""
    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    """Address to listen on; others than loopback ones need a key in the catalogue."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes a free one."""
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    """Processes that answer requests."""
    remember_briefs: bool = True
    """Whether briefs go into a history; a request can keep its own out."""
    library_roots: tuple[Path, ...] = ()
    """Folders that scans may read; none for those that were scanned before."""
    studies: Path | None = None
    """Folder of listening studies, with a folder for each; raters find them at `/studies/NAME/`."""
    jobs: JobSettings = JobSettings()
    generation: GenerationSettings = GenerationSettings()
    video: VideoSettings = VideoSettings()
    limits: LimitSettings = LimitSettings()
    security: SecuritySettings = SecuritySettings()
    logs: LogSettings = LogSettings()

    def audio_roots(self, known: Sequence[Path]) -> list[Path]:
        """Folders that audio is served from; none where no folder was ever scanned.

        Args:
            known: Folders that were scanned.

        Returns:
            The folders.
        """
        roots = list(self.security.audio_roots or (*self.library_roots, *known))
        return [*roots, self.data_dir / GENERATED] if roots else []


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
