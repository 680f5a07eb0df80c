"""Writes the model cards, `README.md` of each model folder."""

from encoders import MAX_TOKENS
from markdown import table

INTRO = {
    "screen": """\
Static embeddings of word pieces and of hashed pairs of them, with learned pooling weights and a small MLP. It costs a
few microseconds and answers one question: is this prompt so clearly harmless, or so clearly a violation, that `main`
need not be asked? It does not understand word order beyond two neighbours. Do not block on it below its `high` band.""",
    "main": """\
A four-layer, 384-wide transformer that scores an image-generation prompt for six categories in seventeen languages. It
decides most of what the lists, the rules and `screen` leave undecided.""",
    "expert": """\
The twelve-layer, 384-wide encoder that `main` and `screen` were distilled from, with the same vocabulary. It is asked
where `main` is unsure, and wherever a caller wants a second opinion. It is read from its folder, not compiled in;
without it `main` decides.""",
}

SOURCES = """\
| source | licence | used as |
|---|---|---|
| real prompts read and labelled against the policy: Adversarial Nibbler | CC-BY-4.0 | labels |
| the same: I2P, Six-CD, CoProV2 (SafetyDPO) | MIT | labels |
| the same: ImageReward / DiffusionDB | Apache-2.0 | labels |
| prompts written for this project, `models/training/authored` | CC0-1.0 | labels |
| captions and prompts: ImageReward, Parti, TIFA, DPG, GenEval, T2I-CompBench, VBench, DSG (Apache-2.0 and alike), COCO (CC-BY-4.0) | see left | weak negatives |
| CoProV2 pairs | MIT | weak labels by a table of odds |
| social-media text: Davidson, ToxiGen, ImplicitHate (MIT), HatemojiBuild (CC-BY-4.0), Stormfront (CC-BY-SA-3.0), EDOS (CC0) | see left | weak `hate` labels |
| ProPublica political advertisements | MIT | weak `election` labels |
| real prompts without labels: Adversarial Nibbler (CC-BY-4.0), I2P, Six-CD (MIT) | see left | distillation |
| start of the weights: multilingual-e5-small | MIT | pretrained encoder |
| English teacher: all-mpnet-base-v2, fine-tuned | Apache-2.0 | soft labels |
"""

# How these files came about, where it is not what the command would do today.
HISTORY = """\
The first three epochs of `expert` (on labels alone) and the vocabulary are of an earlier state of the data: 28,688 authored
prompts, 8,000 social-media texts, less style noise. All that came after saw the rows above. `--work` keeps stages, so that it
was several starts of the command that made these files, not one.
"""

LIMITS = """\
## Limits and known failures

- Violations said without any telling word are caught less often than plain ones; the report shows by how much.
- No native speaker has read the authored rows of the sixteen other languages; Hindi, Vietnamese, Arabic, Turkish,
  Ukrainian and Indonesian are least sure. Languages beyond the seventeen are not covered.
- Gore in real prompts is caught least: graphic and PG-13 horror lie close together.
- `deception` and `illegal` have few real examples; their numbers come mostly from rows written for this project and
  will be lower on real traffic.
- `borderline` rows are those on which two careful people may differ; the policy says how to settle them, the model
  settles them worse.
- Minors, private information, and what a negative prompt takes away are not this model's business: rules decide them.
- Text is expected as the generator would read it: positive side, markup removed, letters not obfuscated.
- int8 results may differ slightly between processors; compare with a tolerance.
"""


def write(folder, name, cascade, facts, languages):
    """Writes the card of one model; `facts` is its row of times, `languages` the rows of the table of languages."""
    _, size, *times = facts
    training = cascade.manifests[name]["training"]
    parts = [
        f"# {name}\n", INTRO[name],
        f"\nOne window of at most {MAX_TOKENS} tokens in, six calibrated scores out; a longer prompt is scored window by window and "
        "keeps the highest score per category.\n",
        "Intended use: deciding allow or block for prompts of an image generator under the policy of this repository, "
        "together with its rules and word lists. Not for judging people, chat, or images.\n",
        f"File: {size}, int8. One window on one thread: 16, 32 and 64 tokens in {', '.join(times)} (median, 2-core server CPU).\n",
        "## Trained on\n", SOURCES,
        f"Rows, train/calibration/test: {training['data']}. Command: `{training['command']}`, seed {training['seed']}.\n",
        HISTORY,
        "## Quality\n",
        "[The report](../REPORT.md) has it all: held-back rows by category and kind, public sets beside published numbers, calibration, "
        "robustness, groups of people. By language, authored test rows, the cascade at the shipped thresholds, without lists and rules:\n",
        table(("language", "rows", "recall", "of implicit ones", "harmless blocked", "AUROC"), languages), "",
        LIMITS,
    ]
    (folder / "README.md").write_text("\n".join(parts), encoding="utf-8")
