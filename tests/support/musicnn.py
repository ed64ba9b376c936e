"""MusiCNN in small: random weights under the released names, and the network in plain numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

KERNELS = ((7, 38), (7, 67), (128, 1), (64, 1), (32, 1))


def tiny_musicnn_variables(
    *, seed: int = 0, filters: int = 4, mid_filters: int = 3, hidden: int = 6, tags: int = 50
) -> dict[str, NDArray[np.float32]]:
    """Weights in TensorFlow's layouts, of the released architecture with fewer filters.

    The gains of the batch norms have both signs. In every front convolution the first filter is
    dead below zero and the second above it, as in the released weights.
    """
    rng = np.random.default_rng(seed)
    front = len(KERNELS) * filters
    shapes = [(*kernel, 1, filters) for kernel in KERNELS]
    shapes += [(7, width, 1, mid_filters) for width in (front, mid_filters, mid_filters)]
    variables: dict[str, NDArray[np.float64]] = {}
    for index, shape in enumerate(shapes):
        name = f"conv2d_{index}".removesuffix("_0")
        kernel = rng.normal(size=shape) / np.sqrt(np.prod(shape[:3]))
        bias = rng.normal(size=shape[3])
        if index < len(KERNELS):
            kernel[..., :2] *= 1e-28
            bias[:2] = (-0.4, 0.3)
        variables |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    pooled = 2 * (front + 3 * mid_filters)
    for name, size, units in (("dense", pooled, hidden), ("dense_1", hidden, tags)):
        variables |= {
            f"{name}/kernel": rng.normal(size=(size, units)) / np.sqrt(size),
            f"{name}/bias": rng.normal(size=units),
        }
    widths = [1, *(shape[3] for shape in shapes), pooled, hidden]
    for index, width in enumerate(widths):
        name = f"batch_normalization_{index}".removesuffix("_0")
        variables |= {
            f"{name}/gamma": rng.normal(size=width),
            f"{name}/beta": rng.normal(size=width),
            f"{name}/moving_mean": rng.normal(size=width),
            f"{name}/moving_variance": rng.random(width) + 0.1,
        }
    return {name: values.astype(np.float32) for name, values in variables.items()}


def reference_musicnn(
    variables: dict[str, NDArray[np.float32]], log_mel: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tags and penultimate features of one patch (frames, 96), step by step in float64.

    Written after the paper and the released graph, and nothing is folded or left out.
    """
    weights = {name: values.astype(np.float64) for name, values in variables.items()}

    def batch_norm(values: NDArray[np.float64], index: int) -> NDArray[np.float64]:
        name = f"batch_normalization_{index}".removesuffix("_0")
        gamma, beta, mean, variance = (
            weights[f"{name}/{part}"]
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        normalised: NDArray[np.float64] = (values - mean) / np.sqrt(variance + 1e-3) * gamma + beta
        return normalised

    def convolve(values: NDArray[np.float64], index: int) -> NDArray[np.float64]:
        name = f"conv2d_{index}".removesuffix("_0")
        kernel = weights[f"{name}/kernel"][:, :, 0]
        height, width = kernel.shape[:2]
        # TensorFlow's 'same': of an odd number of extra frames, the last goes to the end.
        padded = np.pad(values, (((height - 1) // 2, height - 1 - (height - 1) // 2), (0, 0)))
        windows = sliding_window_view(padded, (height, width))
        response = np.einsum("tfhw,hwo->tfo", windows, kernel, optimize=True)
        rectified = np.maximum(response + weights[f"{name}/bias"], 0)
        strongest: NDArray[np.float64] = batch_norm(rectified, index + 1).max(axis=1)
        return strongest

    normalised = batch_norm(log_mel.astype(np.float64)[:, :, None], 0)[:, :, 0]
    front = np.concatenate([convolve(normalised, index) for index in range(5)], axis=1)
    first = convolve(front, 5)
    second = convolve(first, 6) + first
    third = convolve(second, 7) + second
    dense = np.concatenate([front, first, second, third], axis=1)
    pooled = np.array([statistic for row in dense.T for statistic in (row.max(), row.mean())])
    hidden = batch_norm(pooled, 9) @ weights["dense/kernel"] + weights["dense/bias"]
    penultimate = batch_norm(np.maximum(hidden, 0), 10)
    logits = penultimate @ weights["dense_1/kernel"] + weights["dense_1/bias"]
    return 1 / (1 + np.exp(-logits)), penultimate
