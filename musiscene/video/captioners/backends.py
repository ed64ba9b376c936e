"""The captioners by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import msgspec

from musiscene.errors import CaptionerError

if TYPE_CHECKING:
    from musiscene.video.captioners.protocol import VideoCaptioner

CaptionerName: TypeAlias = Literal["auto", "measured", "model", "server"]
CAPTIONERS: Final[tuple[str, ...]] = get_args(CaptionerName)


class CaptionerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a person may say of a captioner beside its name."""

    model: str | None = None
    """Folder or hub id of a vision-language model, or its name as a server spells it."""
    url: str | None = None
    """Of a server, up to and with `/v1`."""
    api_key: str | None = None
    """For the server."""
    may_fetch: bool = True
    """Whether a model may be fetched from the hub."""


def load_captioner(name: str, options: CaptionerOptions | None = None) -> VideoCaptioner:
    """Make a captioner ready.

    Args:
        name: One of `CAPTIONERS`; `auto` takes the server if an address was given, else the model
            if one was named, else what was measured.
        options: What else was said.

    Returns:
        The captioner.

    Raises:
        CaptionerError: If there is no such captioner, or it cannot be used.
    """
    chosen = options or CaptionerOptions()
    if name not in CAPTIONERS:
        raise CaptionerError(f"{name}: no such captioner; there are {', '.join(CAPTIONERS)}")
    kind = name
    if name == "auto":
        kind = "server" if chosen.url else "model" if chosen.model else "measured"
    if kind == "server":
        return _server(chosen)
    if kind == "model":
        return _model(chosen)
    from musiscene.video.captioners.measured import MeasuredCaptioner

    return MeasuredCaptioner()


def _server(options: CaptionerOptions) -> VideoCaptioner:
    from musiscene.video.captioners.server import ServerCaptioner

    if not options.url or not options.model:
        raise CaptionerError(
            "a server that captions needs its address, such as http://localhost:8000/v1, and the"
            " name of its model"
        )
    return ServerCaptioner(options.url, options.model, api_key=options.api_key)


def _model(options: CaptionerOptions) -> VideoCaptioner:
    from musiscene.video.captioners.vision_language import VisionLanguageCaptioner

    if not options.model:
        raise CaptionerError(
            "a model that captions needs its folder or its name on the hub, such as"
            " HuggingFaceTB/SmolVLM-256M-Instruct"
        )
    return VisionLanguageCaptioner.load(options.model, may_fetch=options.may_fetch)
