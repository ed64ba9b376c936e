"""What an accelerator does where there is one: lays out lists, and searches exactly.

faiss-gpu is the extra `gpu`; with faiss-cpu everything here says that there is none.
"""

from __future__ import annotations

from typing import Any


def gpu_count() -> int:
    """How many accelerators FAISS can use."""
    import faiss

    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def on_gpu(index: Any) -> Any:  # noqa: ANN401  FAISS has no types
    """An exact index on the first accelerator, its vectors in float16; the same one without.

    Filters work on the processor alone, so the one that was given is to be kept for them.
    """
    import faiss

    if not gpu_count():
        return index
    options = faiss.GpuClonerOptions()
    options.useFloat16 = True
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index, options)
