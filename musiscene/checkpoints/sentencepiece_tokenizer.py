"""Turns `tokenizer.model` of SentencePiece into a tokenizer that transformers loads.

Both must give the same token ids for every text, blanks and the literal `</s>` included: with other
ids the language model reads another prompt, and a `</s>` that became the end of the text would let
a prompt end itself. So a few hard texts are compared at each import, and a difference is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from musiscene.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sentencepiece import SentencePieceProcessor
    from tokenizers import Tokenizer

BLANK = "▁"
"""What SentencePiece writes for a blank."""
UNKNOWN_ID, START_ID, END_ID = 0, 1, 2

HARD_TEXTS = (
    "",
    " ",
    "   ",
    " leading",
    "trailing  ",
    "two  blanks   three",
    "\n",
    "\n\n### Response:",
    "line\r\nline\ttab\u00a0no-break",
    '"quoted" and \'quoted\': "answer"',
    "<s>",
    "</s>",
    "before</s> after <unk> and <0x0A>",
    "Café, naïve, Ünïcödé, e\u0301 of two code points",
    "東京の夜, музыка, موسيقى",
    "🎵🎂👩\u200d🎤",
    "1234567890 110 bpm, 3.14",
    f"a literal {BLANK} sign {BLANK}{BLANK}",
    "\x00\x01\x7f",
    "aaaaaaaaaa ---------- ==========",
    "Below is an instruction that describes a task.\n\n### Instruction:\nDescribe the audio\n\n",
)

_WRONG_SPECIAL_TOKENS = "its <unk>, <s> and </s> are not 0, 1 and 2; is it LLaMA's tokenizer?"


def convert_tokenizer(source: Path, target: Path) -> int:
    """Write `tokenizer.json` and `tokenizer_config.json`.

    Args:
        source: `tokenizer.model` of SentencePiece, or a `tokenizer.json` that is taken as it is.
        target: Folder that receives them.

    Returns:
        How many tokens there are.

    Raises:
        ModelIntegrityError: If the file is damaged, has other special tokens than LLaMA's, or gives
            other token ids once converted.
    """
    from transformers import AutoTokenizer

    if source.suffix == ".json":
        tokenizer, reference = _read_json(source), None
    else:
        reference = _read_sentencepiece(source)
        tokenizer = _built(reference)
    _wrapped(tokenizer).save_pretrained(target)
    untyped: Any = AutoTokenizer
    loaded = untyped.from_pretrained(target)
    if reference is not None:
        _compare(source, loaded, reference)
    elif (loaded.bos_token_id, loaded.eos_token_id) != (START_ID, END_ID):
        raise ModelIntegrityError(str(source), _WRONG_SPECIAL_TOKENS)
    return tokenizer.get_vocab_size()


def _read_sentencepiece(path: Path) -> SentencePieceProcessor:
    from sentencepiece import SentencePieceProcessor

    reference = SentencePieceProcessor()
    try:
        reference.LoadFromSerializedProto(path.read_bytes())
    except (RuntimeError, OSError) as error:
        raise ModelIntegrityError(
            str(path), "is no tokenizer.model of SentencePiece; get it again"
        ) from error
    if (reference.unk_id(), reference.bos_id(), reference.eos_id()) != (0, START_ID, END_ID):
        raise ModelIntegrityError(str(path), _WRONG_SPECIAL_TOKENS)
    return reference


def _read_json(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    # The library raises plain Exception for whatever it cannot parse.
    except Exception as error:
        raise ModelIntegrityError(str(path), f"is no tokenizer: {error}") from error


def _built(reference: SentencePieceProcessor) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, normalizers, processors

    pieces = [reference.IdToPiece(token) for token in range(reference.GetPieceSize())]
    ids = {piece: token for token, piece in enumerate(pieces)}
    tokenizer = Tokenizer(
        models.BPE(
            vocab=ids,
            merges=_merges(reference, ids),
            unk_token=pieces[UNKNOWN_ID],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(BLANK), normalizers.Replace(" ", BLANK)]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace(BLANK, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1, right=0),
        ]
    )
    start = pieces[START_ID]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A",
        pair=f"{start} $A {start}:1 $B:1",
        special_tokens=[(start, START_ID)],
    )
    return tokenizer


def _merges(reference: SentencePieceProcessor, ids: dict[str, int]) -> list[tuple[str, str]]:
    """Every way to make a piece of two others, the pieces that SentencePiece prefers first."""
    is_reserved: tuple[Callable[[int], bool], ...] = (
        reference.IsControl,
        reference.IsUnknown,
        reference.IsByte,
    )
    ordinary = {
        piece: token
        for piece, token in ids.items()
        if not any(reserved(token) for reserved in is_reserved)
    }
    preferred = sorted(ordinary.items(), key=lambda item: (-reference.GetScore(item[1]), item[1]))
    return [
        (piece[:cut], piece[cut:])
        for piece, _ in preferred
        for cut in range(1, len(piece))
        if piece[:cut] in ordinary and piece[cut:] in ordinary
    ]


def _wrapped(tokenizer: Tokenizer) -> Any:  # noqa: ANN401 - transformers types no tokenizer
    from transformers import PreTrainedTokenizerFast

    untyped: Any = PreTrainedTokenizerFast
    return untyped(
        tokenizer_object=tokenizer,
        unk_token=tokenizer.id_to_token(UNKNOWN_ID),
        bos_token=tokenizer.id_to_token(START_ID),
        eos_token=tokenizer.id_to_token(END_ID),
        # A text that spells a special token stays text.
        split_special_tokens=True,
        clean_up_tokenization_spaces=False,
        padding_side="right",
    )


def _compare(path: Path, loaded: Any, reference: SentencePieceProcessor) -> None:  # noqa: ANN401
    for text in HARD_TEXTS:
        expected = [START_ID, *reference.Encode(text)]
        if loaded(text)["input_ids"] != expected:
            raise ModelIntegrityError(
                str(path), f"{text!r} gets other token ids once converted; is it LLaMA's tokenizer?"
            )
