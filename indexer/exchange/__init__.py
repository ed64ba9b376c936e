"""A library as one file that another machine, or another database, can take in.

The file is a ZIP archive of two members:

    manifest.json    `Manifest`: format, counts, size and SHA-256 of the other
    tracks.jsonl     one JSON document a line for each track, with all that belongs to it

In a line, columns have the names of the catalogue's; bytes are base64, ids and times are text.
Segments are in order, and a caption names its segment by its number in that order, so that no row
id has to be the same elsewhere. Audio is not in it.
"""

from indexer.exchange.read import ImportReport, import_library
from indexer.exchange.write import export_library

__all__ = ["ImportReport", "export_library", "import_library"]
