#!/usr/bin/env python3
"""Prints COUNT harmless prompts in three styles, always the same ones: something to time a scan with."""

import random
import sys

SUBJECTS = """lighthouse; old fishing boat; red fox; market stall with blood oranges; violin maker; steam train; paper
crane; glass greenhouse; mountain hut; tabby cat; robot gardener; knight in armor; ballet dancer; street musician;
bowl of ramen; clockwork owl; desert caravan; ice cave; jazz trio; lemon tree; medieval library; night train; opera
house; peacock; quiet harbor; rainy bus stop; sailing ship; tea ceremony; underwater ruin; volcano; waterfall; yurt""".split(";")
PLACES = """at dusk; in heavy rain; on a snowy morning; by the sea; under a full moon; in a small town; at the edge of a
forest; on a rooftop; in spring; seen from above; behind a window; during a festival""".split(";")
STYLES = """oil on canvas; watercolor; 35mm photo; pixel art; studio lighting; isometric; line drawing; soft daylight;
cinematic, 8k, highly detailed; octane render; art nouveau poster; children's book illustration""".split(";")


def prompt(rng):
    """One prompt: a sentence, Midjourney or Stable Diffusion markup."""
    subject, place, style = (" ".join(rng.choice(words).split()) for words in (SUBJECTS, PLACES, STYLES))
    return rng.choice((
        f"a {subject} {place}, {style}",
        f"{subject} {place}, {style} --ar {rng.choice(('3:2', '16:9', '1:1'))} --seed {rng.randrange(10**9)}",
        f"({subject}:1.{rng.randrange(1, 5)}), {place}, {style}, masterpiece, {subject} {rng.randrange(1000)}",
    ))


def main():
    """Prints as many prompts as the command line asks for."""
    rng = random.Random(20261124)
    for _ in range(int(sys.argv[1])):
        print(prompt(rng))


if __name__ == "__main__":
    main()
