"""One training loop and one prediction loop for the teacher and both students."""

import math
import random
import time

import numpy as np
import torch
from torch.nn import functional as F

from encoders import row_logits, tokenize
from prompts import restyle


def batches(rows_of_windows, size, rng, chunk=50):
    """Yields lists of row indices: shuffled, then sorted by length within chunks of batches."""
    order = list(range(len(rows_of_windows)))
    rng.shuffle(order)
    grouped = []
    for start in range(0, len(order), size * chunk):
        part = sorted(order[start : start + size * chunk], key=lambda i: sum(map(len, rows_of_windows[i])))
        grouped += [part[at : at + size] for at in range(0, len(part), size)]
    rng.shuffle(grouped)
    return grouped


def loss_of(logits, target, weight):
    """Returns the weighted mean cross-entropy; `weight` is `[rows, labels]`, 0 where unknown."""
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * weight).sum() / weight.amax(1).sum().clamp_min(1.0)


def optimizer_for(model, rate, head_rate):
    """Returns AdamW with a faster rate for parameters that start fresh."""
    fresh = [p for name, p in model.named_parameters() if name.startswith("head")]
    rest = [p for name, p in model.named_parameters() if not name.startswith("head")]
    return torch.optim.AdamW([{"params": rest, "lr": rate}, {"params": fresh, "lr": head_rate}], weight_decay=0.01)


def fit(model, tokenizer, epochs, fillers, *, batch, rate, head_rate, seed, checkpoint, log=print):
    """Trains `model` on a list of epochs, each `(texts, target, weight)`; returns it in eval mode.

    After each epoch the state goes to `checkpoint`, from which an interrupted run
    goes on. The rate warms up over 5 % of the steps and falls linearly to zero.
    """
    rng = random.Random(seed)
    torch.manual_seed(seed)
    optimizer = optimizer_for(model, rate, head_rate)
    steps = sum(math.ceil(len(texts) / batch) for texts, _, _ in epochs)
    warmup = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, max(0.0, (steps - step) / (steps - warmup + 1)))
    )
    done = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        done = state["epochs"]
    for number, (texts, target, weight) in enumerate(epochs[done:], start=done + 1):
        model.train()
        windows = tokenize(tokenizer, (restyle(text, rng, fillers) for text in texts))
        began, total = time.time(), 0.0
        for step, rows in enumerate(batches(windows, batch, rng), start=1):
            with torch.autocast("cpu", torch.bfloat16):
                logits = row_logits(model, [windows[row] for row in rows])
            loss = loss_of(logits, target[rows], weight[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
            if step % 100 == 0:
                rate_now = step * batch / (time.time() - began)
                log(f"epoch {number}/{len(epochs)} step {step} loss {total / step:.4f} {rate_now:.0f} rows/s")
        log(f"epoch {number}/{len(epochs)} done, loss {total / step:.4f}, {time.time() - began:.0f} s")
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                 "schedule": schedule.state_dict(), "epochs": number}
        torch.save(state, checkpoint)
    return model.eval()


@torch.inference_mode()
def predict(model, tokenizer, texts, batch=64):
    """Returns logits `[texts, labels]` of a torch model."""
    windows = tokenize(tokenizer, texts)
    order = sorted(range(len(windows)), key=lambda row: sum(map(len, windows[row])))
    out = None
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        with torch.autocast("cpu", torch.bfloat16):
            logits = row_logits(model, [windows[row] for row in rows]).numpy()
        if out is None:
            out = np.zeros((len(windows), logits.shape[1]), dtype=np.float32)
        out[rows] = logits
    return out
