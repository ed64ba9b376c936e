"""What the processor can do by itself."""

from __future__ import annotations


def can_multiply_bfloat16() -> bool:
    """Whether it multiplies bfloat16 matrices, at twice the rate of float32."""
    import torch

    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
