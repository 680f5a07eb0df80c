"""Writes a trained model as the ONNX file that ships, and scores texts with such a file.

The graph takes `input_ids` `[1, tokens]`, int64, and gives `scores` `[1, labels]`,
float32: one window, no padding, sigmoid and calibration inside; a model with one logit
more than labels also gives `foreign` `[1]`, how likely the text is in a language that
it reads badly. Dynamic int8 is not batch-invariant, hence batch 1 everywhere, here as
in production.
"""

import os
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from data import LABELS
from students import Screen

OPSET = 17


class Exported(nn.Module):
    """One window in, calibrated scores out."""

    def __init__(self, model, scale, bias):
        super().__init__()
        self.model = model
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        self.register_buffer("bias", torch.tensor(bias, dtype=torch.float32))

    def forward(self, input_ids):
        """Maps ids `[1, tokens]` to scores `[1, labels]`, and to the likelihood `[1]` of a foreign text if the model gives it."""
        logits = self.model(input_ids)
        labels = len(self.scale)
        scores = torch.sigmoid(logits[:, :labels] * self.scale + self.bias)
        return scores if logits.shape[1] == labels else (scores, torch.sigmoid(logits[:, labels]))


def write_onnx(model, path, calibration=None, quantize=False):
    """Writes `model` to `path`; `quantize` stores MatMul and Gather weights as int8, per channel."""
    scale, bias = calibration if calibration is not None else (np.ones(len(LABELS)), np.zeros(len(LABELS)))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = Path(folder) / "plain.onnx" if quantize else path
        torch.onnx.export(
            Exported(model, scale, bias).eval(), (torch.tensor([[0, 2019, 4962, 2006, 1037, 3509, 2]]),),
            str(plain), input_names=["input_ids"],
            output_names=["scores", "foreign"] if isinstance(model, Screen) else ["scores"],
            dynamic_axes={"input_ids": {1: "tokens"}}, opset_version=OPSET, dynamo=False,
        )
        if quantize:
            quantize_dynamic(plain, path, per_channel=True, weight_type=QuantType.QInt8,
                             op_types_to_quantize=["MatMul", "Gather"])


class Scorer:
    """An ONNX model on one thread, one window at a time."""

    def __init__(self, path, reader):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.reader = reader

    def window(self, ids):
        """Returns the scores of one window of ids, and how likely it is foreign if the model says so."""
        return np.concatenate([part.ravel() for part in self.session.run(None, {"input_ids": np.array([ids], dtype=np.int64)})])

    def score(self, texts):
        """Returns scores `[texts, labels]`: per label the maximum over a text's windows."""
        return self.classify(texts)[0]

    def classify(self, texts):
        """Returns scores `[texts, labels]` and how likely each text is foreign `[texts]`, both the maximum over a text's windows."""
        def highest(windows):
            return np.max([self.window(ids) for ids in windows], axis=0)

        # A session may run on several threads at once; each window is still alone.
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            many = list(threads.map(highest, self.reader.read(texts)))
        labels = len(LABELS)
        return np.array([each[:labels] for each in many]), np.array([each[labels:].max(initial=0) for each in many])

    def latency_us(self, tokens, repeats=400):
        """Returns the median time of one window of `tokens` ids, in microseconds."""
        ids = np.random.default_rng(0).integers(1000, 20000, (1, tokens))
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            self.session.run(None, {"input_ids": ids})
            times.append(time.perf_counter() - began)
        return float(np.median(times) * 1e6)
