"""The shipped `main`, the same int8 file, in Python: `tokenizers`, and ONNX Runtime on one thread, one window at a time."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from serve import packages, serve

FOLDER = Path(sys.argv[2])
MANIFEST = tomllib.loads((FOLDER / "model.toml").read_text(encoding="utf-8"))
THRESHOLDS = np.array([MANIFEST["thresholds"][label] for label in MANIFEST["labels"]])
SIZE, OVERLAP = MANIFEST["max_tokens"], MANIFEST["overlap_tokens"]

tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(str(FOLDER / "model.onnx"), options, providers=["CPUExecutionProvider"])


def windows(ids):
    """Cuts ids as `src/classifier` does: frame tokens around at most `SIZE - 2` others."""
    if len(ids) <= SIZE:
        return [ids]
    inner = ids[1:-1]
    starts = range(0, len(inner) - OVERLAP, SIZE - 2 - OVERLAP)
    return [[ids[0], *inner[start : start + SIZE - 2], ids[-1]] for start in starts]


def is_flagged(prompt):
    """Says whether a score of any window reaches its threshold."""
    inputs = ({"input_ids": np.array([ids], dtype=np.int64)} for ids in windows(tokenizer.encode(prompt).ids))
    # A list, so that every window is read, as promptgate reads them.
    return any([(session.run(None, each)[0] >= THRESHOLDS).any() for each in inputs])


serve(packages("onnxruntime", "tokenizers"), lambda prompts: sum(map(is_flagged, prompts)))
