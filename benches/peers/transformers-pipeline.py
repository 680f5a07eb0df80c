"""A transformers pipeline on PyTorch, fp32: a classifier of the size of `main`, with its tokenizer.

The weights are random: what a forward pass costs does not depend on them, and what it flags means nothing.
"""

import sys

import torch
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, pipeline

from serve import packages, serve

FOLDER, BATCH = sys.argv[2], int(sys.argv[3])

torch.set_num_threads(1)
tokenizer = PreTrainedTokenizerFast(
    tokenizer_file=f"{FOLDER}/tokenizer.json", unk_token="<unk>", pad_token="<pad>", model_max_length=512
)
# The shape of `main` as models/training makes it: four layers of multilingual-e5-small, a vocabulary of 40,000, six labels.
shape = BertConfig(
    vocab_size=len(tokenizer), hidden_size=384, num_hidden_layers=4, num_attention_heads=12, intermediate_size=1536,
    max_position_embeddings=512, pad_token_id=tokenizer.pad_token_id, num_labels=6, problem_type="multi_label_classification",
)
classify = pipeline(
    "text-classification", model=BertForSequenceClassification(shape).eval(), tokenizer=tokenizer, device="cpu",
    batch_size=BATCH, truncation=True, top_k=None,
)


def flagged(prompts):
    """Classifies, and counts nothing; sorted, so that a batch holds little padding."""
    for _ in classify(sorted(prompts, key=len)):
        pass


serve(packages("torch", "transformers", "tokenizers"), flagged)
