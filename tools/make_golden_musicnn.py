"""Writes tests/golden/musicnn/ten_seconds.npz: what the original MusiCNN hears in made audio.

It runs the original package's own graph under TensorFlow and its own spectrogram settings under
librosa, without the rounding to float16 (see `musiscene.encoders.log_mel`). TensorFlow is no
dependency of ours: make an environment for this once, and unpack the package beside it.

    python -m venv /tmp/tensorflow
    /tmp/tensorflow/bin/pip install tensorflow-cpu==2.21.0 tf_keras==2.21.0 librosa==0.11.0
    pip download --no-deps musicnn==0.1.0 && unzip -d /tmp/musicnn musicnn-0.1.0-*.whl
    TF_USE_LEGACY_KERAS=1 /tmp/tensorflow/bin/python -m tools.make_golden_musicnn /tmp/musicnn
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import librosa
import numpy as np

from tests.support.golden_audio import RATE, chords_bursts_and_sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray

TARGET = Path("tests/golden/musicnn/ten_seconds.npz")
PATCH_FRAMES = 187
FIRST_FRAMES = (0, 187, 374, 439)  # one after the other, and the last that fits
TAG_COUNT = 50


def make_patches() -> NDArray[np.float32]:
    """Return the log-mel patches, shape (4, 187, 96)."""
    mel = librosa.feature.melspectrogram(
        y=chords_bursts_and_sweep(), sr=RATE, n_fft=512, hop_length=256, n_mels=96
    )
    log_mel = np.log10(10_000 * mel.T + 1)
    return np.stack([log_mel[first : first + PATCH_FRAMES] for first in FIRST_FRAMES])


def run_original(
    package: Path, model: str, patches: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (tag probabilities, penultimate features) of the original graph.

    Args:
        package: Folder that holds the unpacked `musicnn`.
        model: `MTT_musicnn` or `MSD_musicnn`.
        patches: Shape (patches, 187, 96).

    Returns:
        Shapes (patches, 50) and (patches, 200).
    """
    tf = importlib.import_module("tensorflow").compat.v1
    tf.disable_eager_execution()
    tf.reset_default_graph()
    models = importlib.import_module("musicnn.models")
    with tf.name_scope("model"):
        log_mel = tf.placeholder(tf.float32, [None, *patches.shape[1:]])
        is_training = tf.placeholder(tf.bool)
        logits, *_, penultimate = models.define_model(log_mel, is_training, model, TAG_COUNT)
        probabilities = tf.sigmoid(logits)
    with tf.Session() as session:
        tf.train.Saver().restore(session, f"{package}/musicnn/{model}/")
        feed = {log_mel: patches, is_training: False}
        heard: list[NDArray[np.float32]] = session.run([probabilities, penultimate], feed)
    return heard[0], heard[1]


def main() -> None:
    """Write the golden file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("package", type=Path, help="folder that holds the unpacked musicnn")
    package = parser.parse_args().package.resolve()
    sys.path.insert(0, str(package))
    patches = make_patches()
    heard: dict[str, Any] = {"starts_seconds": np.array(FIRST_FRAMES) * 256 / RATE}
    for name in ("mtt", "msd"):
        probabilities, penultimate = run_original(package, f"{name.upper()}_musicnn", patches)
        heard |= {f"{name}_tags": probabilities, f"{name}_penultimate": penultimate}
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **heard)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
