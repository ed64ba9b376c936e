"""FAISS snapshots of the catalogue's caption vectors: made from it, searched, kept in step with it.

    vectors/
      CURRENT                    name of the published snapshot, replaced atomically
      r00000042-1f3a9c0e/        revision of the catalogue it is true to, and a random part
        manifest.json            embedder, dimension, revision, parts; size and SHA-256 of each file
        rows.npy                 what each row is about, in the order of caption ids
        places.npy               where each row's vector is: part and position
        tracks.npy               16-byte ids; `rows["track"]` counts into it
        sounds.npy, tags.npy     what was measured in each track
      parts/6f1c.../             named after its content; shared by the snapshots that list it
        index.faiss              what is searched
        vectors.npy              float16, as in the catalogue; only where the index is not exact

Invariants:
    - SQL is the truth: all of this can be thrown away and made again from the catalogue.
    - Neither a snapshot nor a part ever changes once it has its name. What changes in a library
      goes into a new part; rows that it lost are in no later `rows.npy`.
    - Files are written in a folder beside and flushed to disk before the folder gets its name,
      parts before snapshots, and only then is `CURRENT` replaced: a process killed at any point
      leaves the old snapshot or the new one, never a mixture.
    - A snapshot made step by step has the same rows in the same order as one made at once.
    - A reader keeps what it has opened: files stay valid while it holds them mapped.
"""

from indexer.vectors.layout import KINDS, ROW_DTYPE, Manifest
from indexer.vectors.publish import Changes, open_current, publish, publish_changes, publishing
from indexer.vectors.settings import IndexSettings
from indexer.vectors.snapshot import VectorIndex

__all__ = [
    "KINDS",
    "ROW_DTYPE",
    "Changes",
    "IndexSettings",
    "Manifest",
    "VectorIndex",
    "open_current",
    "publish",
    "publish_changes",
    "publishing",
]
