"""Learn which moods and which music a scene calls for, and write the maps.

    python -m tools.train_scene_reader --data ../shared/data --work FOLDER
        [--out musiscene/weights/scenes/scenes.safetensors]

Moods: the teacher, SmolLM2-135M-Instruct, is asked for the next word of "SCENE / The mood of this
moment is" and two other openings, over the human scene sentences of MusicCaps and the video
captions and fused scenes of VACAD (training parts). The pupil is a ridge regression from MiniLM's
vector of the scene; to its scores those of plain likeness to "A tender piece of music." are added.
The last tenth of the scenes is kept back and says how well the pupil follows the teacher. `--work`
keeps the teacher's answers, so that a second run takes seconds.

Scenes: their mean and covariance, by which a text is told from a scene that is none.

Music: ridge regressions from a human scene sentence of MusicCaps to whether the same musician's
aspects of the clip speak of a tag; the validation part says how well.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import random
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musiscene.checkpoints.store import ModelStore
from musiscene.embed import TextEmbedder
from musiscene.scene_reader import IMAGINED_TAGS, MOODS, SCENE_READER_MODEL, WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TEACHER: Final = "smollm2-135m-instruct"
OPENINGS: Final = (
    "{}\nThe mood of this moment is",
    "Scene: {}\nMusic for this scene should be",
    "{}\n\nIn one word, this feels",
)
PROMPTS: Final = ("A {} piece of music.", "Music with a {} mood.", "{} music for a {} scene")
PENALTY: Final = 3.0
MAX_CHARACTERS: Final = 600
BATCH: Final = 8
KEPT_BACK: Final = 0.1
PARTS: Final = ("train", "validation")
LEAST_VARIANCE: Final = 1e-3
TAG_PENALTY: Final = 10.0
WORDS_OF_TAG: Final = {
    "guitar": "guitar|ukulele", "strings": "string|orchestra", "violin": "violin|fiddle",
    "drums": "drum|percussion", "beat": "beat|groov", "choir": "choir|choral",
    "vocals": "vocal|singer|singing|male voice", "country": "country|banjo",
    "no vocals": "no voice|no singer|no vocal|instrumental", "fast": "fast|uptempo",
    "electronic": "electronic|techno|edm|electro", "dance": "dance|club|disco|house",
    "classical": "classical|orchestra", "ambient": "ambient|drone|atmospher",
    "soft": "soft|gentle|mellow|calm", "loud": "loud|aggressive|intense",
    "quiet": "quiet|soft|minimal", "indian": "indian|sitar|tabla|raga",
    "hip-hop": r"hip.?hop|\brap\b", "soul": "soul|r&b", "techno": "techno|trance|edm",
    "happy": "happy|cheerful|joyful", "sad": r"\bsad\b|melanchol|mourn",
    "chillout": "chill|relax|lo-?fi", "mellow": "mellow|easygoing|laid",
    "party": "party|festiv|celebrat", "weird": "weird|bizarre|strange|quirky|experimental",
    "experimental": "experimental|avant|noise", "jazz": "jazz", "folk": "folk", "slow": "slow",
    "piano": "piano", "cello": "cello", "flute": "flute", "synth": "synth", "metal": "metal",
    "acoustic": "acoustic", "blues": "blues", "funk": "funk",
}  # fmt: skip
"""Tag -> what musicians write of such music; the tag itself where none is named."""


def main() -> int:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)

    store = ModelStore()
    texts = read_scenes(chosen.data)
    answers = ask_teacher(texts, store.folder(TEACHER), chosen.work)
    wanted = standard_scores(mood_means(answers))
    embedder = TextEmbedder.load(store.folder(SCENE_READER_MODEL))
    vectors = embedder.encode(texts)

    order = np.random.default_rng(0).permutation(len(texts))
    kept_back = order[: round(KEPT_BACK * len(texts))]
    rest = order[len(kept_back) :]
    matrix, bias = ridge(vectors[rest], wanted[rest], PENALTY)
    followed = vectors[kept_back] @ matrix + bias
    agreement = np.corrcoef(followed.ravel(), wanted[kept_back].ravel())[0, 1]
    print(f"{len(texts)} scenes; pupil against teacher on {len(kept_back)} kept back: ", end="")
    print(f"r {agreement:.3f}; the same strongest mood in ", end="")
    print(f"{(followed.argmax(1) == wanted[kept_back].argmax(1)).mean():.3f} (of 14)")

    moods = add_likeness(*ridge(vectors, wanted, PENALTY), vectors, embedder)
    rows = [read_captions(chosen.data / "musiccaps" / f"{part}.jsonl") for part in PARTS]
    tags = fit_tags(rows[0], embedder)
    found = embedder.encode([row["scene"] for row in rows[1]]) @ tags[0] + tags[1]
    areas = [area_under_curve(*one) for one in zip(found.T, speaks_of(rows[1]).T, strict=True)]
    print(
        f"tags, on {len(rows[1])} unseen scenes: mean area under the curve {np.nanmean(areas):.3f}"
    )
    print(", ".join(f"{tag} {area:.2f}" for tag, area in zip(IMAGINED_TAGS, areas, strict=True)))
    middle, whitener = spread_of(vectors)
    save(
        chosen.out,
        moods=moods[0],
        mood_bias=moods[1],
        tags=tags[0],
        tag_bias=tags[1],
        middle=middle,
        whitener=whitener.astype(np.float16),
    )
    print(f"written to {chosen.out}")
    return 0


def read_scenes(data: Path) -> list[str]:
    """Scenes of all sorts, each once, from the training parts."""
    choose = random.Random(0)  # noqa: S311  no secret
    texts = [row["scene"] for row in _rows(data / "musiccaps" / "train.jsonl") if row["scene"]]
    clips = _rows(data / "vacad" / "train.jsonl")
    texts += [row["video_caption"] for row in clips]
    fused = [row["fused_scene"] for row in clips if row["fused_scene"]]
    texts += fused
    texts += [choose.choice(re.split(r"(?<=[.!?])\s+", scene)) for scene in fused]
    return list(dict.fromkeys(text[:MAX_CHARACTERS] for text in texts if len(text) > 8))


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ask_teacher(texts: Sequence[str], folder: Path, work: Path) -> NDArray[np.float32]:
    """Log-probability of each mood word's first token after each opening.

    Args:
        texts: Scenes.
        folder: Of the language model.
        work: Where answers are kept.

    Returns:
        Shape (texts, openings, words).
    """
    asked = json.dumps([texts, OPENINGS, [mood.words for mood in MOODS]]).encode()
    kept = work / f"answers-{hashlib.sha256(asked).hexdigest()[:12]}.npy"
    if kept.exists():
        known: NDArray[np.float32] = np.load(kept, allow_pickle=False)
        return known
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    first = [tokenizer(f" {word}").input_ids[0] for mood in MOODS for word in mood.words]
    answers = np.zeros((len(texts), len(OPENINGS), len(first)), np.float32)
    order = np.argsort([len(text) for text in texts])
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        for number, opening in enumerate(OPENINGS):
            questions = [opening.format(texts[row]) for row in batch]
            inputs = tokenizer(questions, return_tensors="pt", padding=True, padding_side="left")
            with torch.inference_mode():
                logits = model(**inputs, logits_to_keep=1).logits[:, -1]
            answers[batch, number] = torch.log_softmax(logits, -1)[:, first].numpy()
        print(f"\rasked {start + len(batch)} of {len(texts)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    np.save(kept, answers)
    return answers


def mood_means(answers: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean over each mood's words, shape (texts, openings, moods)."""
    ends = np.cumsum([0, *(len(mood.words) for mood in MOODS)])
    return np.stack(
        [answers[:, :, start:end].mean(2) for start, end in itertools.pairwise(ends)], 2
    ).astype(np.float64)


def standard_scores(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a mood stands out for a scene, over scenes and over the scene's moods."""
    scores = ((means - means.mean(0)) / means.std(0)).mean(1)
    centred: NDArray[np.float64] = scores - scores.mean(1, keepdims=True)
    return centred


def ridge(
    vectors: NDArray[np.float32], wanted: NDArray[np.float64], penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A linear map and its bias."""
    middle, mean = vectors.mean(0).astype(np.float64), wanted.mean(0)
    centred = vectors - middle
    gram = centred.T @ centred + penalty * np.eye(centred.shape[1])
    matrix = np.linalg.solve(gram, centred.T @ (wanted - mean))
    return matrix, mean - middle @ matrix


def add_likeness(
    matrix: NDArray[np.float64],
    bias: NDArray[np.float64],
    vectors: NDArray[np.float32],
    embedder: TextEmbedder,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add plain likeness to each mood's words, which is linear in the vector too.

    Both parts count as much, and the sum has a deviation of one over scenes and moods.
    """
    learnt = vectors @ matrix + bias
    likeness = np.stack(
        [
            embedder.encode(
                [prompt.format(word, word) for word in mood.words for prompt in PROMPTS]
            )
            .mean(0)
            .astype(np.float64)
            for mood in MOODS
        ],
        axis=1,
    )
    likeness /= np.linalg.norm(likeness, axis=0)
    found = vectors @ likeness
    slope, shift = 1.0 / found.std(0), -found.mean(0) / found.std(0)
    plain, plain_bias = likeness * slope, shift
    plain, plain_bias = plain - plain.mean(1, keepdims=True), plain_bias - plain_bias.mean()
    matrix, bias = matrix / learnt.std() + plain, bias / learnt.std() + plain_bias
    spread = (vectors @ matrix + bias).std()
    return matrix / spread, bias / spread


def read_captions(path: Path) -> list[dict[str, Any]]:
    """The rows of MusicCaps that have a scene."""
    return [row for row in _rows(path) if row["scene"]]


def speaks_of(rows: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
    """Whether the aspects of each row speak of each tag, shape (rows, tags)."""
    aspects = [", ".join(row["aspects"]).lower() for row in rows]
    patterns = [re.compile(WORDS_OF_TAG.get(tag, rf"\b{tag}\b")) for tag in IMAGINED_TAGS]
    return np.array([[bool(one.search(text)) for one in patterns] for text in aspects], float)


def fit_tags(
    rows: Sequence[dict[str, Any]], embedder: TextEmbedder
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A map to standard scores of the tags."""
    vectors = embedder.encode([row["scene"] for row in rows])
    matrix, bias = ridge(vectors, speaks_of(rows), TAG_PENALTY)
    scores = vectors @ matrix + bias
    return matrix / scores.std(0), (bias - scores.mean(0)) / scores.std(0)


def area_under_curve(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Chance that a row with the tag scores above one without it; NaN where all are alike."""
    pairs = np.subtract.outer(scores[labels > 0], scores[labels == 0])
    return float(((pairs > 0) + (pairs == 0) / 2).mean()) if pairs.size else float("nan")


def spread_of(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle of scenes, and what gives them unit covariance."""
    covariance = np.cov(vectors.T.astype(np.float64)) + LEAST_VARIANCE * np.eye(vectors.shape[1])
    return vectors.mean(0).astype(np.float64), np.linalg.cholesky(np.linalg.inv(covariance))


def save(out: Path, **maps: NDArray[np.floating[Any]]) -> None:
    """Write the maps."""
    from safetensors.numpy import save_file

    out.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        name: np.ascontiguousarray(one, np.float16 if one.dtype == np.float16 else np.float32)
        for name, one in maps.items()
    }
    save_file(kept, out)
    out.chmod(0o644)


if __name__ == "__main__":
    sys.exit(main())
