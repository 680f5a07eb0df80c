"""One training loop and one prediction loop for the teachers and the students."""

import dataclasses
import math
import random
import time

import numpy as np
import torch
from torch.nn import functional as F

from encoders import highest_per_row
from prompts import restyle


@dataclasses.dataclass
class Epoch:
    """What one epoch shows: texts, targets and weights `[rows, labels]` (0 where unknown), perhaps hidden states to copy."""

    texts: list
    target: torch.Tensor
    weight: torch.Tensor
    hidden: torch.Tensor | None = None


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
    """Returns the weighted mean cross-entropy."""
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * weight).sum() / weight.amax(1).sum().clamp_min(1.0)


def hidden_loss(states, wanted, rows):
    """Returns how far the mean-pooled states of the chosen rows point away from the teacher's."""
    if not rows.any():
        return states.sum() * 0.0
    width = wanted.shape[1]
    return (1 - F.cosine_similarity(states[rows, :width], wanted[rows], dim=1)).mean()


def optimizer_for(model, rate, head_rate):
    """Returns AdamW with a faster rate for the head, which starts fresh."""
    fresh = [p for name, p in model.named_parameters() if name.startswith("head")]
    rest = [p for name, p in model.named_parameters() if not name.startswith("head")]
    return torch.optim.AdamW([{"params": rest, "lr": rate}, {"params": fresh, "lr": head_rate}], weight_decay=0.01)


def fit(model, reader, epochs, fillers, *, batch, rate, head_rate, seed, checkpoint, log=print):
    """Trains `model` on a list of `Epoch`s and returns it in eval mode.

    After each epoch the state goes to `checkpoint`, from which an interrupted run
    goes on. The rate warms up over 5 % of the steps and falls linearly to zero.
    """
    rng = random.Random(seed)
    torch.manual_seed(seed)
    optimizer = optimizer_for(model, rate, head_rate)
    steps = sum(math.ceil(len(epoch.texts) / batch) for epoch in epochs)
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
    for number, epoch in enumerate(epochs[done:], start=done + 1):
        model.train()
        styled = [restyle(text, rng, fillers) for text in epoch.texts]
        plain = torch.tensor([one is other for one, other in zip(styled, epoch.texts, strict=True)])
        windows = reader.read(styled)
        began, total = time.time(), 0.0
        for step, rows in enumerate(batches(windows, batch, rng), start=1):
            ids, mask, owner = reader.collate([windows[row] for row in rows])
            with torch.autocast("cpu", torch.bfloat16):
                if epoch.hidden is None:
                    logits = model(ids, mask)
                else:
                    pooled = model.pooled(ids, mask)
                    logits = model.logits(pooled)
            loss = loss_of(highest_per_row(logits.float(), owner, len(rows)), epoch.target[rows], epoch.weight[rows])
            if epoch.hidden is not None and len(owner) == len(rows):
                # Style noise moves the states, so only rows shown as they stand copy the teacher's.
                loss = loss + hidden_loss(pooled.float(), epoch.hidden[rows].float(), plain[rows])
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
def predict(model, reader, texts, batch=64, hidden=False):
    """Returns logits `[texts, labels]` of a torch model, and with `hidden` the mean-pooled states of first windows too."""
    windows = reader.read(texts)
    order = sorted(range(len(windows)), key=lambda row: sum(map(len, windows[row])))
    logits, states = None, None
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        ids, mask, owner = reader.collate([windows[row] for row in rows])
        with torch.autocast("cpu", torch.bfloat16):
            pooled = model.pooled(ids, mask) if hidden else None
            each = model.logits(pooled) if hidden else model(ids, mask)
        highest = highest_per_row(each.float(), owner, len(rows)).numpy()
        if logits is None:
            logits = np.zeros((len(windows), highest.shape[1]), dtype=np.float32)
        logits[rows] = highest
        if hidden:
            firsts = [int((owner == row).nonzero()[0]) for row in range(len(rows))]
            width = pooled.shape[1] // 2
            if states is None:
                states = np.zeros((len(windows), width), dtype=np.float16)
            states[rows] = pooled[firsts, :width].float().numpy()
    return (logits, states) if hidden else logits
