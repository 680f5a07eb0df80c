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
    /// A sign or a line end right between two letters, a hyphen among them (`na-ked`).
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
    /// A quote beside a sign that ties strings together (`"na" + "ked"`).
    pub quoted: bool,
    /// Bytes outside ASCII.
    pub non_ascii: bool,
    /// Digits as private data has them: five, or four that stand together. `8k, 16:9` are none.
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

impl Signs {
    /// Looks at `text` once, byte by byte.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut signs = Self::default();
        // All digits, those standing together, and the most that did.
        let (mut digits, mut run, mut longest_run) = (0_usize, 0_usize, 0_usize);
        // The word so far: whether it holds a letter, a leet symbol, a one.
        let (mut word, mut one) = (0_u8, false);
        // Letters on end, and how many single letters came in a row before them.
        let (mut letters, mut singles) = (0_usize, 0_usize);
        // Dots and dashes, not parted by anything but spaces.
        let mut strokes = 0_usize;
        let (mut repeated, mut last, mut before_last) = (1_usize, 0_u8, 0_u8);
        for &byte in text.as_bytes() {
            // Nearly all bytes are small letters after small letters, of which only repeats and length tell anything.
            if byte.is_ascii_lowercase() && last.is_ascii_lowercase() {
                repeated = if byte == last { repeated + 1 } else { 1 };
                signs.repeats |= repeated >= 3;
                letters += 1;
                singles = 0;
                before_last = last;
                last = byte;
                continue;
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
                signs.non_ascii |= !byte.is_ascii();
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
                    if class & DIGIT != 0 {
                        digits += 1;
                        run = if previous & DIGIT != 0 { run + 1 } else { 1 };
                        longest_run = longest_run.max(run);
                    }
                    signs.at_sign |= byte == b'@';
                }
                letters = 0;
            }
            if class & (LETTER | DIGIT | SYMBOL) == 0 {
                word = 0;
                one = false;
            } else {
                // A symbol counts once something follows it: `wow!` is no leet.
                let counted = if previous & SYMBOL != 0 { SYMBOL } else { 0 };
                word |= (class & (LETTER | DIGIT)) | if word != 0 || previous & SYMBOL != 0 { counted } else { 0 };
                one |= byte == b'1' || last == b'|';
                if word & LETTER != 0 && word & (DIGIT | SYMBOL) != 0 {
                    signs.leet = true;
                    signs.leet_one |= one;
                }
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
        signs.spaced |= letters == 1 && singles >= 2;
        signs.digits = digits >= 5 || longest_run >= 4;
        signs
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
            non_ascii,
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
            ("non-ascii", non_ascii),
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
        assert!(Signs::of("b1rd").leet_one);
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
        assert!(Signs::of("дом").non_ascii);
        assert!(Signs::of("call 5550").digits && Signs::of("a@b").at_sign);
    }
}
