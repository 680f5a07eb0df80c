"""Prompt text as the models see it: markup removed, and style noise for training.

At run time the models get the positive side of a prompt with its markup already
taken away. `clean` does nearly the same to training texts with a few regular
expressions; it need not be exact, only close enough that the models never learn
from parameters. `restyle` adds and removes style noise that must not move a score.
"""

import random
import re
import unicodedata

NEGATIVE_FIELD = re.compile(r"(?is)\bnegative prompt:.*$")
NO_PARAMETER = re.compile(r"\s--no\b(?:(?!\s--).)*")
PARAMETER = re.compile(r"\s--[a-zA-Z]+(?:\s+[\w.:/%-]+)?")
NEGATIVE_TERM = re.compile(r"(?:^|(?<=[,:\d]))\s*[^,:]*::-\d*\.?\d+")
TERM_WEIGHT = re.compile(r"::\s*\d*\.?\d*")
ATTENTION = re.compile(r"[(\[]([^()\[\]]*?)(?::\s*-?\d+\.?\d*)?[)\]]")
NETWORK = re.compile(r"<(?:lora|lyco|hypernet):([^:>]+)[^>]*>")
SPACES = re.compile(r"\s+")

SUFFIXES = (
    "8k", "4k uhd", "octane render", "unreal engine", "trending on artstation", "highly detailed",
    "cinematic lighting", "golden hour", "studio photo", "35mm film grain", "bokeh", "sharp focus",
    "digital painting", "concept art", "watercolor", "oil on canvas", "anime style", "photorealistic",
    "wide angle", "shallow depth of field", "soft light", "dramatic lighting", "masterpiece",
    "best quality", "volumetric fog", "isometric", "comic panel", "vector illustration", "press photo",
    "sticker design", "polaroid", "black and white", "vintage poster", "matte painting", "close up",
)
PREFIXES = (
    "a photo of", "an illustration of", "a painting of", "photo,", "masterpiece, best quality,",
    "draw", "create an image of", "/imagine", "a 3d render of", "sketch of", "raw photo,",
)


def clean(text):
    """Returns the positive side of a prompt without parameters, weights and network tags."""
    text = NEGATIVE_FIELD.sub(" ", text)
    text = NO_PARAMETER.sub(" ", " " + text)
    text = PARAMETER.sub(" ", text)
    text = NETWORK.sub(lambda tag: " " + tag[1].replace("_", " "), text)
    text = NEGATIVE_TERM.sub(" ", text)
    text = TERM_WEIGHT.sub(", ", text)
    for _ in range(3):  # weights nest, seldom deeper than this
        text = ATTENTION.sub(r"\1", text)
    return SPACES.sub(" ", text).strip(" ,")


def normal_key(text):
    """Returns the form under which two texts count as the same: folded words only."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded))


def typo(text, rng):
    """Swaps two neighbouring letters inside one longer word."""
    words = text.split(" ")
    long = [index for index, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not long:
        return text
    index = rng.choice(long)
    word, at = words[index], rng.randrange(1, len(words[index]) - 2)
    words[index] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def restyle(text, rng: random.Random, fillers):
    """Returns `text` with style noise that leaves its meaning alone, often unchanged.

    `fillers` are harmless captions; now and then one is set before or after the
    text, or both, so that a model learns to find a short detail in a longer prompt.
    """
    if rng.random() < 0.4:
        return text
    if rng.random() < 0.1:
        text = typo(text, rng)
    if rng.random() < 0.4:
        text += ", " + ", ".join(rng.sample(SUFFIXES, rng.randint(1, 3)))
    if rng.random() < 0.15:
        text = rng.choice(PREFIXES) + " " + text
    if rng.random() < 0.2 and len(text) < 160:
        before, after = rng.sample(fillers, 2)
        text = rng.choice((f"{before}. {text}", f"{text}. {after}", f"{before}. {text}. {after}"))
    if rng.random() < 0.1:
        text = re.sub(r"\s(?:and|with)\s|\.\s", ", ", text)
    if rng.random() < 0.3:
        text = text.rstrip(". ") if text.endswith(".") else text + "."
    return text
