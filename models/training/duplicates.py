"""Near-duplicates by MinHash: texts that share most of their short runs of letters."""

import numpy as np
from datasketch import MinHash, MinHashLSH

from prompts import normal_key

RUN = 5  # letters of a run; in scripts that write a word with one or two signs, runs are shorter
SHORT_RUN = 2
PERMUTATIONS = 64
ALIKE = 0.7  # estimated share of common runs from which two texts count as nearly the same


def runs(text):
    """Returns the runs of letters of a text, as bytes."""
    key = normal_key(text)
    size = SHORT_RUN if sum(ord(letter) > 0x2E80 for letter in key) > len(key) / 2 else RUN
    return [key[start : start + size].encode() for start in range(max(1, len(key) - size + 1))]


def hashes(texts):
    """Returns a `MinHash` per text."""
    return MinHash.bulk([runs(text) for text in texts], num_perm=PERMUTATIONS, seed=1)


def nearly_among(texts, others):
    """Returns for each text whether it nearly repeats one of `others`."""
    index = MinHashLSH(threshold=ALIKE, num_perm=PERMUTATIONS)
    for number, one in enumerate(hashes(others)):
        index.insert(number, one)
    return np.array([bool(index.query(one)) for one in hashes(texts)])


def repeats_within(texts, groups):
    """Returns for each text the number of an earlier one of another group that it nearly repeats, or None."""
    index, found = MinHashLSH(threshold=ALIKE, num_perm=PERMUTATIONS), []
    for number, one in enumerate(hashes(texts)):
        alike = [earlier for earlier in index.query(one) if groups[earlier] != groups[number]]
        found.append(min(alike, default=None))
        index.insert(number, one)
    return found
