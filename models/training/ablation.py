"""What each source of training rows is worth: `python ablation.py --data DIR --work WORK`, about ten minutes.

The small model is trained on labels alone, once with everything and once without each source, and measured on the same
held-back rows. It shows which way a source moves things; a transformer gains more from pairs than this model can.
Writes `WORK/ablation.json`, which `report.py` shows.
"""

import argparse
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch

import evaluate
import fitting
import pretrained
import students
import train
from encoders import PromptEncoder
from evaluate import Held

EPOCHS = 3
SOURCES = {
    "everything": lambda row: False,
    "without real_labelled": lambda row: row.source == "real_labelled",
    "without minimal pairs": lambda row: bool(row.pair),
    "without authored rows that are no pairs": lambda row: row.source.startswith("authored") and not row.pair,
    "without authored rows in other languages": lambda row: row.source.startswith("authored") and row.lang != "en",
    "without captions and prompts taken for harmless": lambda row: row.source.startswith("benign"),
    "without CoProV2 pairs": lambda row: row.source == "copro",
    "without social-media text": lambda row: row.source == "hate_text",
    "without political advertisements": lambda row: row.source == "political_ads",
}


def main():
    """Trains and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20261129)
    options = parser.parse_args()
    torch.set_num_threads(2)
    run = train.Run(types.SimpleNamespace(
        data=options.data, out=None, work=options.work, seed=options.seed, quick=False))
    e5 = pretrained.read_e5()
    kept = train.choose_vocabulary(run, e5)
    encoder = PromptEncoder(pretrained.e5_encoder(e5, kept))
    held = Held([row for row in run.rows if row.split == "test" and (row.trusted or row.source == "hate_text")])
    texts = [row.text for row in held.rows]
    groups = {
        "real, clear": held.real & ~held.borderline,
        "authored, English": held.authored & held.english,
        "authored, other": held.authored & ~held.english,
    }
    results = []
    for name, left_out in SOURCES.items():
        rows = [row for row in run.train if not left_out(row)]
        checkpoint = options.work / "ablation.partial.pt"
        checkpoint.unlink(missing_ok=True)
        epochs = train.epochs_of(rows, 1, options.seed) * EPOCHS
        model = fitting.fit(students.screen_from_expert(encoder), run.reader, epochs, run.fillers, batch=256, rate=2e-3,
                            head_rate=2e-3, seed=options.seed, checkpoint=checkpoint, log=lambda line: None)
        scores = fitting.predict(model, run.reader, texts)
        row = [name, len(rows)]
        for within in groups.values():
            row.append(round(evaluate.curve(held.violation[within], scores[within].max(1))[0], 4))
        row.append(round(evaluate.pair_order(held, scores, held.authored)[1], 4))
        harmless = scores[held.lookalike].max(1)
        cut = np.quantile(harmless, 0.96)
        row.append(round(float((scores[held.violation].max(1) > cut).mean()), 4))
        run.log(*row)
        results.append(row)
    head = ["rows", "number", *(f"AUROC, {group}" for group in groups), "pairs in order", "recall where 4 % of look-alikes are blocked"]
    (options.work / "ablation.json").write_text(json.dumps({"head": head, "rows": results}))


if __name__ == "__main__":
    sys.exit(main())
