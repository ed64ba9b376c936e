"""What says what scenes show, as the settings have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musiscene.video.captioners.protocol import VideoCaptioner
    from service.settings import VideoSettings


def captioner_of(settings: VideoSettings) -> VideoCaptioner | None:
    """The captioner of the settings; None to go by what was measured.

    Args:
        settings: Of videos.

    Returns:
        The captioner.

    Raises:
        CaptionerError: If it cannot be used.
    """
    if settings.captioner == "measured":
        return None
    from musiscene.video.captioners.backends import CaptionerOptions, load_captioner

    options = CaptionerOptions(model=settings.captioner_model, url=settings.captioner_url)
    return load_captioner(settings.captioner, options)
