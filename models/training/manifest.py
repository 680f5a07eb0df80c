"""Writes `model.toml`, what a model folder says about itself and the Rust side reads."""

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
    "海辺の灯台、夕暮れ",
)


def sha256(path):
    """Returns the hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def toml_table(values):
    """Returns an inline table of one number per label."""
    return "{ " + ", ".join(f"{label} = {value:.4g}" for label, value in zip(LABELS, values, strict=True)) + " }"


def write_manifest(folder, name, frame, *, seed, date, command, rows, thresholds, scorer, bands=None, foreign=None):
    """Writes the file; `bands` are low, high and a dictionary that is not written."""
    lines = [
        "# Written by models/training/train.py; do not edit by hand.",
        "schema = 1",
        f'name = "{name}"',
        f"labels = {json.dumps(list(LABELS))}",
        f"frame = {json.dumps(list(frame))}  # the tokens around every window",
        f"max_tokens = {MAX_TOKENS}  # longest window, the frame included",
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
    ]
    if thresholds is not None:
        lines += [
            "# High recall on held-back rows that keeps blocks of ordinary prompts <= 0.3 % and of look-alikes <= 4 % (int8, one",
            f"# window at a time), for {'the cascade that ends here' if name == 'expert' else 'this model alone'}.",
            "[thresholds]",
            *(f"{label} = {value:.4g}" for label, value in zip(LABELS, thresholds, strict=True)),
            "",
        ]
    if bands:
        low, high, _ = bands
        lines += [
            "# Below `low` on every label: harmless, the next model is not asked. At or above `high` on a label: a violation.",
            "[band]",
            f"low = {toml_table(low)}",
            f"high = {toml_table(high)}",
            *([f"foreign = {foreign:.4g}  # from this likelihood on that a text is not English: the next model is asked"] if foreign else []),
            "",
        ]
    lines += ["# Scores of the shipped file, in label order; compare with a tolerance, processors differ."]
    for text, scores in zip(GOLDEN, scorer.score(GOLDEN), strict=True):
        numbers = ", ".join(f"{score:.5f}" for score in scores)
        lines += ["[[golden]]", f"text = {json.dumps(text, ensure_ascii=False)}", f"scores = [{numbers}]", ""]
    (folder / "model.toml").write_text("\n".join(lines), encoding="utf-8")
