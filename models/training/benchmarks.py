"""Public test sets of others: never trained on, never tuned on, read only to keep them apart and to report.

    EVAL/openai_moderation/samples.jsonl.gz   prompt, S, H, V, ... (a missing key is unknown)
    EVAL/hatecheck/test_suite_cases.csv       functionality, test_case, label_gold
    EVAL/hatecheck/peer_predictions.csv       case_id, label_gold, pred_*
    EVAL/multilingual_hatecheck/*.csv.gz      functionality, test_case, label_gold
    EVAL/hatemojicheck/test.csv               text, label_gold
    EVAL/xstest/xstest_prompts.csv            prompt, label
    EVAL/overt/OVERT_*.csv.gz                 image_prompt, or benign_image_prompt and unsafe_image_prompt; category
    EVAL/copro/CoPro_balanced_10k.csv.gz      unsafe_prompt, safe_prompt, category
    EVAL/catqa/catqa_*.csv                    category, question
    EVAL/coco_captions.txt                    one caption a line
"""

import csv
import gzip
import json


def read_csv(path):
    """Yields the rows of a CSV file, gzipped or not, as dictionaries."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def openai_moderation(folder):
    """Yields the rows of OpenAI's moderation set."""
    with gzip.open(folder / "openai_moderation/samples.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


TEXT_FIELDS = ("text", "prompt", "test_case", "question", "image_prompt", "benign_image_prompt", "unsafe_image_prompt",
               "unsafe_prompt", "safe_prompt")


def texts(folder):
    """Yields `(set, text)` for every text of every test set in the folder; nothing if there is none."""
    if not folder.is_dir():
        return
    for row in openai_moderation(folder):
        yield "openai_moderation", row["prompt"]
    for path in sorted(folder.rglob("*.csv*")):
        for row in read_csv(path):
            for field in TEXT_FIELDS:
                if row.get(field):
                    yield path.parent.name, row[field]
    for caption in (folder / "coco_captions.txt").read_text(encoding="utf-8").splitlines():
        yield "coco_captions", caption
