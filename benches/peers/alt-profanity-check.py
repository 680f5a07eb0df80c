"""alt-profanity-check, a linear model over words: `predict`, for as many prompts in a call as the command line says."""

import sys

from profanity_check import predict

from serve import packages, serve

BATCH = int(sys.argv[2])


def flagged(prompts):
    """Counts the prompts it calls profane."""
    return sum(int(predict(prompts[at : at + BATCH]).sum()) for at in range(0, len(prompts), BATCH))


serve(packages("alt-profanity-check", "scikit-learn"), flagged)
