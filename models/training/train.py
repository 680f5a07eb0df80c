"""Trains promptgate's three models from start to finish: `python train.py --data DIR --out models`.

Stages, each skipped when its result is already in the work folder: data, vocabulary, the English teacher, the expert,
soft labels, students, then export, calibration, bands, thresholds and manifests.
"""

import argparse
import json
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
import pretrained
import students
import vocabulary
from deliver import deliver
from fitting import Epoch

DATE = "2026-11-29"
STAGES = ("data", "vocabulary", "teacher", "expert", "students", "deliver")
WORDLISTS = Path(__file__).parents[2] / "wordlists"


def arguments():
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds train/*.jsonl(.gz)")
    parser.add_argument("--out", type=Path, help="folder for screen/, main/ and expert/ (with --quick: a temporary one)")
    parser.add_argument("--work", type=Path, help="folder for checkpoints (default: a temporary one)")
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--quick", action="store_true", help="tiny subsets, a few minutes, to see that it runs")
    parser.add_argument("--without-teacher", action="store_true",
                        help="do not train all-mpnet-base-v2 first to teach the others English (an hour less)")
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
    """What the stages share: the rows, the readers, and where results go."""

    def __init__(self, options):
        self.work, self.out, self.seed, self.quick = options.work, options.out, options.seed, options.quick
        self.began = time.time()
        self.rows = data.load(options.data, options.seed, options.quick, self.log)
        self.train = [row for row in self.rows if row.split == "train"]
        self.fillers = [row.text for row in self.train if row.source in ("benign_coco", "benign_parti")]
        self.reader = None

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

    def fit(self, name, model, epochs, reader, **settings):
        """Trains `model` unless the work folder holds it trained, and returns it; `epochs` is called if needed."""
        done = self.work / f"{name}.pt"
        if done.exists():
            model.load_state_dict(torch.load(done, weights_only=True))
            return model.eval()
        epochs = epochs()
        self.log(f"{name}: {len(epochs)} epochs of {[len(epoch.texts) for epoch in epochs]} rows")
        checkpoint = self.work / f"{name}.partial.pt"
        model = fitting.fit(model, reader, epochs, self.fillers, seed=self.seed,
                            checkpoint=checkpoint, log=lambda line: self.log(name, line), **settings)
        torch.save(model.state_dict(), done)
        checkpoint.unlink()
        return model

    def predict(self, name, model, reader, rows, hidden=False):
        """Returns the logits of `model` on rows, and with `hidden` its states.

        The work folder keeps them by the hash of the text, so that rows which come later cost no more than themselves.
        """
        path = self.work / f"{name}.npz"
        keys = data.keys_of(rows)
        known = np.load(path) if path.exists() else None
        fresh = np.flatnonzero(~np.isin(keys, known["keys"])) if known else np.arange(len(rows))
        if len(fresh):
            self.log(f"{name}: {len(fresh)} rows")
            found = fitting.predict(model, reader, [rows[index].text for index in fresh], hidden=hidden)
            logits, states = found if hidden else (found, np.zeros((len(fresh), 0), dtype=np.float16))
            parts = {"keys": keys[fresh], "logits": logits, "states": states}
            if known:
                parts = {field: np.concatenate([known[field], part]) for field, part in parts.items()}
            np.savez(path, **parts)
            known = parts
        order = np.argsort(known["keys"], kind="stable")
        at = order[np.searchsorted(known["keys"][order], keys)]
        return (known["logits"][at], known["states"][at]) if hidden else known["logits"][at]


def sigmoid(logits):
    """Returns probabilities."""
    return 1 / (1 + np.exp(-logits))


def epochs_of(rows, count, seed, soft=None, hidden=None, weak_epochs=None, foreign=False):
    """Returns `count` epochs: every trusted row in each, every other row once in `weak_epochs` (all of them by default).

    With `soft` (probabilities per row, not a number where no teacher spoke) the target of a trusted row or a caption is
    the mean of label and teacher, and any other row's target is the teacher alone, at half the weight. With `foreign`
    a last column says whether the row is not English.
    """
    target = np.array([row.target for row in rows], dtype=np.float32)
    weight = np.array([row.weight for row in rows], dtype=np.float32)[:, None] * np.array([row.known for row in rows])
    if soft is not None:
        taught = ~np.isnan(soft[:, 0])
        is_trusted = np.array([row.trusted for row in rows])
        labelled = is_trusted | np.array([row.caption for row in rows])
        both, alone = taught & labelled, taught & ~labelled
        target[both] = (target[both] + soft[both]) / 2
        target[alone] = soft[alone]
        weight[alone] = 0.5
    if foreign:
        column = np.array([[not is_english(row)] for row in rows], dtype=np.float32)
        target, weight = np.hstack([target, column]), np.hstack([weight, np.ones_like(column)])
    trusted = [i for i, row in enumerate(rows) if row.trusted]
    rest = [i for i, row in enumerate(rows) if not row.trusted and weight[i].any()]
    random.Random(seed).shuffle(rest)
    epochs = []
    for number in range(count):
        chosen = trusted + rest[number :: weak_epochs or count]
        epochs.append(Epoch(
            [rows[i].text for i in chosen], torch.tensor(target[chosen]), torch.tensor(weight[chosen]).float(),
            None if hidden is None else torch.from_numpy(hidden[chosen]),
        ))
    return epochs


def choose_vocabulary(run, e5):
    """Returns the ids of the kept pieces, and makes the run's reader of them."""
    path = run.work / "vocabulary.json"
    if not path.exists():
        kept = vocabulary.choose(e5.pieces, [row.text for row in run.train], vocabulary.listed_terms(WORDLISTS))
        path.write_text(json.dumps(kept))
        run.log(f"vocabulary: {len(kept)} of {len(e5.pieces)} pieces")
    kept = json.loads(path.read_text())
    pieces = [e5.pieces[index] for index in kept]
    run.reader = encoders.Reader(vocabulary.unigram(pieces), vocabulary.FRAME, vocabulary.PAD)
    return kept


def is_english(row):
    """Whether a row counts as English: its language, and hardly a letter beyond the Latin ones."""
    return row.lang == "en" and sum(letter > "\u024f" for letter in row.text) * 10 < len(row.text)


def train_teacher(run):
    """Fine-tunes all-mpnet-base-v2 on the English rows, and returns its logits on them, nothing on the others."""
    encoder, tokenizer = pretrained.mpnet()
    reader = encoders.Reader(tokenizer, ("<s>", "</s>"), "<pad>")
    # Captions are harmless without asking.
    taught = [is_english(row) and not row.caption for row in run.train]
    english = [row for row in run.train if is_english(row)]
    labelled = [row for row in english if max(row.known) > 0]
    # A sixth of the captions and a fifth of the noisy pairs are enough to know what is ordinary.
    share = {"copro": 5, "hate_text": 2, "political_ads": 3}
    chosen = [row for number, row in enumerate(labelled) if row.trusted or number % share.get(row.source, 6) == 0]
    model = run.fit("teacher", encoders.PromptEncoder(encoder), lambda: epochs_of(chosen, 2, run.seed), reader,
                    batch=32, rate=3e-5, head_rate=1e-3)
    # For the report: what there is to be learned from it.
    run.predict("teacher.held", model, reader, [row for row in run.rows if row.split == "test" and row.trusted and is_english(row)])
    out = np.full((len(run.train), len(data.LABELS)), np.nan, dtype=np.float32)
    out[taught] = run.predict("teacher.logits", model, reader, [row for row, asked in zip(run.train, taught, strict=True) if asked])
    return out


def train_expert(run, e5, kept, taught):
    """Fine-tunes multilingual-e5-small on labels, then more slowly on labels and on what the teacher says, in all languages."""
    model = encoders.PromptEncoder(pretrained.e5_encoder(e5, kept))
    model = run.fit("expert.labels", model, lambda: epochs_of(run.train, 3, run.seed, weak_epochs=6),
                    run.reader, batch=32, rate=1e-4, head_rate=1e-3)
    return run.fit("expert", model, lambda: epochs_of(run.train, 2, run.seed + 1, sigmoid(taught), weak_epochs=6),
                   run.reader, batch=32, rate=6e-5, head_rate=3e-4)


def train_students(run, expert, taught):
    """Distils teacher and expert into `main` and `screen`."""
    logits, states = run.predict("expert.logits", expert, run.reader, run.train, hidden=True)
    soft = sigmoid(np.where(np.isnan(taught), logits, (logits + taught) / 2))
    main = run.fit("main", students.main_from_expert(expert),
                   lambda: epochs_of(run.train, 2, run.seed, soft, states, weak_epochs=4), run.reader, batch=32, rate=1.5e-4, head_rate=3e-4)
    screen = run.fit("screen", students.screen_from_expert(expert),
                     lambda: epochs_of(run.train, 1, run.seed, soft, foreign=True) * 8, run.reader, batch=256, rate=2e-3, head_rate=2e-3)
    return {"screen": screen, "main": main, "expert": expert}


def main():
    """Runs the stages in order."""
    options = arguments()
    torch.set_num_threads(2)
    run = Run(options)
    run.log("rows, train/calib/test:", run.summary_text())
    if options.until == "data":
        return
    e5 = pretrained.read_e5()
    kept = choose_vocabulary(run, e5)
    if options.until == "vocabulary":
        return
    nothing = np.full((len(run.train), len(data.LABELS)), np.nan, np.float32)
    taught = nothing if options.without_teacher else train_teacher(run)
    if options.until == "teacher":
        return
    expert = train_expert(run, e5, kept, taught)
    if options.until == "expert":
        return
    models = train_students(run, expert, taught)
    if options.until == "students":
        return
    command = "python models/training/train.py --data DATA --out models" + (" --quick" if options.quick else "")
    deliver(run, models, command, DATE)


if __name__ == "__main__":
    sys.exit(main())
