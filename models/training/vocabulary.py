"""The word pieces that the students keep of the encoder's 250,002, and the tokenizer made of them.

Text is lower-cased first, which alone makes half of the pieces needless. Kept are the pieces that the training texts and
the word lists of the seventeen languages need, then the most frequent ones (by the score that the pieces come with)
written in the scripts of these languages. What a kept piece scores does not change, so a text is cut as before
wherever all pieces of its best cut are kept.
"""

import collections
import csv
import re
import unicodedata

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

PIECES = 40_000
LEAST_USES = 3
FRAME = ("<s>", "</s>")
PAD = "<pad>"
SPECIAL = 4  # <s>, <pad>, </s> and <unk> come first
SCRIPTS = re.compile(
    r"[▁\d\W_]*"
    r"[a-zà-ɏḀ-ỿ\u0300-\u036f\u0400-\u04ff\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\d\W_]*"
)


def unigram(pieces):
    """Returns the tokenizer of `(piece, score)` pairs: NFKC, lower case, single spaces, `<s>` and `</s>` around."""
    tokenizer = Tokenizer(Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip(),
    ])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def listed_terms(wordlists):
    """Yields the terms of the project's own word lists."""
    for path in sorted(wordlists.glob("*/*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows = (line for line in lines if not line.startswith("#"))
            for row in csv.DictReader(rows):
                yield (row.get("term") or "").strip("*")


def needed(pieces, texts):
    """Returns how often each piece is used in `texts`, by id."""
    uses = collections.Counter()
    tokenizer = unigram(pieces)
    texts = list(texts)
    for start in range(0, len(texts), 4096):
        for encoding in tokenizer.encode_batch_fast(texts[start : start + 4096]):
            uses.update(encoding.ids)
    return uses


def lowercase_only(pieces):
    """Returns the pieces with those of capital letters made unusable."""
    worst = min(score for _, score in pieces) - 50
    return [
        (piece, score if piece == unicodedata.normalize("NFKC", piece).lower() or index < SPECIAL else worst)
        for index, (piece, score) in enumerate(pieces)
    ]


def choose(pieces, texts, terms):
    """Returns the ids of the kept pieces in ascending order, special pieces first."""
    lowered = lowercase_only(pieces)
    uses = needed(lowered, texts) + needed(lowered, terms)
    kept = set(range(SPECIAL)) | {piece for piece, count in uses.items() if count >= LEAST_USES}
    for index, (piece, _) in enumerate(pieces):  # by falling score, as the pieces are stored
        if len(kept) >= PIECES:
            break
        if piece == piece.lower() and SCRIPTS.fullmatch(piece):
            kept.add(index)
    return sorted(kept)
