"""Files from the Hugging Face hub: pinned ones of embedded models, whole big models.

Only safetensors, settings and tokenizers are ever fetched. A pickle can run code when it is opened,
so a repository that holds its weights in pickles alone is refused.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene.checkpoints.progress import watching
from musiscene.checkpoints.wheels import SourceError, check_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musiscene.checkpoints.progress import PullProgress
    from musiscene.checkpoints.registry import HubRepository, PinnedFile

PROBE_TIMEOUT_SECONDS = 3.0
WANTED_PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.jinja", "tokenizer.model")


def download_pinned(
    hub: HubRepository,
    files: tuple[PinnedFile, ...],
    scratch: Path,
    target: Path,
    progress: PullProgress,
) -> None:
    """Put an embedded model's files into a folder.

    Args:
        hub: Where they are.
        files: What is wanted.
        scratch: Folder to work in.
        target: Receives them under their `PinnedFile.name`.
        progress: Told about the bytes so far.

    Raises:
        SourceError: If the hub cannot deliver one, or delivers other bytes.
    """
    from huggingface_hub import hf_hub_download

    total_bytes = sum(file.size_bytes for file in files)
    with _translated_errors(hub):
        _probe(hub)
        with watching(scratch, f"download {hub.repo_id}", total_bytes, progress):
            for file in files:
                path = Path(
                    hf_hub_download(
                        hub.repo_id,
                        file.path.removeprefix(hub.folder),
                        revision=hub.revision,
                        local_dir=scratch,
                    )
                )
                check_file(path, file)
                destination = target / file.name
                destination.parent.mkdir(parents=True, exist_ok=True)
                path.replace(destination)


def download_repository(
    hub: HubRepository, target: Path, expected_bytes: int, progress: PullProgress
) -> str:
    """Put a repository's safetensors, settings and tokenizer into a folder.

    Args:
        hub: The repository.
        target: Receives the files.
        expected_bytes: About how much that is.
        progress: Told about the bytes so far.

    Returns:
        The commit.

    Raises:
        SourceError: If the hub cannot deliver it, or holds its weights only as pickles.
    """
    from huggingface_hub import snapshot_download

    with _translated_errors(hub):
        commit, names = _probe(hub)
        wanted = list(WANTED_PATTERNS)
        if not any(name.endswith(".safetensors") for name in names):
            wanted += [name for name in hub.torch_files if name in names]
            if len(wanted) == len(WANTED_PATTERNS):
                raise SourceError("its weights are only there as pickles, which can run code")
        with watching(target, f"download {hub.repo_id}", expected_bytes, progress):
            snapshot_download(
                hub.repo_id,
                revision=commit,
                local_dir=target,
                allow_patterns=wanted,
            )
    shutil.rmtree(target / ".cache", ignore_errors=True)
    return commit


def _probe(hub: HubRepository) -> tuple[str, list[str]]:
    """Commit and file names; gives up soon, so that a machine without a hub is not held up."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    info = HfApi().model_info(hub.repo_id, revision=hub.revision, timeout=PROBE_TIMEOUT_SECONDS)
    return info.sha or hub.revision, [sibling.rfilename for sibling in info.siblings or ()]


@contextlib.contextmanager
def _translated_errors(hub: HubRepository) -> Iterator[None]:
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except OfflineModeIsEnabled as error:
        raise SourceError("HF_HUB_OFFLINE is set") from error
    except GatedRepoError as error:
        raise SourceError(
            f"gated: accept the licence at huggingface.co/{hub.repo_id}, then run `hf auth login`"
        ) from error
    except HfHubHTTPError as error:
        raise SourceError(f"the hub refuses: {str(error).splitlines()[0]}") from error
    except (ConnectionError, TimeoutError) as error:
        raise SourceError(f"the hub cannot be reached: {error}") from error
    except (SourceError, OSError):
        raise
    # The hub's library lets its transport's own errors through, and changes transports.
    except Exception as error:
        raise SourceError(f"the hub cannot be reached: {error}") from error
