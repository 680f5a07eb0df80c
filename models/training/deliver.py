"""From trained torch models to the folders that ship: export, calibrate, choose, measure, write."""

import numpy as np

import card
import evaluate
from data import LABELS
from evaluate import Held
from export import Scorer, write_onnx

LATENCY_TOKENS = (16, 32, 64)
UNCALIBRATED = "uncalibrated.onnx"


def exported(model, name, path, calibration=None):
    """Writes the int8 file of either model: `screen` freezes its own tables, `main` is quantized."""
    if name == "screen":
        write_onnx(model.frozen(), path, calibration)
    else:
        write_onnx(model, path, calibration, quantize=True)


def calibrated_scorer(run, name, model, held):
    """Writes `model.onnx` and `tokenizer.json` to the output folder and returns their scorer.

    Scale and bias are fitted on the calibration rows' scores from an int8 file without
    them, then folded into the file that ships.
    """
    folder = run.out / name
    folder.mkdir(parents=True, exist_ok=True)
    plain = run.work / f"{name}.{UNCALIBRATED}"
    exported(model, name, plain)
    fit = ~held.test
    scores = Scorer(plain, run.tokenizer).score([row.text for row, chosen in zip(held.rows, fit) if chosen])
    calibration = evaluate.fit_platt(scores, held.target[fit], held.weight[fit])
    run.log(f"{name}: calibration scale", calibration[0].round(2), "bias", calibration[1].round(2))
    exported(model, name, folder / "model.onnx", calibration)
    run.tokenizer.save(str(folder / "tokenizer.json"))
    return Scorer(folder / "model.onnx", run.tokenizer), calibration


def fp32_scores(run, name, model, calibration, texts):
    """Returns the scores of the same calibrated graph without any int8."""
    path = run.work / f"{name}.fp32.onnx"
    write_onnx(model, path, calibration)
    return Scorer(path, run.tokenizer).score(texts)


def int8_fact(run, name, model, calibration, held, scores):
    """Returns a sentence that compares the fp32 graph with the shipped one on real test rows."""
    real = held.real & held.test
    full = fp32_scores(run, name, model, calibration, [held.rows[i].text for i in np.flatnonzero(real)])
    clear = ~held.borderline[real]
    target = held.violation[real][clear]
    before, after = (evaluate.curve(target, s[clear].max(1))[0] for s in (full, scores[real]))
    moved = np.abs(full - scores[real]).max(1)
    return (f"fp32 against int8, clear real rows: AUROC {before:.4f} and {after:.4f}; a row's largest score change is "
            f"{moved.mean():.4f} on average, {np.quantile(moved, 0.99):.3f} at the 99th percentile.")


def report_of(run, name, model, calibration, held, scores, thresholds, scorer, novel):
    """Returns the numbers that the model card shows."""
    real, authored = held.real & held.test, held.authored & held.test
    groups = {
        "Real prompts, clear (without `borderline`)": real & ~held.borderline,
        "Real prompts, all (with `borderline`)": real,
        "Authored, English (minimal pairs and look-alikes: hard on purpose)": authored & held.english,
        "Authored, sixteen other languages": authored & ~held.english,
    }
    pairs, order = evaluate.pair_order(held, scores, authored & held.english)
    foreign, foreign_order = evaluate.pair_order(held, scores, authored & ~held.english)
    unlike = real & novel & ~held.borderline
    unlike_auroc = evaluate.curve(held.violation[unlike], scores[unlike].max(1))
    return {
        "bytes": (run.out / name / "model.onnx").stat().st_size,
        "latency": {tokens: scorer.latency_us(tokens) for tokens in LATENCY_TOKENS},
        "rows": run.summary_text(),
        "tables": {title: evaluate.per_label(held, scores, thresholds, rows) for title, rows in groups.items()
                   if held.violation[rows].any()},
        "facts": [
            f"Minimal pairs: the violating twin scores higher in {order:.1%} of {pairs} English pairs and "
            f"{foreign_order:.1%} of {foreign} pairs in other languages.",
            f"Clear real prompts that share fewer than 60 % of their words with any training row ({unlike.sum()}): "
            f"AUROC {unlike_auroc[0]:.3f} for `any`." if unlike_auroc else "Too few rows for a novelty check.",
            int8_fact(run, name, model, calibration, held, scores),
        ],
    }


def deliver(run, models, command, date):
    """Writes both model folders and logs their numbers."""
    held = Held([row for row in run.rows if row.split != "train"])
    texts = [row.text for row in held.rows]
    novel = evaluate.novel(held, [row.text for row in run.train if row.trusted], held.real & held.test)
    everything = np.ones(len(texts), dtype=bool)
    scorers, calibrations, scores, thresholds = {}, {}, {}, {}
    for name, model in models.items():
        scorers[name], calibrations[name] = calibrated_scorer(run, name, model, held)
        scores[name] = scorers[name].score(texts)
        np.save(run.work / f"{name}.scores.npy", scores[name])
        thresholds[name] = evaluate.choose_thresholds(held, scores[name], everything)
    traffic = [row.text for row in run.rows if row.source == "t2i_unlabelled"]
    low, high, costs = evaluate.choose_bands(
        held, scores["screen"], scores["main"], thresholds["main"], scorers["screen"].score(traffic), everything)
    for name, model in models.items():
        report = report_of(run, name, model, calibrations[name], held, scores[name], thresholds[name],
                           scorers[name], novel)
        if name == "main":
            report["rates"] = operating_points(held, scores[name], thresholds[name])
        else:
            report["facts"].append(band_fact(costs))
        card.write_manifest(
            run.out / name, name, seed=run.seed, date=date, command=command, rows=run.summary_text(),
            thresholds=thresholds[name], scorer=scorers[name], bands=(low, high) if name == "screen" else None,
            thresholds_note="High recall on held-back rows that keeps blocks of ordinary prompts <= "
            f"{evaluate.ORDINARY_BUDGET:.1%} and of look-alikes <= {evaluate.LOOKALIKE_BUDGET:.0%} (int8, batch 1).")
        card.write_card(run.out / name, name, report)
        run.log(f"{name}: thresholds", dict(zip(LABELS, thresholds[name].tolist())))
        run.log((run.out / name / "README.md").read_text())


def operating_points(held, scores, shipped):
    """Returns the rates at the shipped thresholds, cross-fitted, and at other budgets."""
    everything = np.ones(len(scores), dtype=bool)
    points = {"shipped": evaluate.rates(held, evaluate.blocked(scores, shipped)),
              "cross-fitted": evaluate.cross_fitted(held, scores)}
    for factor in (0.25, 0.5, 2, 4):
        chosen = evaluate.choose_thresholds(held, scores, everything, factor)
        points[f"budgets x {factor}"] = evaluate.rates(held, evaluate.blocked(scores, chosen))
    return points


def band_fact(costs):
    """Returns the sentences on what the cascade saves and loses."""
    return (
        f"Bands: of {costs['caught']:.0f} held-back violations that `main` catches, {costs['lost']:.2%} fall below `low` "
        f"and {costs['decided']:.1%} reach `high`. Asked of `main`: {costs['traffic_on']:.1%} of {costs['traffic']:.0f} "
        f"unlabelled real prompts (a set rich in violations), {costs['plain_real_on']:.1%} of ordinary harmless real "
        f"prompts, {costs['captions_on']:.1%} of captions, {costs['lookalikes_on']:.1%} of look-alikes."
    )
