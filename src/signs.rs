//! Evidence of disguise in a text, gathered in one pass.

/// What a text shows that opens views and wakes rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "seven independent observations, not a state machine")]
pub struct Signs {
    /// A word of letters and leet symbols (`n4k3d`, `$hip`).
    pub leet: bool,
    /// Leet with a `1` or `|`, which stand for `i` and for `l`.
    pub leet_one: bool,
    /// Three or more single letters in a row, each behind one separator (`n u d e`).
    pub spaced: bool,
    /// Punctuation that has no business between two letters (`go.re`).
    pub dotted: bool,
    /// A letter three or more times in a row.
    pub repeats: bool,
    /// Bytes outside ASCII.
    pub non_ascii: bool,
    /// At least four digits, which private data needs.
    pub digits: bool,
    /// An `@`.
    pub at_sign: bool,
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const SYMBOL: u8 = 4;
const ODD: u8 = 8;

/// The class of every byte: letters (bytes outside ASCII count as such), digits, leet symbols, odd punctuation.
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0_u8;
    loop {
        class[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => LETTER,
            b'0'..=b'9' => DIGIT,
            b'@' | b'$' => SYMBOL,
            b'!' | b'|' | b'+' => SYMBOL | ODD,
            b'.' | b'*' | b'~' | b'^' | b'=' | b'\\' | b'`' | b'#' | b'%' | b'&' | b';' | b'_' => ODD,
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
        let mut digits = 0_usize;
        // The word so far: whether it holds a letter, a leet symbol, a one.
        let (mut word, mut one) = (0_u8, false);
        // Letters on end, and how many single letters came in a row before them.
        let (mut letters, mut singles) = (0_usize, 0_usize);
        let (mut repeated, mut last, mut before_last) = (1_usize, 0_u8, 0_u8);
        for &byte in text.as_bytes() {
            let (class, previous) = (CLASS[usize::from(byte)], CLASS[usize::from(last)]);
            if class & LETTER != 0 {
                if byte | 0x20 == last | 0x20 && byte.is_ascii() {
                    repeated += 1;
                    signs.repeats |= repeated >= 3;
                } else {
                    repeated = 1;
                }
                signs.dotted |= previous & ODD != 0 && CLASS[usize::from(before_last)] & LETTER != 0;
                signs.non_ascii |= !byte.is_ascii();
                letters += 1;
                if letters > 1 {
                    singles = 0;
                }
            } else {
                repeated = 1;
                // A single letter has just ended: one more of a row. A second separator breaks the row.
                if letters == 1 {
                    singles += 1;
                    signs.spaced |= singles >= 3;
                } else if letters == 0 {
                    singles = 0;
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
            digits += usize::from(class & DIGIT != 0);
            signs.at_sign |= byte == b'@';
            before_last = last;
            last = byte;
        }
        signs.spaced |= letters == 1 && singles >= 2;
        signs.digits = digits >= 4;
        signs
    }
}

#[cfg(test)]
mod tests {
    use super::Signs;

    #[test]
    fn plain_prompts_show_nothing() {
        for text in ["a lighthouse at dusk, oil on canvas", "wow! a cat - 35 mm, f/2 lens", "mother's well-kept garden"]
        {
            assert_eq!(Signs::of(text), Signs::default(), "{text}");
        }
    }

    #[test]
    fn each_disguise_shows() {
        assert!(Signs::of("n4k3d").leet && !Signs::of("n4k3d").leet_one);
        assert!(Signs::of("b1rd").leet_one);
        assert!(Signs::of("$hip").leet && Signs::of("h@t").leet);
        assert!(Signs::of("a n u d e x").spaced && Signs::of("g.o.r.e").spaced);
        assert!(Signs::of("x y z").spaced && !Signs::of("x y").spaced);
        assert!(Signs::of("na.ked").dotted && !Signs::of("one. two").dotted);
        assert!(Signs::of("nuuude").repeats && !Signs::of("moon").repeats);
        assert!(Signs::of("дом").non_ascii);
        assert!(Signs::of("call 5550").digits && Signs::of("a@b").at_sign);
    }
}
