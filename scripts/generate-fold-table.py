#!/usr/bin/env python3
"""Writes src/normalize/folds.tsv, the one table that folding reads: scripts/generate-fold-table.py CONFUSABLES > folds.tsv

CONFUSABLES is confusables.txt of UTS #39 (https://www.unicode.org/Public/security/). Properties and decompositions come from
the package unicodedata2 where it is installed (`pip install unicodedata2`), else from Python itself; the header says which
version. Letters by eye are ours.
"""

import re
import sys

try:
    import unicodedata2 as unicodedata
except ImportError:
    import unicodedata

DROP, SPACE = "-", "_"

# Characters that show nothing: soft hyphen, joiners, directions, variation selectors, fillers, tags.
INVISIBLE = [
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
    (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]
# Marks over Latin, Greek and Cyrillic; Arabic vowel signs; Hebrew points; the Devanagari nukta. Other marks are letters.
ACCENTS = [
    (0x300, 0x36F), (0x483, 0x489), (0x591, 0x5BD), (0x610, 0x61A), (0x640, 0x640), (0x64B, 0x65F), (0x670, 0x670),
    (0x6D6, 0x6DC), (0x6DF, 0x6E4), (0x93C, 0x93C), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
]
DASHES = [(0x2010, 0x2015), (0x2212, 0x2212), (0xFE58, 0xFE58), (0xFE63, 0xFE63), (0xFF0D, 0xFF0D), (0xFF3F, 0xFF3F)]
# Scripts that are left alone: taking Hangul syllables, kana and ideographs apart would only cost time.
KEPT = [(0x3041, 0x30FF), (0x3400, 0x9FFF), (0xAC00, 0xD7A3)]

# What has no decomposition and yet is one letter written differently.
PLAIN = {
    **dict.fromkeys("\u2018\u2019\u201b\u2032\u02bc\u00b4\u02b9\u02bb", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    "ß": "ss", "ẞ": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i", "ʼ": "'",
    # Arabic letters that writers use for each other, Persian forms among them.
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ۀ": "ه", "ہ": "ه", "ھ": "ه",
    # The Devanagari candrabindu is typed as the anusvara.
    "ँ": "ं",
}

# Letters of other scripts and signs that pass for a Latin letter, by eye; a second letter is another way to read it.
BY_EYE = {
    "a": "аαΑᎪɑаᗅᗩ🅰4️", "b": "вΒβᏴЬьᏏᗷ🅱ъ", "c": "сϲᏟᑕ☪", "d": "ԁᎠժᗞᗪδ", "e": "еєεΕᎬэ℮ҽᗴ∈", "f": "ғƒᖴ", "g": "ɡցᎶᏀԍ",
    "h": "һнΗհᎻᏂᕼ♓", "i": "іιΙӏᎥ", "j": "јϳᎫᒍ", "k": "кκΚᏦҡ", "l": "ᏞʟᒪȴԼ", "m": "мΜᎷᗰ♏〽", "n": "пηΝոиᑎᏁղ", "o": "оοσօᎾθө⭕🅾◯○●",
    "p": "рρᏢᑭϱ", "q": "ԛզᑫ", "r": "гᎡᏒяᖇ", "s": "ѕςᏕᏚᔕ§💲", "t": "тτᎢ✝➕", "u": "սυμцᑌ∪", "v": "νѵᏙᐯ√", "w": "ԝωшᎳᗯщ", "x": "хχΧ❌✖✕✗×",
    "y": "уγүᎩуΥ", "z": "ᏃΖᴢʐ",
}
SECOND = {"η": "n h", "γ": "y r", "σ": "o s", "ς": "s c", "и": "n i", "в": "b v", "н": "h n", "р": "p r", "с": "c s", "у": "y u",
          "х": "x h", "п": "n p", "г": "r g", "ρ": "p r", "ν": "v n", "д": "d", "л": "l", "з": "e z", "б": "b", "ч": "ch", "ф": "f", "ж": "zh",
          "й": "i", "ы": "y", "ю": "yu", "ц": "u c", "ё": "e", "ӏ": "l i", "Ӏ": "l i"}
BRAILLE = dict(zip("abcdefghijklmnopqrstuvwxyz", "⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵"))
# Latin letters turned over or round, as tools for «upside-down text» write them.
TURNED = re.compile(r"LATIN (?:SMALL LETTER|LETTER SMALL CAPITAL|CAPITAL LETTER) (?:TURNED|REVERSED|INVERTED|SIDEWAYS|OPEN|SCRIPT|INSULAR|ALPHA|IOTA) ?([A-Z])?$")
WITH = re.compile(r"LATIN (?:SMALL|CAPITAL) LETTER (?:DOTLESS |LONG )?([A-Z]) WITH ")
SMALL_CAPITAL = re.compile(r"LATIN LETTER SMALL CAPITAL (?:BARRED )?([A-Z])$")
ENCLOSED = re.compile(
    r"(?:NEGATIVE CIRCLED|NEGATIVE SQUARED|SQUARED|CIRCLED ITALIC|CROSSED NEGATIVE SQUARED|REGIONAL INDICATOR SYMBOL|CIRCLED|PARENTHESIZED|"
    r"RAISED|TORTOISE SHELL BRACKETED)(?: LATIN (?:CAPITAL|SMALL))? LETTER ([A-Z])$")
MODIFIER = re.compile(r"(?:MODIFIER LETTER (?:SMALL|CAPITAL)|LATIN SUBSCRIPT SMALL LETTER|COMBINING LATIN SMALL LETTER) ([A-Z])$")


def within(code, ranges):
    return any(first <= code <= last for first, last in ranges)


def plain(code):
    """What the plain fold makes of a character: itself, nothing, a space, or other text."""
    character = chr(code)
    if within(code, INVISIBLE) or within(code, ACCENTS):
        return DROP
    if within(code, DASHES) or character.isspace():
        return SPACE
    name = unicodedata.name(character, "")
    for pattern in (ENCLOSED, SMALL_CAPITAL, MODIFIER):
        if found := pattern.match(name):
            return found[1].lower()
    folded = ""
    for lower in character.lower():
        found = WITH.match(unicodedata.name(lower, ""))
        if lower in PLAIN:
            parts = PLAIN[lower]
        else:
            parts = found[1].lower() if found else unicodedata.normalize("NFKD", lower)
        # What a character is made of is folded like any other, so that folding twice is folding once.
        for part in parts:
            folded += part if part == character or part.isascii() else text_of(plain(ord(part)))
    folded = unicodedata.normalize("NFC", folded)
    folded = "".join(PLAIN.get(part, part) for part in folded)
    # A lone accent decomposes into a space with a mark.
    folded = re.sub(r"[\s_-]+", " ", folded).lower()
    return SPACE if folded == " " else folded or DROP


def text_of(folded):
    """The text that stands for a result of `plain`."""
    return {DROP: "", SPACE: " "}.get(folded, folded)


def single_letters(confusables):
    """The look-alikes of UTS #39 that stand for one ASCII letter."""
    twins = {}
    for line in confusables:
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) < 2 or " " in fields[0]:
            continue
        target = "".join(chr(int(part, 16)) for part in fields[1].split())
        bare = "".join(part for part in unicodedata.normalize("NFKD", target) if not within(ord(part), ACCENTS))
        if len(bare) == 1 and bare.isascii() and bare.isalpha():
            twins[chr(int(fields[0], 16))] = bare.lower()
    return twins


def main():
    path = sys.argv[1]
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    version = re.search(r"Version: (\S+)", text)[1]
    twins = single_letters(text.splitlines())
    for letter, braille in BRAILLE.items():
        twins[braille] = letter
    for code in range(0x80, 0x110000):
        if not within(code, [(0xD800, 0xDFFF)]) and (found := TURNED.match(unicodedata.name(chr(code), ""))) and found[1]:
            twins.setdefault(chr(code), found[1].lower())
    twins.update({"ɑ": "a", "ɩ": "i", "ǝ": "e", "ɔ": "c", "ɐ": "a", "ɯ": "m", "ʍ": "w", "ʎ": "y", "ɹ": "r", "ʇ": "t", "ʌ": "v", "ɥ": "h", "ʞ": "k", "ɟ": "f"})
    for letter, characters in BY_EYE.items():
        for character in characters:
            if not character.isascii() and character != "\ufe0f":
                twins[character] = letter
    twins.update(SECOND)
    print("# What folding makes of single characters; generated by scripts/generate-fold-table.py, do not edit.")
    print(f"# Properties, decompositions, names: Unicode {unicodedata.unidata_version}. Look-alikes: UTS #39 confusables.txt {version}, of which only")
    print("# those that stand for one ASCII letter. Both (c) Unicode, Inc., Unicode License v3, https://www.unicode.org/license.txt.")
    print("# Further look-alikes by eye: this project.")
    print("# Columns: code point; plain fold (- nothing, _ a space, = itself); Latin look-alikes, the likelier reading first.")
    for code in range(0x80, 0x110000):
        if within(code, [(0xD800, 0xDFFF)]) or within(code, [(0xE0000, 0xE0FFF)]):
            continue
        character = chr(code)
        if not within(code, INVISIBLE) and unicodedata.category(character) == "Cn":
            continue
        folded = character if within(code, KEPT) else plain(code)
        twin = twins.get(character) or twins.get(folded if len(folded) == 1 else "") or twins.get(character.lower(), "")
        if folded in (DROP, SPACE) or folded.isascii() and folded.isalnum():
            twin = ""
        if folded != character or twin:
            print(f"{code:X}\t{'=' if folded == character else folded}\t{twin}".rstrip("\t"))


main()
