"""Transformer models with a scoring head, and the readers that cut texts into windows of token ids for them."""

import torch
from tokenizers import Tokenizer
from torch import nn

from data import LABELS

MAX_TOKENS = 64  # longest window, the two framing tokens included
OVERLAP_TOKENS = 16  # tokens that two neighbouring windows share


class Reader:
    """A tokenizer with the ids that frame a window and fill up a batch."""

    def __init__(self, tokenizer: Tokenizer, frame, pad):
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.frame = frame
        self.first, self.last = (tokenizer.token_to_id(token) for token in frame)
        self.pad = tokenizer.token_to_id(pad)

    def windows(self, ids):
        """Splits the ids of a text (frame included) into windows of at most `MAX_TOKENS`."""
        if len(ids) <= MAX_TOKENS:
            return [ids]
        inner, size = ids[1:-1], MAX_TOKENS - 2
        starts = range(0, len(inner) - OVERLAP_TOKENS, size - OVERLAP_TOKENS)
        return [[self.first, *inner[start : start + size], self.last] for start in starts]

    def read(self, texts):
        """Returns, for each text, its list of windows."""
        return [self.windows(encoding.ids) for encoding in self.tokenizer.encode_batch_fast(list(texts))]

    def collate(self, rows_of_windows):
        """Packs the windows of some rows: ids and mask `[windows, tokens]`, and each window's row."""
        flat = [(row, window) for row, many in enumerate(rows_of_windows) for window in many]
        longest = max(len(window) for _, window in flat)
        ids = torch.full((len(flat), longest), self.pad, dtype=torch.long)
        mask = torch.zeros(len(flat), longest, dtype=torch.long)
        for index, (_, window) in enumerate(flat):
            ids[index, : len(window)] = torch.tensor(window)
            mask[index, : len(window)] = 1
        return ids, mask, torch.tensor([row for row, _ in flat])


def highest_per_row(values, owner, rows):
    """Returns `[rows, columns]`: the maximum over each row's windows."""
    empty = torch.full((rows, values.shape[1]), -1e4)
    return empty.scatter_reduce(0, owner[:, None].expand_as(values), values, "amax", include_self=False)


class PromptEncoder(nn.Module):
    """An encoder with mean and maximum pooling and one logit per label.

    Mean pooling is what both encoders were pretrained with; the maximum lets one short
    violating detail stand out of a long harmless prompt.
    """

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(2 * encoder.config.hidden_size, len(LABELS))

    def pooled(self, input_ids, mask=None):
        """Maps ids and mask `[windows, tokens]` to `[windows, 2 * width]`; no mask: no padding."""
        if mask is None:
            mask = torch.ones_like(input_ids)
        states = self.encoder(input_ids=input_ids, attention_mask=mask).last_hidden_state
        visible = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * visible).sum(1) / visible.sum(1)
        highest = (states + (visible - 1) * 1e4).amax(1)
        return torch.cat([mean, highest], dim=1)

    def logits(self, pooled):
        """Maps pooled states to logits `[windows, labels]`."""
        return self.head(self.dropout(pooled))

    def forward(self, input_ids, mask=None):
        """Maps ids and mask `[windows, tokens]` to logits `[windows, labels]`."""
        return self.logits(self.pooled(input_ids, mask))
