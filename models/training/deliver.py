"""From trained torch models to the folders that ship: export, calibrate, choose bands and thresholds, write."""

import random
import re
from pathlib import Path

import numpy as np

import evaluate
import smoothing
from data import LABELS
from evaluate import Held
from export import Scorer, write_onnx
from manifest import write_manifest

POLICY = Path(__file__).parents[2] / "src/policy/default.toml"
MAIN_TRAFFIC = 0.23  # share of real users' prompts that screen may send on; a log has somewhat more of them
EXPERT_TRAFFIC = 0.10  # likewise main
MOST_LOSS = 0.08  # no bands lose more of what the larger model catches, whatever that costs


def int8(run, name, model):
    """Returns a function that writes a model as int8 with a calibration: `screen` freezes its own tables, the others are quantized."""
    if name == "screen":
        ready = model.frozen()
    else:
        texts = [row.text for row in run.train if row.trusted]
        ready = smoothing.smoothed(model, run.reader, random.Random(run.seed).sample(texts, min(smoothing.TEXTS, len(texts))))
    return lambda path, calibration=None: write_onnx(ready, path, calibration, quantize=name != "screen")


def calibrated_scorer(run, name, model, held):
    """Writes `model.onnx` and `tokenizer.json` to the output folder and returns their scorer.

    Scale and bias are fitted on the calibration rows' scores from an int8 file without
    them, then folded into the file that ships. A file without int8 stays in the work folder.
    """
    folder = run.out / name
    folder.mkdir(parents=True, exist_ok=True)
    plain = run.work / f"{name}.uncalibrated.onnx"
    write = int8(run, name, model)
    write(plain)
    fit = ~held.test
    scores = Scorer(plain, run.reader).score([row.text for row, chosen in zip(held.rows, fit, strict=True) if chosen])
    calibration = evaluate.fit_platt(scores, held.target[fit], held.weight[fit])
    run.log(f"{name}: calibration scale", calibration[0].round(2), "bias", calibration[1].round(2))
    write(folder / "model.onnx", calibration)
    write_onnx(model, run.work / f"{name}.fp32.onnx", calibration)
    run.reader.tokenizer.save(str(folder / "tokenizer.json"))
    return Scorer(folder / "model.onnx", run.reader)


def bands_within(held, scores, foreign, final, thresholds, loss, most):
    """Returns low and high bands with their costs: the least loss, at best `loss`, at which at most `most` of the traffic goes on."""
    def bands(loss):
        return evaluate.choose_bands(held, scores, foreign, final, thresholds, loss)

    found = bands(loss)
    if found[2]["traffic_on"] <= most:
        return found
    too_little, enough = loss, MOST_LOSS
    found = bands(enough)
    for _ in range(6):
        between = (too_little + enough) / 2
        tried = bands(between)
        if tried[2]["traffic_on"] <= most:
            found, enough = tried, between
        else:
            too_little = between
    return found


def deliver(run, models, command, date):
    """Writes the three model folders and the numbers of the default policy."""
    held = Held([row for row in run.rows if row.split != "train"])
    texts = [row.text for row in held.rows]
    scorers, scores = {}, {}
    for name, model in models.items():
        scorers[name] = calibrated_scorer(run, name, model, held)
        scores[name], foreign = scorers[name].classify(texts)
        if name == "screen":
            scores["foreign"] = foreign
        np.save(run.work / f"{name}.scores.npy", scores[name])
    choose(run, held, scorers, scores, command, date)


def choose(run, held, scorers, scores, command, date):
    """Chooses bands and thresholds, and writes the manifests and the numbers of the default policy."""
    everything = np.ones(len(held.rows), dtype=bool)
    foreign, none = scores["foreign"] >= evaluate.FOREIGN, ~everything
    thresholds = {"expert": evaluate.choose_thresholds(held, scores["expert"], everything)}
    main_bands = bands_within(held, scores["main"], none, scores["expert"], thresholds["expert"],
                              evaluate.MAIN_LOSS, EXPERT_TRAFFIC)
    to_expert = evaluate.asked(scores["main"], none, *main_bands[:2])
    cascade = np.where(to_expert[:, None], scores["expert"], scores["main"])
    thresholds = {
        "expert": evaluate.choose_thresholds(held, cascade, everything),
        "main": evaluate.choose_thresholds(held, scores["main"], everything),
    }
    screen_bands = bands_within(held, scores["screen"], foreign, cascade, thresholds["expert"],
                                evaluate.SCREEN_LOSS, MAIN_TRAFFIC)
    bands = {"screen": screen_bands, "main": main_bands}
    for name in scorers:
        write_manifest(
            run.out / name, name, run.reader.frame, seed=run.seed, date=date, command=command, rows=run.summary_text(),
            thresholds=thresholds.get(name), scorer=scorers[name], bands=bands.get(name),
            foreign=evaluate.FOREIGN if name == "screen" else None)
    if not run.quick:
        write_policy(POLICY, thresholds["expert"], bands)
    for name, rows in (("English", held.english), ("other", ~held.english & held.authored)):
        run.log(f"screen calls {foreign[rows].mean():.2%} of {rows.sum()} held-back rows foreign that are {name}")
    for name, (_, _, costs) in bands.items():
        run.log(f"{name}:", band_fact(costs))
    run.log("thresholds", dict(zip(LABELS, thresholds["expert"].tolist(), strict=True)))
    for name, (rows, share) in evaluate.rates(held, evaluate.blocked(cascade, thresholds["expert"])).items():
        run.log(f"{name}: {share:.2%} of {rows}")


def write_policy(path, thresholds, bands):
    """Sets thresholds and bands of the default policy."""
    text = path.read_text(encoding="utf-8")

    def set_number(text, table, key, value):
        pattern = rf"(\[{re.escape(table)}\]\n(?:(?!\[).*\n)*?{key} = )[0-9.]+"
        text, count = re.subn(pattern, rf"\g<1>{value:.4g}", text)
        if count != 1:
            raise SystemExit(f"{path}: [{table}] has {count} lines `{key} =`, expected 1")
        return text

    for label, value in zip(LABELS, thresholds, strict=True):
        text = set_number(text, f"category.{label}", "threshold", value)
    text = set_number(text, "cascade.screen", "foreign", evaluate.FOREIGN)
    for name, (low, high, _) in bands.items():
        for end, values in (("low", low), ("high", high)):
            for label, value in zip(LABELS, values, strict=True):
                text = set_number(text, f"cascade.{name}.{end}", label, value)
    path.write_text(text, encoding="utf-8")


def band_fact(costs):
    """Returns the sentences on what handing on saves and loses."""
    return (
        f"of {costs['caught']:.0f} held-back violations that the larger models catch, {costs['lost']:.2%} fall below `low` and "
        f"{costs['decided']:.1%} reach `high`; handed on: {costs['traffic_on']:.1%} of {costs['traffic']:.0f} real users' "
        f"prompts, {costs['plain_real_on']:.1%} of ordinary harmless real prompts, {costs['captions_on']:.1%} of captions, "
        f"{costs['lookalikes_on']:.1%} of look-alikes"
    )
