"""Checks the authored prompts: `python check_authored.py`. Exit status 1 if a row is wrong or nearly repeats another."""

import collections
import json
import sys
from pathlib import Path

import duplicates

FOLDER = Path(__file__).parent / "authored"
LABELS = {"adult", "gore", "hate", "election", "deception", "illegal", "private_info"}
SEVERITIES = {"low", "medium", "high", "critical"}


def fault(row):
    """Returns what is wrong with a row, or None."""
    if set(row) - {"id", "prompt", "labels", "severity", "hard", "lang", "pair"}:
        return f"fields {sorted(row)}, expected those of README.md"
    if not row["prompt"].strip():
        return "no prompt, expected some text"
    if set(row["labels"]) - LABELS:
        return f"labels {row['labels']}, expected some of {sorted(LABELS)}"
    if bool(row["labels"]) != (row["severity"] in SEVERITIES):
        return f"severity {row['severity']}, expected one if and only if there are labels"
    return None


def main():
    """Reads all files and reports."""
    rows, places, faults = [], [], 0

    def report(place, message):
        nonlocal faults
        faults += 1
        print(f"{place}: {message}")

    for path in sorted(FOLDER.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            row = json.loads(line)
            rows.append(row)
            places.append(f"{path.name}:{number}")
            if found := fault(row):
                report(places[-1], found)
    for name, count in collections.Counter(row["id"] for row in rows).items():
        if count > 1:
            report(name, f"{count} rows have this id, expected 1")
    pairs = collections.defaultdict(list)
    for row in rows:
        if "pair" in row:
            pairs[row["pair"]].append(bool(row["labels"]))
    for name, twins in pairs.items():
        if sorted(twins) != [False, True]:
            report(name, f"{len(twins)} rows in this pair, expected a violating and an allowed one")
    groups = [row.get("pair", row["id"]) for row in rows]
    for place, earlier in zip(places, duplicates.repeats_within([row["prompt"] for row in rows], groups), strict=True):
        if earlier is not None:
            report(place, f"nearly repeats {places[earlier]}")
    print(f"{len(rows)} rows, {len(pairs)} pairs, {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
