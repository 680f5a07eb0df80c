"""Vectorscan over the English terms of this project: literals without case, views, endings, word boundaries or exceptions.

`block` takes the terms that block, `all` those of every English list. A prompt is flagged if a blocking term occurs in it.
"""

import csv
import itertools
import re
import sys
from pathlib import Path

import hyperscan

from serve import packages, serve

FOLDER, WHICH = Path(sys.argv[2]), sys.argv[3]


def literals(term):
    """Returns the strings that a term stands for: stars dropped, braces spelt out."""
    pieces = re.split(r"\{([^}]*)\}", term.replace("*", ""))
    choices = (piece.split("|") if place % 2 else [piece] for place, piece in enumerate(pieces))
    return (" ".join("".join(choice).split()) for choice in itertools.product(*choices))


def terms(path):
    """Returns the kind of a list and the terms in it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    kind = next(line.split(":")[1].strip() for line in lines if line.startswith("# kind:"))
    rows = csv.DictReader(line for line in lines if not line.startswith("# "))
    return kind, [literal for row in rows for literal in literals(row["term"])]


lists = [terms(path) for path in FOLDER.glob("*/*-en.csv")]
blocking = {term for kind, some in lists if kind == "block" for term in some}
others = {term for _, some in lists for term in some} - blocking if WHICH == "all" else set()
literal = [term.encode() for term in [*sorted(blocking), *sorted(others)]]

database = hyperscan.Database()
database.compile(
    expressions=literal, ids=list(range(len(literal))), literal=True,
    flags=[hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH] * len(literal),
)


def flagged(prompts):
    """Counts the prompts with a blocking term; every term of a prompt is looked for, the first does not end the search."""
    count, hit = 0, False

    def found(term, _start, _end, _flags, _context):
        nonlocal hit
        hit |= term < len(blocking)

    for prompt in prompts:
        hit = False
        database.scan(prompt.encode(), match_event_handler=found)
        count += hit
    return count


engine = re.search(rb"Version: (\S+)", database.info()).group(1).decode()
serve(f"{packages('hyperscan')}, Vectorscan {engine}, {len(literal):,} literals", flagged)
