"""Models for a command that needs them: what is missing is fetched once, with a notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musiscene.checkpoints.store import ModelStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from musiscene.console import Console


def store_with(names: Iterable[str], console: Console) -> ModelStore:
    """Open the model store and make some models ready.

    Args:
        names: What the command will load.
        console: Is told what is fetched.

    Returns:
        A store in which `folder` works for each of the names.

    Raises:
        ModelUnavailableError: If a model is missing and no source can be reached.
        ModelIntegrityError: If a source delivers other bytes than the pinned ones.
    """
    store = ModelStore(local_folder=console.models_dir)
    ready = {status.name for status in store.status() if status.state == "ready"}
    missing = [name for name in names if name not in ready]
    if missing:
        console.note(f"Fetching what is needed once: {', '.join(missing)}")
    for name in missing:
        with console.progress("bytes") as report:
            store.pull(name, report)
    return store
