"""Calibration, thresholds, cascade bands and the numbers on held-back rows.

All of it reads the scores of the shipped ONNX files, one window at a time.
"""

import hashlib

import numpy as np
from scipy.optimize import minimize
from sklearn.metrics import average_precision_score, roc_auc_score

from data import LABELS, REAL_USERS

ORDINARY_BUDGET = 0.003  # share of ordinary harmless prompts that may be blocked
LOOKALIKE_BUDGET = 0.04  # likewise for harmless look-alikes of violations
# No threshold is lower than the first: what is that unlikely is nobody's reason to block.
GRID = np.concatenate([np.linspace(0.2, 0.9, 29), [0.93, 0.95, 0.97, 0.98, 0.99, 1.01]])
LONGEST_STEP = 12  # grid steps that a threshold may fall at once, past a flat stretch
FOREIGN = 0.5  # from this likelihood on that a text is not English, screen does not decide
SCREEN_LOSS = 0.005  # share of what the larger models catch that screen may wave through
MAIN_LOSS = 0.005  # likewise main


def fit_platt(scores, target, weight):
    """Returns scale and bias per label that calibrate uncalibrated `scores`.

    A weak prior of scale 1 and bias 0, worth about one row, steadies rare labels.
    """
    clipped = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    logits = np.log(clipped / (1 - clipped))

    def fit_one(column):
        def cost(parameters):
            scale, bias = np.exp(parameters[0]), parameters[1]
            z = logits[:, column] * scale + bias
            loss = np.logaddexp(0, z) - target[:, column] * z
            return (loss * weight).sum() + parameters[0] ** 2 + 0.1 * bias**2

        found = minimize(cost, np.zeros(2), method="Nelder-Mead").x
        return np.exp(found[0]), found[1]

    fitted = [fit_one(column) for column in range(len(LABELS))]
    return np.array([scale for scale, _ in fitted]), np.array([bias for _, bias in fitted])


class Held:
    """Held-back rows as arrays, with the groups that the report speaks of."""

    def __init__(self, rows):
        self.rows = rows
        self.target = np.array([row.target for row in rows]) > 0.5
        self.violation = self.target.any(1)
        self.test = np.array([row.split == "test" for row in rows])
        trusted = np.array([row.trusted for row in rows])
        source = np.array([row.source for row in rows])
        self.borderline = np.array([row.borderline for row in rows])
        self.english = np.array([row.lang == "en" for row in rows])
        self.real = source == "real_labelled"
        self.authored = trusted & ~self.real
        # Allowed twins of minimal pairs are as near to a violation as can be written: the order of pairs tells about them. On
        # borderline rows careful people differ. Budgets are for look-alikes that people type and agree about.
        paired = np.array([bool(row.pair) for row in rows])
        self.twin = paired & ~self.violation
        self.lookalike = np.array([row.lookalike for row in rows]) & ~self.violation & ~paired & ~self.borderline
        self.captions = ~trusted & (source != f"benign_{REAL_USERS}")
        self.unreviewed = source == f"benign_{REAL_USERS}"
        self.plain_real = self.real & ~self.violation & ~self.borderline & ~self.lookalike
        self.ordinary = self.captions | self.plain_real
        self.half = np.array([hashlib.sha256(row.group.encode()).digest()[0] % 2 == 1 for row in rows])
        self.weight = np.array([row.weight if row.trusted else 0.25 for row in rows])


def blocked(scores, thresholds):
    """Returns which rows reach any label's threshold."""
    return (scores >= np.asarray(thresholds)).any(1)


def recall_and_costs(held, hit, within):
    """Returns weighted recall, and the block rates of ordinary prompts and of look-alikes of `hit` among rows `within`.

    That of look-alikes is the higher one of English and of other languages: neither pays for the other.
    """
    positive = within & held.violation
    weight = np.where(held.borderline, 0.5, 1.0)
    recall = (hit & positive) @ weight / ((positive @ weight) or 1)
    lookalikes = [within & held.lookalike & language for language in (held.english, ~held.english)]
    return recall, hit[within & held.ordinary].mean(), max(hit[rows].mean() for rows in lookalikes if rows.any())


def choose_thresholds(held, scores, within):
    """Returns thresholds with high recall that keep both budgets.

    Greedy: from blocking nothing, lower the one threshold (by any number of grid steps)
    that buys the most recall per share of the budgets, until no step fits any more.
    """
    hits = np.array([[scores[:, column] >= value for value in GRID] for column in range(len(LABELS))])

    def outcome(steps):
        hit = hits[np.arange(len(LABELS)), steps].any(0)
        recall, ordinary, lookalike = recall_and_costs(held, hit, within)
        return recall, max(ordinary / ORDINARY_BUDGET, lookalike / LOOKALIKE_BUDGET), (
            ordinary / ORDINARY_BUDGET + lookalike / LOOKALIKE_BUDGET)

    steps = np.full(len(LABELS), len(GRID) - 1)
    while True:
        recall, _, spent = outcome(steps)
        best, best_ratio = None, 0.0
        for column, step in np.ndindex(len(LABELS), LONGEST_STEP):
            lowered = steps - (np.arange(len(LABELS)) == column) * (step + 1)
            if lowered[column] < 0:
                continue
            new_recall, fullest, new_spent = outcome(lowered)
            ratio = (new_recall - recall) / (new_spent - spent + 1e-5)
            if fullest <= 1 and ratio > best_ratio:
                best, best_ratio = lowered, ratio
        if best is None:
            return np.minimum(GRID[steps], 0.999).round(3)
        steps = best


def cross_fitted(held, scores):
    """Returns recall and block rates when thresholds come from the other half of the rows."""
    hit = np.zeros(len(scores), dtype=bool)
    for half in (held.half, ~held.half):
        hit[half] = blocked(scores, choose_thresholds(held, scores, ~half))[half]
    return rates(held, hit)


def rates(held, hit, within=None):
    """Returns the recall of each group of violations and the block rate of each harmless group."""
    within = np.ones(len(hit), dtype=bool) if within is None else within
    groups = {
        "recall_real_clear": held.real & held.violation & ~held.borderline,
        "recall_real_borderline": held.real & held.violation & held.borderline,
        "recall_authored_english": held.authored & held.violation & held.english,
        "recall_authored_other": held.authored & held.violation & ~held.english,
        "blocked_captions": held.captions,
        "blocked_plain_real": held.plain_real,
        "blocked_unreviewed_real": held.unreviewed,
        "blocked_lookalikes": held.lookalike,
        "blocked_lookalikes_real": held.lookalike & held.real,
        "blocked_lookalikes_authored": held.lookalike & held.authored,
        "blocked_twins_of_pairs": held.twin,
    }
    return {name: (int((rows & within).sum()), float(hit[rows & within].mean())) for name, rows in groups.items()}


def curve(target, score):
    """Returns AUROC and average precision, or None where one class is missing."""
    if target.all() or not target.any():
        return None
    return float(roc_auc_score(target, score)), float(average_precision_score(target, score))


def pair_order(held, scores, within):
    """Returns how many minimal pairs there are and how often the violating twin scores higher."""
    twins = {}
    for index in np.flatnonzero(within):
        if held.rows[index].pair:
            twins.setdefault(held.rows[index].pair, {})[bool(held.violation[index])] = scores[index].max()
    whole = [twin for twin in twins.values() if len(twin) == 2]
    return len(whole), float(np.mean([twin[True] > twin[False] for twin in whole])) if whole else 0.0


def choose_bands(held, scores, foreign, final, thresholds, loss):
    """Returns the low and high bands of a model and what they cost, `final` being the scores if all went on.

    Texts that are `foreign` to the model always go on. `low` is as high as it may be while at most `loss` of the
    violations that the larger model catches fall below it; it starts equal for all labels and is then raised label by
    label where that sends fewer of the prompts on that stand for traffic: real users' ones that nobody has read.
    `high` is just above every score of a harmless held-back row that the larger model lets pass, so that the smaller
    one adds no false block of its own.
    """
    wanted = held.violation & blocked(final, thresholds)
    caught = scores[wanted & ~foreign]
    traffic = scores[held.unreviewed & ~foreign]
    grid = np.geomspace(0.001, 0.5, 60)

    def passed(low):
        return 1 - blocked(traffic, low).mean()

    def lost(low):
        return (~blocked(caught, low)).sum() / wanted.sum()

    fitting = [value for value in grid if lost(np.full(len(LABELS), value)) <= loss]
    low = np.full(len(LABELS), max(fitting, default=grid[0]))
    for _ in range(2):
        for column in range(len(LABELS)):
            def at(value):
                return np.where(np.arange(len(LABELS)) == column, value, low)

            low = at(max((value for value in grid if lost(at(value)) <= loss),
                         key=lambda value: passed(at(value)), default=low[column]))
    harmless = scores[~foreign & ~held.violation & ~held.borderline & ~blocked(final, thresholds)]
    high = np.minimum(np.maximum(harmless.max(0) + 0.01, 0.5), 0.999)
    low, high = low.round(4), high.round(4)
    on = asked(scores, foreign, low, high)
    costs = {
        "lost": lost(low), "caught": wanted.sum(), "decided": blocked(caught, high).sum() / wanted.sum(),
        "traffic": held.unreviewed.sum(), "traffic_on": on[held.unreviewed].mean(),
        "captions_on": on[held.captions].mean(), "plain_real_on": on[held.plain_real].mean(),
        "lookalikes_on": on[held.lookalike].mean(),
    }
    return low, high, {name: float(value) for name, value in costs.items()}


def asked(scores, foreign, low, high):
    """Returns which rows a model leaves to the next one."""
    return foreign | (blocked(scores, low) & ~blocked(scores, high))


def calibration_error(target, score, bins=15):
    """Returns the expected calibration error: the mean distance of score and frequency over bins of equal size."""
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(len(part) * abs(score[part].mean() - target[part].mean()) for part in parts) / len(score))
