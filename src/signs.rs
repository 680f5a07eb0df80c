//! Evidence of disguise in a text, gathered in one pass.

/// What a text shows that opens views and wakes rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent observations, not a state machine")]
pub struct Signs {
    /// A word of letters and leet symbols (`n4k3d`, `$hip`).
    pub leet: bool,
    /// Leet with a `1` or `|`, which stand for `i` and for `l`.
    pub leet_one: bool,
    /// Letters drawn with strokes (`|\|`, `/\`, `|_|`).
    pub drawn: bool,
    /// Three or more single letters in a row (`n u d e`, `g.o.r.e`).
    pub spaced: bool,
    /// Punctuation that has no business between two letters (`go.re`).
    pub dotted: bool,
    /// A sign or a line end right between two letters, a hyphen among them (`na-ked`); a dash outside ASCII anywhere.
    pub parted: bool,
    /// A letter beside a sign that hides one (`n*de`).
    pub masked: bool,
    /// A letter three or more times in a row.
    pub repeats: bool,
    /// A capital after a small letter (`camelCase`).
    pub camel: bool,
    /// The beginning of an escaped character (`%6e`, `&#110;`, `\u006e`, `U+006E`).
    pub escapes: bool,
    /// Enough dots and dashes in a row for Morse code.
    pub morse: bool,
    /// A quote beside a sign that ties strings together (`"na" + "ked"`), or a typographic one anywhere.
    pub quoted: bool,
    /// Characters outside ASCII that are no letters of European languages written as one character (`é`, `ß`), and no
    /// dashes, quotes or dots of typesetting.
    pub exotic: bool,
    /// Four or more digits. `8k, 16:9` are none.
    pub digits: bool,
    /// An `@`.
    pub at_sign: bool,
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const SYMBOL: u8 = 4;
const ODD: u8 = 8;
const MASK: u8 = 16;
const STROKE: u8 = 32;
const QUOTE: u8 = 64;
const UPPER: u8 = 128;

/// The class of every byte: letters (bytes outside ASCII count as such), digits, leet symbols, odd punctuation and so on.
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0_u8;
    loop {
        class[byte as usize] = match byte {
            b'a'..=b'z' | 0x80.. => LETTER,
            b'A'..=b'Z' => LETTER | UPPER,
            b'0'..=b'9' => DIGIT,
            b'@' | b'$' => SYMBOL | MASK,
            b'!' => SYMBOL | ODD,
            b'+' => SYMBOL | ODD | MASK,
            b'|' => SYMBOL | ODD | STROKE,
            b'\\' => ODD | STROKE,
            b'/' => STROKE,
            b'*' | b'~' | b'^' | b'=' | b'#' | b'%' | b'&' => ODD | MASK,
            b'?' => MASK,
            b'.' | b'`' | b';' | b'_' => ODD,
            b'"' | b'\'' => QUOTE,
            _ => 0,
        };
        if byte == u8::MAX {
            break class;
        }
        byte += 1;
    }
};

/// Whether digits or symbols may stand for letters in a word of letters, digits and leet symbols (`n4k3d`, `$h!p`). A number
/// with a unit behind it (`35mm`, `1990s`, `1920x1080`) is no disguise, nor is what is too short for a word (`8k`, `b2`).
pub(crate) fn is_leet(word: &[u8]) -> bool {
    let letters = word.iter().filter(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()).count();
    let leading_digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = word.get(leading_digits..).unwrap_or_default();
    // Behind a unit comes nothing: `90lden` and `53x7in9` go on.
    let is_unit = || match leading_digits {
        0 => false,
        1 => UNITS.iter().any(|unit| rest.eq_ignore_ascii_case(unit)),
        _ => rest.len() <= 3 && rest.iter().all(u8::is_ascii_alphabetic),
    };
    let is_size =
        || leading_digits > 1 && matches!(rest, [b'x' | b'X', more @ ..] if more.iter().all(u8::is_ascii_digit));
    word.len() > 2 && letters >= 1 && letters < word.len() && !is_unit() && !is_size()
}

/// What follows a single digit and makes no word with it.
const UNITS: [&[u8]; 12] = [b"st", b"nd", b"rd", b"th", b"mm", b"cm", b"km", b"px", b"ft", b"kg", b"hd", b"pm"];

/// What a character outside ASCII is.
enum Foreign {
    Letter,
    /// A dash or an ellipsis.
    Dash,
    Quote,
    Exotic,
}

impl Foreign {
    /// What the character is that starts with `bytes`.
    fn of(bytes: &[u8]) -> Self {
        match bytes {
            // The signs of multiplication and division are among the letters U+00C0 to U+017F.
            [0xc3, 0x97 | 0xb7, ..] => Self::Exotic,
            [0xc3..=0xc5, ..] => Self::Letter,
            [0xe2, 0x80, 0x93 | 0x94 | 0xa6, ..] => Self::Dash,
            [0xe2, 0x80, 0x98 | 0x99 | 0x9c | 0x9d, ..] => Self::Quote,
            _ => Self::Exotic,
        }
    }
}

impl Signs {
    /// Looks at `text` once, byte by byte.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one pass with a dozen observations that share its state")]
    pub fn of(text: &str) -> Self {
        let mut signs = Self::default();
        let mut digits = 0_usize;
        // The word so far: where it starts, whether it holds a letter, a leet symbol, a one.
        let (mut start, mut word, mut one) = (0, 0_u8, false);
        // Letters on end, and how many single letters came in a row before them.
        let (mut letters, mut singles) = (0_usize, 0_usize);
        // Dots and dashes, not parted by anything but spaces.
        let mut strokes = 0_usize;
        let (mut repeated, mut last, mut before_last) = (1_usize, 0_u8, 0_u8);
        let bytes = text.as_bytes();
        let mut next = 0;
        while let Some(&byte) = bytes.get(next) {
            let at = next;
            next += 1;
            // Nearly all bytes are small letters after small letters, of which only repeats and length tell anything, and
            // spaces behind them.
            if last.is_ascii_lowercase() {
                if byte.is_ascii_lowercase() {
                    let mut letter = byte;
                    loop {
                        repeated = if letter == last { repeated + 1 } else { 1 };
                        signs.repeats |= repeated >= 3;
                        (before_last, last) = (last, letter);
                        match bytes.get(next) {
                            Some(&more) if more.is_ascii_lowercase() => letter = more,
                            _ => break,
                        }
                        next += 1;
                    }
                    letters += next - at;
                    singles = 0;
                    continue;
                }
                if byte == b' ' && letters > 1 && word & (DIGIT | SYMBOL) == 0 {
                    (start, word, one, letters, repeated) = (next, 0, false, 0, 1);
                    (before_last, last) = (last, byte);
                    continue;
                }
            }
            let (class, previous) = (CLASS[usize::from(byte)], CLASS[usize::from(last)]);
            if class & LETTER != 0 {
                if byte | 0x20 == last | 0x20 && byte.is_ascii() {
                    repeated += 1;
                    signs.repeats |= repeated >= 3;
                } else {
                    repeated = 1;
                }
                signs.dotted |= previous & ODD != 0 && CLASS[usize::from(before_last)] & LETTER != 0;
                signs.parted |= previous & LETTER == 0 && last != b' ' && CLASS[usize::from(before_last)] & LETTER != 0;
                signs.masked |= previous & MASK != 0;
                signs.camel |= class & UPPER != 0 && last.is_ascii_lowercase();
                if byte >= 0xc0 {
                    match Foreign::of(bytes.get(at..).unwrap_or_default()) {
                        Foreign::Letter => {}
                        Foreign::Dash => signs.parted = true,
                        Foreign::Quote => signs.quoted = true,
                        Foreign::Exotic => signs.exotic = true,
                    }
                }
                strokes = 0;
                letters += 1;
                if letters > 1 {
                    singles = 0;
                }
            } else {
                repeated = 1;
                if matches!(byte, b'.' | b'-') {
                    strokes += 1;
                    signs.morse |= strokes >= 6;
                } else if !matches!(byte, b' ' | b'/') {
                    strokes = 0;
                }
                // A letter has just ended: one more of a row of single ones. Longer gaps do not break the row.
                if letters == 1 {
                    singles += 1;
                    signs.spaced |= singles >= 3;
                }
                if class & (MASK | STROKE | QUOTE | DIGIT) != 0 {
                    signs.masked |= class & MASK != 0 && previous & LETTER != 0;
                    signs.drawn |= class & STROKE != 0
                        && (previous & STROKE != 0 || matches!(last, b'-' | b'_' | b'<' | b'>' | b')' | b'('));
                    signs.quoted |= class & QUOTE != 0
                        && (previous & QUOTE != 0 || matches!(last, b' ' | b'+' | b',' | b'.' | b'&'));
                    digits += usize::from(class & DIGIT != 0);
                    signs.at_sign |= byte == b'@';
                }
                letters = 0;
            }
            if class & (LETTER | DIGIT | SYMBOL) == 0 {
                signs.end_word(text, start..at, word, one);
                (start, word, one) = (at + 1, 0, false);
            } else {
                // A symbol counts once something follows it: `wow!` is no leet.
                word |= class & (LETTER | DIGIT) | if at > start { previous & SYMBOL } else { 0 };
                one |= byte == b'1' || last == b'|';
            }
            signs.escapes |= match last {
                b'%' => byte.is_ascii_hexdigit(),
                b'&' => byte == b'#',
                b'\\' => matches!(byte, b'u' | b'x' | b'U'),
                b'+' => before_last | 0x20 == b'u' && byte.is_ascii_hexdigit(),
                _ => false,
            };
            before_last = last;
            last = byte;
        }
        signs.end_word(text, start..text.len(), word, one);
        signs.spaced |= letters == 1 && singles >= 2;
        signs.digits = digits >= 4;
        signs
    }

    /// Looks at a word of letters, digits and leet symbols, of which `classes` are in it.
    fn end_word(&mut self, text: &str, at: std::ops::Range<usize>, classes: u8, one: bool) {
        if classes & LETTER != 0 && classes & (DIGIT | SYMBOL) != 0 && text.as_bytes().get(at).is_some_and(is_leet) {
            self.leet = true;
            self.leet_one |= one;
        }
    }

    /// The names of the signs that make `opens` hold: those without which it would not, or else those of which one is enough.
    pub(crate) fn why(self, opens: impl Fn(Self) -> bool) -> Vec<&'static str> {
        if !opens(self) {
            return Vec::new();
        }
        let names = |test: &dyn Fn(usize) -> bool| -> Vec<&'static str> {
            let mut all = self;
            let shown = all.named().into_iter().enumerate().filter(|(_, (_, shown))| **shown);
            shown.filter(|(index, _)| test(*index)).map(|(_, (name, _))| name).collect()
        };
        let with = |mut signs: Self, index: usize, value: bool| {
            signs.named().into_iter().skip(index).take(1).for_each(|(_, shown)| *shown = value);
            signs
        };
        let needed = names(&|index| !opens(with(self, index, false)));
        if needed.is_empty() { names(&|index| opens(with(Self::default(), index, true))) } else { needed }
    }

    /// Every sign with its name.
    fn named(&mut self) -> [(&'static str, &mut bool); 15] {
        let Self {
            leet,
            leet_one,
            drawn,
            spaced,
            dotted,
            parted,
            masked,
            repeats,
            camel,
            escapes,
            morse,
            quoted,
            exotic,
            digits,
            at_sign,
        } = self;
        [
            ("leet", leet),
            ("leet-one", leet_one),
            ("drawn", drawn),
            ("spaced", spaced),
            ("dotted", dotted),
            ("parted", parted),
            ("masked", masked),
            ("repeats", repeats),
            ("camel", camel),
            ("escapes", escapes),
            ("morse", morse),
            ("quoted", quoted),
            ("exotic", exotic),
            ("digits", digits),
            ("at-sign", at_sign),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::Signs;

    #[test]
    fn plain_prompts_show_nothing() {
        for text in ["a lighthouse at dusk, oil on canvas", "wow! a cat - 35 mm, f/2 lens", "a well kept garden"] {
            assert_eq!(Signs::of(text), Signs::default(), "{text}");
        }
    }

    #[test]
    fn names_what_opens() {
        let signs = Signs { leet: true, dotted: true, masked: true, ..Signs::default() };
        assert_eq!(signs.why(|signs| signs.leet && signs.dotted), ["leet", "dotted"]);
        assert_eq!(signs.why(|signs| signs.masked || signs.dotted), ["dotted", "masked"]);
        assert!(signs.why(|signs| signs.camel).is_empty());
    }

    #[test]
    fn each_disguise_shows() {
        assert!(Signs::of("n4k3d").leet && !Signs::of("n4k3d").leet_one);
        assert!(Signs::of("b1rd").leet_one && !Signs::of("in the 1990s, 35mm, 3rd, f1.8, 1024x768").leet);
        assert!(Signs::of("$hip").leet && Signs::of("h@t").leet);
        assert!(Signs::of("a n u d e x").spaced && Signs::of("g.o.r.e").spaced && Signs::of("n  u  d  e").spaced);
        assert!(Signs::of("x y z").spaced && !Signs::of("x y").spaced);
        assert!(Signs::of("na.ked").dotted && !Signs::of("one. two").dotted);
        assert!(Signs::of("n*de").masked && Signs::of("nud*").masked && !Signs::of("2 * 3").masked);
        assert!(Signs::of("nuuude").repeats && !Signs::of("moon").repeats);
        assert!(Signs::of("camelCase").camel && !Signs::of("A Capital").camel);
        assert!(Signs::of("%6e").escapes && Signs::of("&#110;").escapes && Signs::of("\\u006e").escapes);
        assert!(Signs::of("-. ..- -.. .").morse && !Signs::of("a - b - c - d - e - f - g").morse);
        assert!(Signs::of("\"na\" + \"ked\"").quoted && Signs::of("|\\|ow").drawn);
        assert!(Signs::of("дом").exotic && !Signs::of("café – “naïve”…").exotic);
        assert!(Signs::of("call 5550").digits && Signs::of("a@b").at_sign);
    }
}
