"""What was imagined of some tracks as rows of the catalogue, with their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from indexer.catalogue.rows import NewCaption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.embed import TextEmbedder
    from musiscene.track_imaginer import ImaginedSegment


def captions_of(
    tracks: Sequence[Sequence[ImaginedSegment]], embedder: TextEmbedder
) -> list[tuple[NewCaption, ...]]:
    """The captions of some tracks.

    Args:
        tracks: The segments of each.
        embedder: Makes the vectors.

    Returns:
        For each track a music caption and the scenes of every segment, in order.
    """
    captions = [
        NewCaption(segment=number, kind=kind, text=text, origin=origin, rank=rank, vector=b"")
        for segments in tracks
        for number, segment in enumerate(segments)
        for kind, text, origin, rank in _texts(segment)
    ]
    vectors = embedder.encode([caption.text for caption in captions]).astype("<f2")
    whole = iter(
        msgspec.structs.replace(caption, vector=vector.tobytes())
        for caption, vector in zip(captions, vectors, strict=True)
    )
    return [
        tuple(next(whole) for segment in segments for _ in _texts(segment)) for segments in tracks
    ]


def _texts(segment: ImaginedSegment) -> list[tuple[str, str, str, int]]:
    """Kind, text, origin and rank of each caption of a segment."""
    scenes = [
        ("scene", caption.text, caption.origin, rank)
        for rank, caption in enumerate(segment.scene_captions)
    ]
    return [("music", segment.music_caption, "facts", 0), *scenes]
