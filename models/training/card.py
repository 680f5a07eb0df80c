"""Writes what goes beside a model: `tokenizer.json`, `model.toml` and the model card `README.md`."""

import hashlib
import json

from data import LABELS
from encoders import MAX_TOKENS, OVERLAP_TOKENS

# Invented and mild: they pin the model's numbers in a test, they do not judge it.
GOLDEN = (
    "a lighthouse on a cliff at dusk, oil painting",
    "two kittens asleep in a flower pot",
    "campaign poster, vote for Mayor Pemberton, blue and gold",
    "knight holding a sword in front of a ruined gate, heavy rain",
    "a woman reading on a beach in a red swimsuit, summer light",
    "ballot box icon, flat design",
    "a statue of a nude athlete in a museum hall",
    "ein roter Ballon über der Stadt",
)

SOURCES = """\
| source | licence | used as |
|---|---|---|
| real prompts read and labelled against the policy: Adversarial Nibbler | CC-BY-4.0 | labels |
| the same: I2P, Six-CD, CoProV2 (SafetyDPO) | MIT | labels |
| the same: ImageReward / DiffusionDB | Apache-2.0 | labels |
| rows written for this project (`authored_*`), minimal pairs among them, about 12 % not English | CC0-1.0 | labels |
| captions and prompts: ImageReward, Parti, TIFA, DPG, GenEval, T2I-CompBench, VBench, DSG (Apache-2.0 and alike), COCO (CC-BY-4.0) | see left | weak negatives |
| CoProV2 pairs | MIT | weak labels by a table of odds |
| social-media text: Davidson, ToxiGen, ImplicitHate (MIT), HatemojiBuild (CC-BY-4.0), Stormfront (CC-BY-SA-3.0), EDOS (CC0) | see left | weak `hate` labels |
| ProPublica political advertisements | MIT | weak `election` labels |
| real prompts without labels: Adversarial Nibbler (CC-BY-4.0), I2P, Six-CD (MIT) | see left | distillation |
| start of the weights: all-MiniLM-L6-v2 | Apache-2.0 | pretrained encoder |
"""

INTRO = {
    "main": """\
# main

A four-layer, 384-wide transformer that scores an image-generation prompt for six categories. It decides what the
rules and the `screen` model leave undecided. One window of at most {max_tokens} tokens in, six calibrated scores out;
a longer prompt is scored window by window and keeps the highest score per category.
""",
    "screen": """\
# screen

Static token and hashed bigram embeddings with learned pooling weights and a small MLP. It costs a few microseconds and
answers one question: is this prompt so clearly harmless, or so clearly a violation, that `main` need not be asked? It
does not understand word order beyond two neighbouring tokens. Do not block on it below its `high` band.
""",
}

LIMITS = """\
## Limits and known failures
- **English only.** A few thousand rows in sixteen other languages were trained on, with an English vocabulary; the
  table shows what that is worth. Do not rely on it.
- Violations said without any telling word (the minimal pairs) are caught far less often than plain ones, and the
  pair-order figure shows how often a violating prompt scores above its almost identical harmless twin.
- Read one by one, about half of the unreviewed real prompts that `main` blocks are violations (office-holders in false
  scenes, lingerie for show). The false blocks are mostly sensual or "sexy" portraits in clothes, miniatures and action
  figures of women, and politicians in plain parody. Of the few captions blocked, half are plain mistakes.
- Gore in real prompts is caught least: graphic and PG-13 horror lie close together, and the look-alike budget holds the
  threshold high.
- `deception` and `illegal` have few real examples; their numbers come mostly from rows written for this project and
  will be lower on real traffic.
- `borderline` rows are those on which two careful people may differ; the policy says how to settle them, the model
  settles them worse.
- Minors, private information, and what a negative prompt takes away are not this model's business: rules decide them.
- Rows that differ only by a few words exist in the labelled prompts (people retry); the figure for prompts unlike any
  training row is given beside the whole.
- Three quarters of an hour on two cores trained it: more labelled prompts and a larger teacher would help most.
- int8 results may differ slightly between processors; compare with a tolerance.
- Text is expected as the generator would read it: positive side, markup removed, letters not obfuscated.
"""


def sha256(path):
    """Returns the hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def toml_table(values):
    """Returns an inline table of one number per label."""
    return "{ " + ", ".join(f"{label} = {value:.4g}" for label, value in zip(LABELS, values)) + " }"


def write_manifest(folder, name, *, seed, date, command, rows, thresholds, thresholds_note, scorer, bands=None):
    """Writes `model.toml`, the file that the Rust side reads."""
    lines = [
        "# Written by models/training/train.py; do not edit by hand.",
        "schema = 1",
        f'name = "{name}"',
        f"labels = {json.dumps(list(LABELS))}",
        f"max_tokens = {MAX_TOKENS}  # longest window, special tokens included",
        f"overlap_tokens = {OVERLAP_TOKENS}  # tokens shared by two windows of a long prompt",
        "",
        "[sha256]",
        *(f'"{file}" = "{sha256(folder / file)}"' for file in ("model.onnx", "tokenizer.json")),
        "",
        "[training]",
        f"seed = {seed}",
        f'date = "{date}"',
        f'command = "{command}"',
        f'data = "{rows}"',
        "",
        f"# {thresholds_note}",
        "[thresholds]",
        *(f"{label} = {value:.4g}" for label, value in zip(LABELS, thresholds)),
        "",
    ]
    if bands:
        low, high = bands
        lines += [
            "# Below `low` on every label: harmless, `main` is not asked. At or above `high` on a label: a violation.",
            "[band]",
            f"low = {toml_table(low)}",
            f"high = {toml_table(high)}",
            "",
        ]
    lines += ["# Scores of the shipped file, in label order; compare with a tolerance, processors differ."]
    for text, scores in zip(GOLDEN, scorer.score(GOLDEN)):
        numbers = ", ".join(f"{score:.5f}" for score in scores)
        lines += ["[[golden]]", f"text = {json.dumps(text, ensure_ascii=False)}", f"scores = [{numbers}]", ""]
    (folder / "model.toml").write_text("\n".join(lines), encoding="utf-8")


def label_table(rows):
    """Returns a Markdown table of `evaluate.per_label`."""
    lines = ["| label | positives | AUROC | avg. precision | recall | false positives |", "|---|---|---|---|---|---|"]
    for label, count, auroc, precision, recall, false in rows:
        lines.append(f"| {label} | {count} | {auroc:.3f} | {precision:.3f} | {recall:.1%} | {false:.2%} |")
    return "\n".join(lines)


def rate_table(columns):
    """Returns a Markdown table of `evaluate.rates`, one column per named operating point."""
    names = list(columns)
    lines = ["| rows | n | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    for row in columns[names[0]]:
        cells = " | ".join(f"{columns[name][row][1]:.2%}" for name in names)
        lines.append(f"| {row.replace('_', ' ')} | {columns[names[0]][row][0]} | {cells} |")
    return "\n".join(lines)


def write_card(folder, name, report):
    """Writes the model card from the numbers in `report`."""
    parts = [
        INTRO[name].format(max_tokens=MAX_TOKENS),
        "Intended use: deciding allow or block for prompts of an image generator under the policy of this repository, "
        "together with its rules and word lists. Not for judging people, chat, or images.\n",
        f"File: {report['bytes'] / 1e6:.1f} MB int8. One window on one thread (median, Python, 2-core server CPU): "
        + ", ".join(f"{tokens} tokens {time / 1000:.3f} ms" for tokens, time in report["latency"].items()) + ".\n",
        "## Trained on\n\n" + SOURCES,
        f"Rows: {report['rows']}. Splits are by a hash of the text (or of the pair or scene it belongs to): 80 % train, "
        "5 % calibration, 15 % test; benign rows 60/20/20. No benchmark was trained or tuned on.\n",
        "## Held-back test rows, shipped int8 file, one window at a time\n",
    ]
    for title, table in report["tables"].items():
        parts.append(f"### {title}\n\n{label_table(table)}\n")
    parts.append("Recall and false positives are at the thresholds in `model.toml`, each label on its own; `any` is a "
                 "block by any label.\n")
    parts += [f"- {line}" for line in report["facts"]]
    parts.append("")
    if "rates" in report:
        parts.append(
            "## Thresholds and the trade-off\n\n"
            "Recall of violations and share of harmless rows blocked, on calibration and test rows together. "
            "*Shipped* is the choice in `model.toml`; *cross-fitted* chose thresholds on one half of these rows and "
            "counted on the other, which is the fairer guess of what they do elsewhere; the last columns show other "
            "budgets for look-alikes and ordinary prompts (times the shipped 4 % and 0.3 %).\n\n"
            + rate_table(report["rates"]) + "\n"
        )
    parts.append(LIMITS)
    (folder / "README.md").write_text("\n".join(parts), encoding="utf-8")
