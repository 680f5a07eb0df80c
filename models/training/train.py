"""Trains promptgate's two models from start to finish: `python train.py --data DIR --out models`.

Stages, each skipped when its result is already in the work folder: data, teacher,
soft labels, students, export, calibration, evaluation, manifests and cards.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import data
import encoders
import fitting
import students
from deliver import deliver

DATE = "2026-11-24"
STAGES = ("data", "teacher", "soft", "students", "deliver")


def arguments():
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds train/*.jsonl(.gz)")
    parser.add_argument("--out", type=Path, help="folder for screen/ and main/ (with --quick: a temporary one)")
    parser.add_argument("--work", type=Path, help="folder for checkpoints (default: a temporary one)")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--quick", action="store_true", help="tiny subsets, a few minutes, to see that it runs")
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1], help="stop after this stage")
    options = parser.parse_args()
    if not options.out:
        if not options.quick:
            parser.error("--out is needed without --quick")
        options.out = Path(tempfile.mkdtemp(prefix="promptgate-models-"))
    options.work = options.work or Path(tempfile.mkdtemp(prefix="promptgate-training-"))
    options.work.mkdir(parents=True, exist_ok=True)
    return options


class Run:
    """What the stages share: the rows, the tokenizer, and where results go."""

    def __init__(self, options):
        self.work, self.out, self.seed, self.quick = options.work, options.out, options.seed, options.quick
        self.began = time.time()
        self.tokenizer = encoders.load_tokenizer()
        self.rows = data.load(options.data, options.seed, options.quick)
        self.train = [row for row in self.rows if row.split == "train"]
        self.fillers = [row.text for row in self.train if row.source in ("benign_coco", "benign_parti")]

    def log(self, *words):
        """Prints a line with the seconds since the start."""
        print(f"[{time.time() - self.began:6.0f} s]", *words, flush=True)

    def summary_text(self):
        """Returns the number of rows per kind of source and split, as one line."""
        table = {}
        for row in self.rows:
            kind = row.source.split("_")[0] if row.source.startswith(("authored", "benign")) else row.source
            counts = table.setdefault(kind, dict.fromkeys(("train", "calib", "test"), 0))
            counts[row.split] += 1
        return "; ".join(
            f"{kind} " + "/".join(str(count) for count in counts.values() if count) for kind, counts in table.items()
        )

    def fit(self, name, model, epochs, **settings):
        """Trains `model` unless the work folder holds it trained, and returns it."""
        done = self.work / f"{name}.pt"
        if done.exists():
            model.load_state_dict(torch.load(done, weights_only=True))
            return model.eval()
        self.log(f"{name}: {len(epochs)} epochs of {[len(epoch[0]) for epoch in epochs]} rows")
        checkpoint = self.work / f"{name}.partial.pt"
        model = fitting.fit(model, self.tokenizer, epochs, self.fillers, seed=self.seed,
                            checkpoint=checkpoint, log=lambda line: self.log(name, line), **settings)
        torch.save(model.state_dict(), done)
        checkpoint.unlink()
        return model


def epochs_of(rows, count, seed, soft=None):
    """Returns `count` epochs: every trusted row in each, every other row in exactly one.

    With `soft` (the teacher's probabilities per row) a trusted row's target is the
    mean of label and teacher, and any other row's target is the teacher alone.
    """
    trusted = [i for i, row in enumerate(rows) if row.trusted]
    rest = [i for i, row in enumerate(rows) if not row.trusted]
    random.Random(seed).shuffle(rest)
    target = np.array([row.target for row in rows], dtype=np.float32)
    weight = np.array([row.weight for row in rows], dtype=np.float32)[:, None] * np.array([row.known for row in rows])
    if soft is not None:
        target[trusted] = (target[trusted] + soft[trusted]) / 2
        target[rest] = soft[rest]
        weight[rest] = 0.5
    epochs = []
    for number in range(count):
        chosen = trusted + rest[number::count]
        epochs.append((
            [rows[i].text for i in chosen], torch.tensor(target[chosen]), torch.tensor(weight[chosen]).float()
        ))
    return epochs


def train_teacher(run):
    """Fine-tunes the six-layer encoder on labelled and weak rows."""
    rows = [row for row in run.train if max(row.known) > 0]
    epochs = [] if (run.work / "teacher.pt").exists() else epochs_of(rows, 3, run.seed)
    return run.fit("teacher", encoders.pretrained(), epochs, batch=32, rate=8e-5, head_rate=1e-3)


def soften(run, teacher):
    """Returns the teacher's probabilities for every training row."""
    path = run.work / "soft.npy"
    if not path.exists():
        run.log(f"soft labels for {len(run.train)} rows")
        logits = fitting.predict(teacher, run.tokenizer, [row.text for row in run.train])
        np.save(path, 1 / (1 + np.exp(-logits)))
    return np.load(path)


def train_students(run, teacher, soft):
    """Distils the teacher into `main` and `screen`."""
    main = run.fit("main", students.main_from_teacher(teacher), epochs_of(run.train, 4, run.seed, soft),
                   batch=32, rate=1e-4, head_rate=3e-4)
    everything = epochs_of(run.train, 1, run.seed, soft)
    screen = run.fit("screen", students.screen_from_teacher(teacher), everything * 8,
                     batch=256, rate=2e-3, head_rate=2e-3)
    return {"main": main, "screen": screen}


def main():
    """Runs the stages in order."""
    options = arguments()
    torch.set_num_threads(2)
    run = Run(options)
    run.log("rows, train/calib/test:", run.summary_text())
    if options.until == "data":
        return
    teacher = train_teacher(run)
    if options.until == "teacher":
        return
    soft = soften(run, teacher)
    if options.until == "soft":
        return
    models = train_students(run, teacher, soft)
    if options.until == "students":
        return
    command = "python models/training/train.py --data DATA --out models" + (" --quick" if options.quick else "")
    deliver(run, models, command, DATE)


if __name__ == "__main__":
    sys.exit(main())
