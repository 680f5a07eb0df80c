"""Measures the shipped models and writes `REPORT.md` and the model cards: `python report.py --data DIR --models models`.

Everything is scored by the shipped int8 files, one window at a time. Where the `promptgate` binary is built, the
public sets are judged by the whole filter as well, lists and rules included. Nothing here chooses anything.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tomllib
from tokenizers import Tokenizer

import card
import data
import encoders
import evaluate
import public
import robustness
from data import LABELS
from evaluate import Held
from export import Scorer
from markdown import percent, table

HERE = Path(__file__).parent
POLICY = HERE.parents[1] / "src/policy/default.toml"
MODELS = ("screen", "main", "expert")
LATENCY_TOKENS = (16, 32, 64)


def arguments():
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds train/ and eval/")
    parser.add_argument("--models", type=Path, required=True, help="folder of the models; the report is written there")
    parser.add_argument("--work", type=Path, required=True, help="folder for scores, and where training left its fp32 files")
    parser.add_argument("--promptgate", type=Path, default=HERE.parents[1] / "target/release/promptgate")
    parser.add_argument("--seed", type=int, default=20261129, help="the seed of the training")
    return parser.parse_args()


class Cascade:
    """The shipped models with the bands and thresholds of the default policy, as the Rust side runs them."""

    def __init__(self, models, work):
        self.work = work
        self.folders = {name: models / name for name in MODELS}
        self.manifests = {
            name: tomllib.loads((folder / "model.toml").read_text()) for name, folder in self.folders.items()
        }
        tokenizer = Tokenizer.from_file(str(self.folders["main"] / "tokenizer.json"))
        self.reader = encoders.Reader(tokenizer, tuple(self.manifests["main"]["frame"]), "<pad>")
        self.scorers = {name: Scorer(folder / "model.onnx", self.reader) for name, folder in self.folders.items()}
        policy = tomllib.loads(POLICY.read_text())
        self.thresholds = np.array([policy["category"][label]["threshold"] for label in LABELS])
        self.bands = {
            name: tuple(np.array([policy["cascade"][name][end][label] for label in LABELS]) for end in ("low", "high"))
            for name in ("screen", "main")
        }
        self.high = self.bands["screen"][1]
        self.foreign = policy["cascade"]["screen"]["foreign"]

    def all(self, texts):
        """Returns the scores of each model on texts; the work folder keeps them by the hash of models and texts."""
        digest = hashlib.sha256()
        for part in (*(self.manifests[model]["sha256"]["model.onnx"] for model in MODELS), *texts):
            digest.update(part.encode() + b"\0")
        path = self.work / f"scores-{digest.hexdigest()[:16]}.npz"
        if path.exists():
            return dict(np.load(path))
        scores = {model: scorer.score(texts) for model, scorer in self.scorers.items() if model != "screen"}
        scores["screen"], scores["foreign"] = self.scorers["screen"].classify(texts)
        np.savez(path, **scores)
        return scores

    def cascaded(self, scores):
        """Returns the scores of the model that decides each row, and which rows main and the expert are asked about."""
        to_main = evaluate.asked(scores["screen"], scores["foreign"] >= self.foreign, *self.bands["screen"])
        to_expert = to_main & evaluate.asked(scores["main"], np.zeros(len(to_main), dtype=bool), *self.bands["main"])
        final = np.where(to_expert[:, None], scores["expert"], np.where(to_main[:, None], scores["main"], scores["screen"]))
        return final, to_main, to_expert

    def blocked(self, scores):
        """Returns which rows the models block, label by label."""
        final, to_main, _ = self.cascaded(scores)
        return np.where(to_main[:, None], final >= self.thresholds, final >= self.high)


def systems(cascade, scores):
    """Returns the scores of each model alone and of the cascade."""
    return {**{name: scores[name] for name in MODELS}, "cascade": cascade.cascaded(scores)[0]}


def held_back(cascade, held, scores):
    """Returns the section on held-back rows."""
    real, authored = held.real & held.test, held.authored & held.test
    groups = {
        "Real prompts, clear (without `borderline`)": real & ~held.borderline,
        "Real prompts, all": real,
        "Authored, English (minimal pairs and look-alikes: hard on purpose)": authored & held.english,
        "Authored, sixteen other languages": authored & ~held.english,
        "Clear real and authored together": (real & ~held.borderline) | authored,
    }
    parts = ["## Held-back rows\n", "AUROC and average precision per label; `any` ranks by the highest score.\n"]
    for title, within in groups.items():
        rows = []
        for column, label in enumerate((*LABELS, "any")):
            target = held.violation[within] if label == "any" else held.target[within, column]
            if not target.any() or target.all():
                continue
            row = [label, int(target.sum())]
            for each in systems(cascade, scores).values():
                score = each[within].max(1) if label == "any" else each[within, column]
                auroc, precision = evaluate.curve(target, score)
                row.append(f"{auroc:.3f} / {precision:.3f}")
            rows.append(row)
        parts += [f"### {title}: {int(within.sum())} rows\n", table(("label", "positives", *systems(cascade, scores)), rows), ""]
    clear = real & ~held.borderline
    rows = []
    for name, each in systems(cascade, scores).items():
        score, target = each[clear].max(1), held.violation[clear]
        row = [name]
        for rate in (0.005, 0.01, 0.05):
            cut = np.quantile(score[~target], 1 - rate)
            row.append(percent((score[target] > cut).mean()))
        pairs, order = evaluate.pair_order(held, each, authored & held.english)
        foreign, foreign_order = evaluate.pair_order(held, each, authored & ~held.english)
        rows.append([*row, percent(order), percent(foreign_order)])
    parts += [
        "### At a given rate of false positives, and in minimal pairs\n",
        "Recall on clear real rows where 0.5, 1 and 5 % of the harmless ones score higher; share of minimal pairs whose violating "
        f"twin scores higher ({pairs} English pairs, {foreign} in other languages).\n",
        table(("model", "recall at 0.5 %", "at 1 %", "at 5 %", "pairs, English", "pairs, other"), rows), "",
    ]
    return parts


def operating_point(cascade, held, scores):
    """Returns the section on what the models block at the shipped thresholds, by kind and language."""
    hit = cascade.blocked(scores).any(1)
    implicit = np.array([row.implicit for row in held.rows])
    authored = held.authored & held.test
    kinds = {
        "plain violations, authored": authored & held.violation & ~implicit,
        "implicit violations, authored": authored & held.violation & implicit,
        "look-alikes, authored": authored & held.lookalike,
        "allowed twins of minimal pairs": authored & held.twin,
        "ordinary, authored": authored & ~held.violation & ~held.lookalike & ~held.twin,
        "violations, real and clear": held.real & held.test & held.violation & ~held.borderline,
        "look-alikes, real and clear": held.real & held.test & held.lookalike,
        "ordinary, real": held.plain_real & held.test,
        "captions": held.captions & held.test,
        "real users' prompts that nobody has read": held.unreviewed & held.test,
    }
    rows = [[name, int(within.sum()), percent(hit[within].mean())] for name, within in kinds.items()]
    fitted = evaluate.cross_fitted(held, cascade.cascaded(scores)[0])
    crossed = [[name.replace("_", " "), count, percent(share, 2)] for name, (count, share) in fitted.items()]
    parts = [
        "## What the models block at the shipped thresholds\n",
        "Models alone, test rows; lists and rules come on top and catch most of the plain ones. The thresholds were chosen on "
        "calibration and test rows together; below is what comes out when they are chosen on one half and counted on the other.\n",
        table(("rows", "number", "blocked"), rows), "",
        "Cross-fitted, calibration and test rows:\n", table(("rows", "number", "blocked"), crossed), "",
        "### By language, authored test rows\n",
    ]
    languages = np.array([row.lang for row in held.rows])
    rows = []
    for language in sorted(set(languages[authored])):
        mine = authored & (languages == language)
        violating = mine & held.violation
        if violating.sum() < 15:
            continue
        auroc = evaluate.curve(held.violation[mine], cascade.cascaded(scores)[0][mine].max(1))[0]
        rows.append([language, int(mine.sum()), percent(hit[violating].mean()),
                     percent(hit[violating & implicit].mean()) if (violating & implicit).any() else "-",
                     percent(hit[mine & ~held.violation].mean()), f"{auroc:.3f}"])
    parts += [table(("language", "rows", "recall", "of implicit ones", "harmless blocked", "AUROC"), rows), ""]
    return parts, rows


def calibration(cascade, held, scores):
    """Returns the section on calibration."""
    final, to_main, _ = cascade.cascaded(scores)
    rows = []
    for column, label in enumerate(LABELS):
        row = [label]
        for within in (held.test & held.real, held.test & held.authored, held.test & (held.real | held.authored) & to_main):
            row.append(f"{evaluate.calibration_error(held.target[within, column], final[within, column]):.3f}")
        rows.append(row)
    return [
        "## Calibration\n", "Expected calibration error of the cascade, 15 bins of equal size, test rows.\n",
        table(("label", "real", "authored", "both, where `main` or `expert` decided"), rows), "",
    ]


def quantization(cascade, held, scores, work):
    """Returns the section that compares int8 with fp32, or a line why not."""
    within = np.flatnonzero(held.real & held.test)
    texts = [held.rows[index].text for index in within]
    clear, target = ~held.borderline[within], held.violation[within]
    rows = []
    for name in MODELS:
        path = work / f"{name}.fp32.onnx"
        if not path.exists():
            return ["## int8 against fp32\n", "The fp32 files are not in the work folder.\n"]
        full, own = Scorer(path, cascade.reader).score(texts), scores[name][within]
        moved = np.abs(full - own).max(1)
        before, after = (evaluate.curve(target[clear], one[clear].max(1))[0] for one in (full, own))
        rows.append([name, f"{before:.4f}", f"{after:.4f}", f"{moved.mean():.4f}", f"{np.quantile(moved, 0.99):.3f}",
                     percent(((full > 0.5) != (own > 0.5)).any(1).mean(), 2)])
    return [
        "## int8 against fp32\n", "Real test rows; AUROC on the clear ones.\n",
        table(("model", "AUROC fp32", "AUROC int8", "mean change", "99th percentile", "flips at 0.5"), rows), "",
    ]


def sturdiness(cascade, held, scores):
    """Returns the section on changes that must not flip a decision."""
    within = np.flatnonzero((held.real | held.authored) & held.test & held.english)
    chosen = np.random.default_rng(1).permutation(within)[:1500]
    texts = [held.rows[index].text for index in chosen]
    before = cascade.blocked({name: each[chosen] for name, each in scores.items()}).any(1)
    fillers = [row.text for row in held.rows if row.source in ("benign_coco", "benign_parti")]
    rows, shares, real = [], [], []
    for name, altered in robustness.changed(texts, fillers):
        after = cascade.blocked(cascade.all(altered)).any(1)
        shares.append([(before != after).mean(), (before & ~after).mean(), (~before & after).mean()])
        real.append(not name.endswith("case"))
        rows.append([name, *(percent(share, 2) for share in shares[-1])])

    def means(chosen):
        return [percent(mean, 2) for mean in np.mean(np.array(shares)[chosen], axis=0)]

    rows += [["mean", *means(slice(None))], ["mean without casing, which the tokenizer folds away", *means(real)]]
    return [
        "## Robustness\n",
        f"{len(texts)} English test rows (real and authored), changed in ways that keep the meaning; models alone. Style and opening words "
        "are ones that training never adds; captions around, full stops and swapped letters were drawn in training as well.\n",
        table(("change", "decisions flipped", "caught no more", "newly blocked"), rows), "",
    ]


def bias(cascade):
    """Returns the section on groups of people: the same sentences about each."""
    rows, harmless_rates = [], []
    for group, (harmless, abusive) in robustness.probes().items():
        good, bad = (cascade.all(texts) for texts in (harmless, abusive))
        flagged = cascade.blocked(good).any(1).mean()
        harmless_rates.append(flagged)
        rows.append([group, percent(flagged), percent(cascade.blocked(bad)[:, LABELS.index("hate")].mean()),
                     f"{cascade.cascaded(good)[0][:, LABELS.index('hate')].mean():.3f}"])
    return [
        "## Groups of people\n",
        f"{len(robustness.HARMLESS)} harmless and {len(robustness.ABUSIVE)} abusive sentences, filled with each group; models alone. "
        f"Gap between the groups' false-positive rates: {percent(max(harmless_rates) - min(harmless_rates))}.\n",
        table(("group", "harmless blocked", "abusive blocked as hate", "mean hate score, harmless"), rows), "",
    ]


def handing_on(cascade, held, scores):
    """Returns the section on what each model sends on."""
    _, to_main, to_expert = cascade.cascaded(scores)
    hit = cascade.blocked(scores).any(1)
    alone = evaluate.blocked(scores["expert"], cascade.thresholds)
    caught = held.violation & alone
    rows = [
        [name, int(within.sum()), percent(to_main[within].mean()), percent(to_expert[within].mean())]
        for name, within in {
            "captions": held.captions, "ordinary real prompts": held.plain_real, "real users' prompts": held.unreviewed,
            "look-alikes": held.lookalike, "violations": held.violation,
        }.items()
    ]
    return [
        "## What is handed on\n",
        table(("held-back rows", "number", "asked of `main`", "asked of `expert`"), rows),
        f"\nOf {int(caught.sum())} held-back violations that `expert` alone would block at these thresholds, the cascade lets "
        f"{percent((caught & ~hit).sum() / caught.sum(), 2)} pass.\n",
    ]


def beside_the_teacher(held, scores, work):
    """Returns the section that holds the models against the English teacher, if training has left its scores."""
    path = work / "teacher.held.npz"
    if not path.exists():
        return []
    known = dict(np.load(path))
    place = {key: index for index, key in enumerate(known["keys"].tolist())}
    found = np.array([place.get(key, -1) for key in data.keys_of(held.rows).tolist()])
    english = found >= 0
    teacher = np.zeros_like(scores["expert"])
    teacher[english] = known["logits"][found[english]]
    rows = []
    for name, each in {**{name: scores[name] for name in MODELS}, "teacher": teacher}.items():
        row = [name]
        for group in (held.real & ~held.borderline, held.authored):
            within = group & english
            row.append("{:.3f} / {:.3f}".format(*evaluate.curve(held.violation[within], each[within].max(1))))
        rows.append([*row, percent(evaluate.pair_order(held, each, held.authored & english)[1])])
    return [
        "## Beside the teacher\n",
        f"all-mpnet-base-v2, fine-tuned, not shipped; {int(english.sum())} English test rows; AUROC and average precision of the highest score.\n",
        table(("model", "real, clear", "authored", "pairs in order"), rows), "",
    ]


def latency(cascade):
    """Returns the section on time and size, and a fact per model."""
    rows, facts = [], {}
    for name in MODELS:
        size = (cascade.folders[name] / "model.onnx").stat().st_size / 1e6
        times = [cascade.scorers[name].latency_us(tokens) / 1000 for tokens in LATENCY_TOKENS]
        rows.append([name, f"{size:.1f} MB", *(f"{time:.3f} ms" for time in times)])
        facts[name] = rows[-1]
    return [
        "## Time and size\n",
        "One window on one thread, median of 400 runs, ONNX Runtime from Python, without tokenizing; 2-core server CPU.\n",
        table(("model", "file", *(f"{tokens} tokens" for tokens in LATENCY_TOKENS)), rows), "",
    ], facts


def ablation(work):
    """Returns the section on what each source is worth, if `ablation.py` has run."""
    path = work / "ablation.json"
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    return [
        "## What each source is worth\n",
        "The small model trained on labels alone, without one source at a time (`ablation.py`); held-back rows.\n",
        table(found["head"], found["rows"]), "",
    ]


class Filter:
    """The whole filter: the `promptgate` binary over a file of prompts."""

    def __init__(self, binary):
        self.binary = binary

    def judge(self, texts):
        """Returns a decision per text, as `promptgate scan` writes them; every stage runs."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "prompts.jsonl"
            path.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts), encoding="utf-8")
            command = [self.binary, "--explain", "all", "scan", "--quiet", path]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
            if done.returncode > 1:
                raise SystemExit(f"{self.binary}: exit status {done.returncode}")
        return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    """Measures and writes."""
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    cascade = Cascade(options.models, options.work)
    rows = data.load(options.data, options.seed)
    held = Held([row for row in rows if row.split != "train"])
    scores = cascade.all([row.text for row in held.rows])
    kinds, languages = operating_point(cascade, held, scores)
    times, facts = latency(cascade)
    on_public = public.report(options.data / "eval", cascade, Filter(options.promptgate) if options.promptgate.exists() else None)
    notes = (HERE / "notes.md").read_text(encoding="utf-8")
    parts = [
        "# Report on the models\n",
        "Written by `python models/training/report.py`; do not edit by hand. All numbers are of the shipped int8 files, one window at a "
        "time. Test rows are the 15 % that a hash of the text (or of the pair or scene it belongs to) holds back; training rows "
        "that nearly repeat one of them, or a text of the public sets, were dropped.\n",
        f"Training rows and held-back rows: {cascade.manifests['main']['training']['data']}.\n",
        *held_back(cascade, held, scores), *kinds, *calibration(cascade, held, scores), *handing_on(cascade, held, scores),
        *beside_the_teacher(held, scores, options.work), *on_public, *sturdiness(cascade, held, scores), *bias(cascade), *quantization(cascade, held, scores, options.work), *ablation(options.work), *times,
        notes,
    ]
    (options.models / "REPORT.md").write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
    for name in MODELS:
        card.write(options.models / name, name, cascade, facts[name], languages)


if __name__ == "__main__":
    sys.exit(main())
