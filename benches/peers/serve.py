"""The protocol of a peer, which `scripts/bench-peers.py` speaks with it.

A peer loads, judges the first prompt and says so in a line of JSON. Then it answers each line `run N` of standard input by judging
the first N prompts, on one thread, and a line of JSON: `judged`, `seconds`, and how many prompts it `flagged`.
"""

import json
import sys
import time
from importlib.metadata import version


def prompts():
    """Returns the prompts of the file that the command line names first, one a line."""
    with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
        return file.read().removesuffix("\n").split("\n")


def answer(**fields):
    """Writes one line of the protocol."""
    print(json.dumps(fields), flush=True)


def packages(*names):
    """Returns names with versions, and Python's."""
    return ", ".join([*(f"{name} {version(name)}" for name in names), f"Python {sys.version.split()[0]}"])


def serve(versions, flagged):
    """Speaks the protocol; `flagged` counts the prompts of a list that are flagged, or gives None if that means nothing."""
    texts = prompts()
    try:
        flagged(texts[:1])
        answer(versions=versions)
        for line in sys.stdin:
            # Beyond the last prompt the first one follows.
            passes, rest = divmod(int(line.split()[1]), len(texts))
            some = texts[:rest]
            began = time.perf_counter()
            counts = [flagged(texts) for _ in range(passes)] + ([flagged(some)] if some else [])
            seconds = time.perf_counter() - began
            answer(judged=passes * len(texts) + rest, seconds=seconds, flagged=None if None in counts else sum(counts))
    except Exception as error:  # its message may quote a prompt
        sys.exit(f"{type(error).__name__} while judging")
