"""Reads the training files into one list of rows, split by a stable hash.

A row carries six targets, a mask that says which of them are known, and a weight.
Three kinds of row exist: `trusted` (read by people against the policy), weak
(the source's own labels, mapped here) and unlabelled (only the teacher's scores).
"""

import dataclasses
import gzip
import hashlib
import json
import random
import re
from pathlib import Path

import numpy as np

import benchmarks
import duplicates
from prompts import clean, normal_key

AUTHORED = Path(__file__).parent / "authored"

LABELS = ("adult", "gore", "hate", "election", "deception", "illegal")
ALL_KNOWN = (1.0,) * len(LABELS)
NONE_KNOWN = (0.0,) * len(LABELS)
NO_LABEL = (0.0,) * len(LABELS)
MAX_WORDS = 160  # longer texts (advertisements, mostly) are cut

# How often rows of an "unsafe" CoProV2 concept carry a label of ours, counted on the
# 2,986 of them that `real_labelled` holds with labels read by people. The concepts are
# that noisy: the "safe" twins are harmless in 96 % of cases, the unsafe ones in half.
COPRO_UNSAFE = {
    "hate": {"hate": 0.27, "gore": 0.16, "adult": 0.14},
    "harrasment": {"hate": 0.25, "gore": 0.11, "adult": 0.04},
    "sexual": {"adult": 0.27, "hate": 0.27, "gore": 0.13},
    "shocking": {"hate": 0.28, "adult": 0.17, "gore": 0.10},
    "violence": {"gore": 0.25, "hate": 0.21, "adult": 0.06},
    "self-harm": {"gore": 0.40, "hate": 0.06},
    "illegal activity": {"illegal": 0.07, "gore": 0.09, "adult": 0.07, "hate": 0.06},
}

# Social-media texts by source: how many are taken, and what one weighs. HatemojiBuild was labelled in rounds by trained people
# and is full of near misses; the others are single posts with one crowd label, or written by a machine.
HATE_TEXT = {
    "hatemojibuild": (6000, 0.5), "safenlp_toxiGen": (4000, 0.3), "safenlp_implicitHate": (3000, 0.2),
    "edos": (3000, 0.2), "davidson": (2000, 0.2), "stormfront": (1500, 0.2),
}

# Benign sets that nobody has reviewed and that come from real users hold a few percent
# of violations: as labels they weigh less, and they are kept out of false-positive rates.
REAL_USERS = "imagereward"


@dataclasses.dataclass
class Row:
    """One text with what is known about it."""

    text: str
    source: str
    group: str
    target: tuple = NO_LABEL
    known: tuple = ALL_KNOWN
    weight: float = 1.0
    trusted: bool = False
    borderline: bool = False
    lookalike: bool = False
    implicit: bool = False
    caption: bool = False
    lang: str = "en"
    pair: str = ""
    split: str = ""


def read_jsonl(path):
    """Yields the objects of a JSON-lines file, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def target_of(labels):
    """Returns the target vector of a list of category ids; ids without a model label teach nothing."""
    return tuple(float(label in labels) for label in LABELS)


def real_labelled(path):
    """Yields real prompts labelled by people, the reference for quality."""
    for entry in read_jsonl(path):
        if not entry["unusable"]:
            yield Row(
                entry["text"], "real_labelled", entry["text"], target_of(entry["labels"]), trusted=True,
                weight=0.5 if entry["borderline"] else 1.0,
                borderline=entry["borderline"], lookalike=entry["lookalike"],
            )


def authored_group(name, entry):
    """Returns the key under which near-copies of an authored row stay in one split."""
    if "pair" in entry:
        return entry["pair"]
    serial = entry["id"][-4:]
    if name.startswith("multilingual"):
        return f"translations-{serial}"
    if "-mv-" in entry["id"] or "-mb-" in entry["id"]:
        return f"scene-{serial}"
    return entry["prompt"]


def authored(path):
    """Yields the rows written for this project, minimal pairs among them."""
    for entry in read_jsonl(path):
        labels = entry["labels"]
        yield Row(
            entry["prompt"], f"authored_{path.stem}", authored_group(path.stem, entry), target_of(labels), trusted=True,
            weight=1.25 if entry["lang"] == "en" else 1.0, lookalike=entry["hard"] and not labels,
            implicit=entry["hard"] and bool(labels), lang=entry["lang"], pair=entry.get("pair", ""),
        )


def benign(path):
    """Yields harmless prompts and captions as weak negatives."""
    for entry in read_jsonl(path):
        real = entry["source"] == REAL_USERS
        yield Row(entry["text"], f"benign_{entry['source']}", entry["text"], weight=0.05 if real else 0.3, caption=not real)


def copro(path, limit, rng):
    """Yields CoProV2 rows: safe twins as weak negatives, unsafe ones with the table's odds."""
    entries = list(read_jsonl(path))
    for entry in rng.sample(entries, min(limit, len(entries))):
        odds = COPRO_UNSAFE[entry["category"]] if entry["unsafe"] else {}
        target = tuple(odds.get(label, 0.0) for label in LABELS)
        yield Row(entry["text"], "copro", entry["text"], target, weight=0.2)


def hate_text(path, rng):
    """Yields social-media texts by `HATE_TEXT`: only the `hate` target is known, mere profanity is skipped."""
    entries = [entry for entry in read_jsonl(path) if entry["hate"] != "offensive"]
    for source, (limit, weight) in HATE_TEXT.items():
        for hateful in (True, False):
            # Half hateful, half not, as far as the source has them.
            of_source = [entry for entry in entries if entry["source"] == source and (entry["hate"] == "hate") == hateful]
            for entry in rng.sample(of_source, min(limit // 2, len(of_source))):
                text = re.sub(r"\[(USER|URL)\]|@\w+|https?://\S+|\bRT\b", " ", entry["text"])
                yield Row(text, "hate_text", text, target_of(["hate"] if hateful else []), target_of(["hate"]), weight)


def political_ads(path, limit, rng):
    """Yields English advertisements: only the `election` target is known, by page and so noisy."""
    entries = [entry for entry in read_jsonl(path) if entry["locale"].startswith("en")]
    for entry in rng.sample(entries, min(limit, len(entries))):
        text = re.sub(r"https?://\S+", " ", entry["text"])
        political = entry["label"] == "political"
        # An issue ad is political and no violation: a soft target.
        target = tuple(0.6 * known * political for known in target_of(["election"]))
        yield Row(text, "political_ads", text, target, target_of(["election"]), 0.15)


def unlabelled(path):
    """Yields real prompts without labels, for distillation."""
    for entry in read_jsonl(path):
        yield Row(entry["text"], "t2i_unlabelled", entry["text"], known=NONE_KNOWN, weight=0.0)


def keys_of(rows):
    """Returns a number per row by the hash of its text, under which what models say about it is kept."""
    return np.array([int(hashlib.sha256(row.text.encode()).hexdigest()[:15], 16) for row in rows])


def split_of(row):
    """Returns the row's split by the hash of its group: the same on every machine.

    Labelled rows: 80 % train, 5 % calib, 15 % test. Benign rows: 60, 20, 20, since
    low false-positive rates need many held-back rows. Everything else trains.
    """
    point = int(hashlib.sha256(normal_key(row.group).encode()).hexdigest()[:8], 16) / 2**32
    if row.trusted:
        return "test" if point < 0.15 else "calib" if point < 0.20 else "train"
    if row.source.startswith("benign_"):
        return "test" if point < 0.20 else "calib" if point < 0.40 else "train"
    return "train"


def prepare(rows):
    """Cleans, splits and deduplicates rows; the first of equal texts wins, so trusted rows come first.

    A cleaned text that trusted rows label in two ways (the difference was in the
    negative part, which the models never see) is dropped altogether.
    """
    kept, clashing = {}, set()
    for row in rows:
        row.text = " ".join(clean(row.text).split()[:MAX_WORDS])
        row.split = split_of(row)
        key = normal_key(row.text)
        if not key:
            continue
        first = kept.setdefault(key, row)
        if row.trusted and first.target != row.target:
            clashing.add(key)
    return [row for key, row in kept.items() if key not in clashing]


def load(data_dir: Path, seed, quick=False, log=print):
    """Returns all rows: the authored ones beside this file, and those of `data_dir`/train; `quick` keeps a small sample.

    Training rows that nearly repeat a held-back row or a text of `data_dir`/eval are dropped.
    """
    train = data_dir / "train"
    rng = random.Random(seed)
    rows = list(real_labelled(train / "real_labelled.jsonl.gz"))
    for path in sorted(AUTHORED.glob("*.jsonl")):
        rows += authored(path)
    rows += benign(train / "benign_prompts_unreviewed.jsonl.gz")
    rows += copro(train / "copro_pairs.jsonl.gz", 16000, rng)
    rows += hate_text(train / "hate_text.jsonl.gz", rng)
    rows += political_ads(train / "political_ads.jsonl.gz", 4000, rng)
    rows += unlabelled(train / "t2i_unlabelled.jsonl.gz")
    rows = prepare(rows)
    if quick:
        rows = [row for row in rows if hashlib.sha256(normal_key(row.group).encode()).digest()[-1] < 10]
    held = [row for row in rows if row.split != "train"]
    benchmark_texts = [text for _, text in benchmarks.texts(data_dir / "eval")]
    repeats = duplicates.nearly_among([row.text for row in rows], [row.text for row in held] + benchmark_texts)
    kept = [row for row, repeat in zip(rows, repeats, strict=True) if row.split != "train" or not repeat]
    log(f"{len(rows) - len(kept)} training rows nearly repeat a held-back row or a benchmark text: dropped")
    return kept
