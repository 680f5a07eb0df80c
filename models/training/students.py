"""The two students: `main`, some of the expert's layers, and `screen`, embeddings of pieces and of their pairs."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from data import LABELS
from encoders import PromptEncoder

MAIN_LAYERS = (0, 3, 7, 11)  # the expert's layers that `main` keeps

BIGRAM_BUCKETS = 2**17
BIGRAM_PRIME = 1_000_003
TOKEN_WIDTH = 128
BIGRAM_WIDTH = 64
HIDDEN = 128


def main_from_expert(expert: PromptEncoder):
    """Returns a student that starts as a copy of some of the expert's layers and its head."""
    student = copy.deepcopy(expert)
    layers = student.encoder.encoder.layer
    student.encoder.encoder.layer = nn.ModuleList(layers[index] for index in MAIN_LAYERS)
    student.encoder.config.num_hidden_layers = len(MAIN_LAYERS)
    return student


def bigram_buckets(ids):
    """Returns the bucket of each token with the token before it; the first one's is a zero."""
    before = F.pad(ids[:, :-1], (1, 0))
    return (before * BIGRAM_PRIME + ids) % BIGRAM_BUCKETS


class Table(nn.Module):
    """An embedding table that can be frozen to int8 with one scale per row."""

    def __init__(self, rows, width, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, width) * std)

    def forward(self, ids):
        """Looks rows up: `[windows, tokens]` to `[windows, tokens, width]`."""
        return F.embedding(ids, self.weight)

    def frozen(self):
        """Returns the int8 form of this table."""
        return FrozenTable(self.weight.detach())


class FrozenTable(nn.Module):
    """An int8 embedding table: a gather, a cast and a multiplication by the row's scale."""

    def __init__(self, weight):
        super().__init__()
        scale = weight.abs().amax(1, keepdim=True).clamp_min(1e-8) / 127
        self.register_buffer("scale", scale)
        self.register_buffer("values", torch.round(weight / scale).to(torch.int8))

    def forward(self, ids):
        """Looks rows up, as `Table` does."""
        return self.values[ids].float() * self.scale[ids]


class Screen(nn.Module):
    """Static token and hashed bigram embeddings, learned pooling weights, a small MLP.

    A token's pooling weight, kept as a logarithm, lets style words count for little
    and telling words for much. There is no attention: a window costs a few lookups.
    One more logit than labels says how likely the text is not English: what little
    there is to learn from in other languages, only the larger models make something of.
    """

    def __init__(self, pieces):
        super().__init__()
        self.tokens = Table(pieces, TOKEN_WIDTH, 0.1)
        self.bigrams = Table(BIGRAM_BUCKETS, BIGRAM_WIDTH, 0.02)
        self.token_weight = Table(pieces, 1, 0.0)
        self.dropout = nn.Dropout(0.2)
        self.hidden = nn.Linear(2 * (TOKEN_WIDTH + BIGRAM_WIDTH), HIDDEN)
        self.head = nn.Linear(HIDDEN, len(LABELS) + 1)

    def forward(self, input_ids, mask=None):
        """Maps ids and mask `[windows, tokens]` to logits `[windows, labels + 1]`; no mask: no padding."""
        weight = torch.exp(self.token_weight(input_ids))
        states = torch.cat([self.tokens(input_ids), self.bigrams(bigram_buckets(input_ids))], dim=2)
        highest = states
        if mask is not None:
            visible = mask.unsqueeze(-1).float()
            weight = weight * visible
            highest = states + (visible - 1) * 1e4
        mean = (states * weight).sum(1) / weight.sum(1)
        pooled = self.dropout(torch.cat([mean, highest.amax(1)], dim=1))
        return self.head(F.relu(self.hidden(pooled)))

    def frozen(self):
        """Returns a copy with int8 tables, ready for export."""
        copied = copy.deepcopy(self).eval()
        copied.tokens = self.tokens.frozen()
        copied.bigrams = self.bigrams.frozen()
        return copied


def screen_from_expert(expert: PromptEncoder):
    """Returns a screen whose token table starts as the expert's, cut to its main directions."""
    words = expert.encoder.embeddings.word_embeddings.weight.detach()
    screen = Screen(len(words))
    centred = words - words.mean(0)
    _, _, directions = torch.linalg.svd(centred[:20000], full_matrices=False)
    start = centred @ directions[:TOKEN_WIDTH].T
    screen.tokens.weight.data.copy_(start / start.std() * 0.1)
    return screen
