//! Ways to hide a word, one function each: what people do to words that a filter would find.
//!
//! A mutator gets a word (or a phrase, where a code or a direction covers all of it) in small ASCII letters, and chance.
//! It says `None` where the disguise does not apply: a word without vowels cannot lose them.
#![expect(clippy::unnecessary_wraps, reason = "all mutators have one signature")]

/// `SplitMix64`: small, seeded, the same everywhere.
#[derive(Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// A number of `range`, both ends included.
    pub fn within(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True `percent` times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T: ?Sized>(&mut self, options: &[&'a T]) -> &'a T {
        options[self.below(options.len())]
    }

    fn pick_char(&mut self, options: &str) -> char {
        let options: Vec<char> = options.chars().collect();
        options[self.below(options.len())]
    }
}

/// What a mutator is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each of the words chosen, on its own.
    Word,
    /// One word: nobody mistypes every word of a phrase.
    OneWord,
    /// The payload as a whole.
    Phrase,
}

/// A family of disguises.
pub struct Family {
    pub name: &'static str,
    pub scope: Scope,
    first: Mutate,
    /// A second disguise over the first. No single view answers for both, so that these do not count towards the whole.
    second: Option<Mutate>,
}

impl Family {
    pub fn is_combined(&self) -> bool {
        self.second.is_some()
    }

    pub fn mutate(&self, rng: &mut Rng, text: &str) -> Option<String> {
        // Chance of its own, so that the second disguise has one style whatever the first has used up.
        let mut own = Rng::new(rng.next());
        let once = (self.first)(rng, text)?;
        match self.second {
            Some(second) => second(&mut own, &once),
            None => Some(once),
        }
    }
}

type Mutate = fn(&mut Rng, &str) -> Option<String>;

pub const FAMILIES: &[Family] = &[
    word("leet digits", leet_digits),
    word("leet symbols", leet_symbols),
    word("drawn letters", drawn),
    word("spaced", spaced),
    word("punctuated letters", punctuated),
    word("one inner mark", inner_mark),
    word("masked", masked),
    word("repeats", repeats),
    word("every letter doubled", all_doubled),
    word("zero width", zero_width),
    word("soft hyphen", soft_hyphen),
    word("zalgo", zalgo),
    word("accents", accents),
    word("full width", full_width),
    word("mathematical", mathematical),
    word("enclosed", enclosed),
    word("regional indicators", regional),
    word("small caps", small_caps),
    word("superscript", superscript),
    word("cyrillic", cyrillic),
    word("greek", greek),
    word("armenian", armenian),
    word("cherokee", cherokee),
    word("emoji letters", emoji_letters),
    word("tag characters", tags),
    phrase("reversed", reversed),
    phrase("right-to-left override", override_direction),
    phrase("upside down", upside_down),
    word("split by space", split_by_space),
    word("split by line", split_by_line),
    phrase("glued", glued),
    phrase("camel case", camel_case),
    typo("letter missing", letter_missing),
    typo("letter doubled", letter_doubled),
    typo("letter changed", letter_changed),
    typo("letters swapped", letters_swapped),
    word("vowels dropped", vowels_dropped),
    word("html escapes", html),
    word("percent escapes", percent),
    word("unicode escapes", unicode_escapes),
    phrase("base64", base64),
    phrase("rot13", rot13),
    phrase("hexadecimal", hexadecimal),
    phrase("morse", morse),
    word("strings", strings),
    word("weights", weights),
    word("brackets", brackets),
    word("choices", choices),
    word("BREAK", break_word),
    word("random case", random_case),
    both("leet, spaced", leet_digits, spaced),
    both("leet, punctuated", leet_digits, punctuated),
    both("cyrillic, punctuated", cyrillic, punctuated),
    both("cyrillic, spaced", cyrillic, spaced),
    both("full width, inner mark", inner_mark, full_width),
    both("zero width, leet", leet_digits, zero_width),
    both("reversed, spaced", reversed, spaced),
    both("repeats, leet", repeats, leet_digits),
    both("random case, strings", random_case, strings),
];

const fn word(name: &'static str, first: Mutate) -> Family {
    Family { name, scope: Scope::Word, first, second: None }
}

const fn typo(name: &'static str, first: Mutate) -> Family {
    Family { name, scope: Scope::OneWord, first, second: None }
}

const fn phrase(name: &'static str, first: Mutate) -> Family {
    Family { name, scope: Scope::Phrase, first, second: None }
}

const fn both(name: &'static str, first: Mutate, second: Mutate) -> Family {
    Family { name, scope: Scope::Word, first, second: Some(second) }
}

/// Puts a stand-in for some of the letters, at least for one: `percent` of those that have one.
fn substitute(
    rng: &mut Rng,
    word: &str,
    percent: usize,
    stand_in: impl Fn(char) -> Option<&'static str>,
) -> Option<String> {
    let possible: Vec<usize> =
        word.char_indices().filter(|(_, letter)| stand_in(*letter).is_some()).map(|(at, _)| at).collect();
    if possible.is_empty() {
        return None;
    }
    let certain = possible[rng.below(possible.len())];
    let mut out = String::new();
    for (at, letter) in word.char_indices() {
        match stand_in(letter) {
            Some(text) if at == certain || rng.chance(percent) => out.push_str(text),
            _ => out.push(letter),
        }
    }
    Some(out)
}

/// Every letter as the one at its place in `alphabet` (a to z), a `.` where there is none.
fn of_alphabet(rng: &mut Rng, word: &str, percent: usize, alphabet: &'static str) -> Option<String> {
    substitute(rng, word, percent, |letter| {
        let place = usize::from(letter.is_ascii_lowercase()) * (letter as usize);
        let (start, found) = alphabet.char_indices().nth(place.checked_sub(usize::from(b'a'))?)?;
        (found != '.').then(|| &alphabet[start..start + found.len_utf8()])
    })
}

/// The word with what `between` gives between its letters.
fn part(word: &str, mut between: impl FnMut() -> String) -> String {
    let mut out = String::new();
    for (index, letter) in word.chars().enumerate() {
        if index > 0 {
            out.push_str(&between());
        }
        out.push(letter);
    }
    out
}

/// The word in two halves, cut at a random place that leaves two letters on either side.
fn halves<'w>(rng: &mut Rng, word: &'w str) -> (&'w str, &'w str) {
    let cuts: Vec<usize> = word.char_indices().map(|(at, _)| at).collect();
    word.split_at(cuts[rng.within(2, cuts.len() - 2)])
}

/// A random place inside the word, neither first nor last.
fn inner(rng: &mut Rng, word: &str) -> usize {
    rng.within(1, word.len() - 2)
}

fn leet_digits(rng: &mut Rng, word: &str) -> Option<String> {
    // Nobody writes `1` for both letters in one word.
    let one = if rng.chance(70) { 'i' } else { 'l' };
    substitute(rng, word, 60, |letter| match letter {
        'a' => Some("4"),
        'b' => Some("8"),
        'e' => Some("3"),
        'g' => Some("9"),
        'o' => Some("0"),
        's' => Some("5"),
        't' => Some("7"),
        _ if letter == one => Some("1"),
        _ => None,
    })
}

fn leet_symbols(rng: &mut Rng, word: &str) -> Option<String> {
    substitute(rng, word, 70, |letter| match letter {
        'a' => Some("@"),
        'i' => Some("!"),
        'l' => Some("|"),
        's' => Some("$"),
        't' => Some("+"),
        _ => None,
    })
}

fn drawn(rng: &mut Rng, word: &str) -> Option<String> {
    substitute(rng, word, 40, |letter| match letter {
        'a' => Some("/\\"),
        'd' => Some("|)"),
        'h' => Some("|-|"),
        'k' => Some("|<"),
        'm' => Some("|\\/|"),
        'n' => Some("|\\|"),
        'o' => Some("()"),
        'u' => Some("|_|"),
        'v' => Some("\\/"),
        'w' => Some("\\/\\/"),
        'x' => Some("><"),
        _ => None,
    })
}

fn spaced(rng: &mut Rng, word: &str) -> Option<String> {
    let gap = rng.pick(&[" ", " ", " ", "  ", "\u{a0}"]);
    Some(part(word, || gap.to_owned()))
}

fn punctuated(rng: &mut Rng, word: &str) -> Option<String> {
    let sign = rng.pick(&[".", "-", "_", "*", "/", "~", ",", " . ", " - "]);
    Some(part(word, || sign.to_owned()))
}

fn inner_mark(rng: &mut Rng, word: &str) -> Option<String> {
    let (head, tail) = halves(rng, word);
    let mark = rng.pick(&[".", "-", "_", "*", "~", "^", "=", "'", "/", ",", ";", "!", "+", "|"]);
    Some(format!("{head}{mark}{tail}"))
}

fn masked(rng: &mut Rng, word: &str) -> Option<String> {
    let mask = rng.pick(&["*", "*", "*", "#", "%", "•", "?"]);
    let count = if word.len() >= 7 { rng.within(1, 2) } else { 1 };
    let hidden: Vec<usize> = (0..count).map(|_| inner(rng, word)).collect();
    Some(
        word.char_indices()
            .map(|(at, letter)| if hidden.contains(&at) { mask.to_owned() } else { letter.to_string() })
            .collect(),
    )
}

fn repeats(rng: &mut Rng, word: &str) -> Option<String> {
    let stretched: Vec<(usize, usize)> =
        (0..rng.within(1, 2)).map(|_| (rng.below(word.len()), rng.within(3, 6))).collect();
    let times = |at| stretched.iter().find(|(place, _)| *place == at).map_or(1, |(_, times)| *times);
    Some(word.char_indices().map(|(at, letter)| letter.to_string().repeat(times(at))).collect())
}

fn all_doubled(_: &mut Rng, word: &str) -> Option<String> {
    Some(word.chars().flat_map(|letter| [letter, letter]).collect())
}

fn zero_width(rng: &mut Rng, word: &str) -> Option<String> {
    let sign = rng.pick(&["\u{200b}", "\u{200c}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{180e}"]);
    let percent = rng.within(40, 100);
    Some(part(word, || if rng.chance(percent) { sign.to_owned() } else { String::new() })).filter(|out| out != word)
}

fn soft_hyphen(rng: &mut Rng, word: &str) -> Option<String> {
    let (head, tail) = halves(rng, word);
    Some(format!("{head}\u{ad}{tail}"))
}

fn zalgo(rng: &mut Rng, word: &str) -> Option<String> {
    let mut out = String::new();
    for letter in word.chars() {
        out.push(letter);
        for _ in 0..rng.within(1, 8) {
            out.push(char::from_u32(0x300 + u32::try_from(rng.below(0x70)).unwrap()).unwrap());
        }
    }
    Some(out)
}

fn accents(rng: &mut Rng, word: &str) -> Option<String> {
    if rng.chance(50) {
        of_alphabet(rng, word, 60, "áƀčďéƒğĥíĵķļḿñóṕ.řšťúṽŵẋýž")
    } else {
        of_alphabet(rng, word, 60, "åḅçđëḟģħïǰḱłṁņøṗ.ŕșțüṿẁẍÿẓ")
    }
}

fn full_width(_: &mut Rng, word: &str) -> Option<String> {
    let wide = |letter: char| {
        if letter.is_ascii_graphic() { char::from_u32(u32::from(letter) + 0xfee0) } else { Some(letter) }
    };
    word.chars().map(wide).collect()
}

/// Letters that follow each other from `a` on.
fn from_code(word: &str, a: u32) -> Option<String> {
    word.chars().map(|letter| char::from_u32(a + u32::from(letter) - u32::from('a'))).collect()
}

fn mathematical(rng: &mut Rng, word: &str) -> Option<String> {
    // Bold, bold italic, bold script, bold fraktur, sans-serif, sans bold, monospace: the alphabets without gaps.
    let styles = [0x1d41a, 0x1d482, 0x1d4ea, 0x1d586, 0x1d5ba, 0x1d5ee, 0x1d68a];
    from_code(word, styles[rng.below(styles.len())])
}

fn enclosed(rng: &mut Rng, word: &str) -> Option<String> {
    // Circled, in parentheses, squared, circled and squared in negative.
    let styles = [0x24d0, 0x249c, 0x1f130, 0x1f150, 0x1f170];
    from_code(word, styles[rng.below(styles.len())])
}

fn regional(rng: &mut Rng, word: &str) -> Option<String> {
    let letters = from_code(word, 0x1f1e6)?;
    // Without something between, fonts draw flags.
    let gap = rng.pick(&["\u{200b}", " ", ""]);
    Some(part(&letters, || gap.to_owned()))
}

fn small_caps(rng: &mut Rng, word: &str) -> Option<String> {
    of_alphabet(rng, word, 100, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ")
}

fn superscript(rng: &mut Rng, word: &str) -> Option<String> {
    of_alphabet(rng, word, 100, "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖ.ʳˢᵗᵘᵛʷˣʸᶻ")
}

fn cyrillic(rng: &mut Rng, word: &str) -> Option<String> {
    of_alphabet(rng, word, 70, "аЬсԁе.ԍһіјкӏмпор.гѕтцѵԝхуз")
}

fn greek(rng: &mut Rng, word: &str) -> Option<String> {
    of_alphabet(rng, word, 70, "αβ.δε.....κ..ηορ...τυνωχγ.").map(|out| out.replace('i', "ι"))
}

fn armenian(rng: &mut Rng, word: &str) -> Option<String> {
    of_alphabet(rng, word, 80, "......ցհ.յ...ոօ.զ...ս.ա...")
}

fn cherokee(rng: &mut Rng, word: &str) -> Option<String> {
    of_alphabet(rng, word, 80, "ᎪᏴᏟᎠᎬ.ᏀᎻᎥᎫᏦᏞᎷ.ᎾᏢ.ᏒᏚᎢ.ᏙᏔ.ᎩᏃ")
}

fn emoji_letters(rng: &mut Rng, word: &str) -> Option<String> {
    substitute(rng, word, 80, |letter| match letter {
        'a' => Some("🅰\u{fe0f}"),
        'b' => Some("🅱\u{fe0f}"),
        'i' => Some("ℹ\u{fe0f}"),
        'm' => Some("Ⓜ\u{fe0f}"),
        'o' => Some("⭕"),
        'p' => Some("🅿\u{fe0f}"),
        's' => Some("💲"),
        't' => Some("✝\u{fe0f}"),
        'x' => Some("❌"),
        _ => None,
    })
}

fn tags(_: &mut Rng, word: &str) -> Option<String> {
    from_code(word, 0xe0061)
}

fn reversed(_: &mut Rng, text: &str) -> Option<String> {
    Some(text.chars().rev().collect())
}

fn override_direction(_: &mut Rng, text: &str) -> Option<String> {
    Some(format!("\u{202e}{}\u{202c}", text.chars().rev().collect::<String>()))
}

fn upside_down(rng: &mut Rng, text: &str) -> Option<String> {
    let turned = of_alphabet(rng, text, 100, "ɐqɔpǝɟƃɥᴉɾʞꞁɯuodbɹsʇnʌʍxʎz")?;
    Some(turned.chars().rev().collect())
}

fn split_by_space(rng: &mut Rng, word: &str) -> Option<String> {
    let (head, tail) = halves(rng, word);
    Some(format!("{head} {tail}"))
}

fn split_by_line(rng: &mut Rng, word: &str) -> Option<String> {
    let (head, tail) = halves(rng, word);
    Some(format!("{head}\n{tail}"))
}

/// What is glued to words: nothing that a rule waits for.
const HARMLESS: [&str; 8] = ["garden", "photo", "forest", "picture", "style", "scene", "poster", "painting"];

fn glued(rng: &mut Rng, text: &str) -> Option<String> {
    // At either end: a word glued in between would part the phrase.
    let other = rng.pick(&HARMLESS);
    Some(if rng.chance(50) { format!("{text}{other}") } else { format!("{other}{text}") })
}

fn camel_case(rng: &mut Rng, text: &str) -> Option<String> {
    let words = if text.contains(' ') { text.to_owned() } else { format!("{} {text}", rng.pick(&HARMLESS)) };
    let capital = |word: &str| [word[..1].to_ascii_uppercase().as_str(), &word[1..]].concat();
    Some(words.split(' ').map(capital).collect())
}

fn letter_missing(rng: &mut Rng, word: &str) -> Option<String> {
    let mut out = word.to_owned();
    out.remove(inner(rng, word));
    Some(out)
}

fn letter_doubled(rng: &mut Rng, word: &str) -> Option<String> {
    let (mut out, at) = (word.to_owned(), inner(rng, word));
    out.insert(at, char::from(word.as_bytes()[at]));
    Some(out)
}

fn letter_changed(rng: &mut Rng, word: &str) -> Option<String> {
    let (at, letter) = (inner(rng, word), rng.pick_char("abcdefghijklmnopqrstuvwxyz"));
    let mut out = word.to_owned();
    out.replace_range(at..=at, &letter.to_string());
    Some(out).filter(|out| out != word)
}

fn letters_swapped(rng: &mut Rng, word: &str) -> Option<String> {
    let at = rng.within(1, word.len() - 3);
    let mut out = word.as_bytes().to_vec();
    out.swap(at, at + 1);
    String::from_utf8(out).ok().filter(|out| out != word)
}

fn vowels_dropped(_: &mut Rng, word: &str) -> Option<String> {
    let out: String = word
        .char_indices()
        .filter(|&(at, letter)| at == 0 || !"aeiou".contains(letter))
        .map(|(_, letter)| letter)
        .collect();
    // What is left must still be readable by a person.
    (out.len() >= 4 && out.len() < word.len()).then_some(out)
}

/// Writes some letters, at least one, or all of them, as `escape` does.
fn escaped(rng: &mut Rng, word: &str, escape: impl Fn(char) -> String) -> String {
    let percent = rng.pick(&[&30_usize, &100]);
    let certain = rng.below(word.len());
    let write = |(at, letter): (usize, char)| {
        if at == certain || rng.chance(*percent) { escape(letter) } else { letter.to_string() }
    };
    word.char_indices().map(write).collect()
}

fn html(rng: &mut Rng, word: &str) -> Option<String> {
    let hexadecimal = rng.chance(50);
    Some(escaped(rng, word, |letter| {
        if hexadecimal { format!("&#x{:x};", u32::from(letter)) } else { format!("&#{};", u32::from(letter)) }
    }))
}

fn percent(rng: &mut Rng, word: &str) -> Option<String> {
    Some(escaped(rng, word, |letter| format!("%{:02X}", u32::from(letter))))
}

fn unicode_escapes(rng: &mut Rng, word: &str) -> Option<String> {
    let style = rng.below(4);
    Some(match style {
        0 => escaped(rng, word, |letter| format!("\\u{:04x}", u32::from(letter))),
        1 => escaped(rng, word, |letter| format!("\\x{:02x}", u32::from(letter))),
        2 => escaped(rng, word, |letter| format!("\\u{{{:x}}}", u32::from(letter))),
        _ => word.chars().map(|letter| format!("U+{:04X}", u32::from(letter))).collect::<Vec<_>>().join(" "),
    })
}

fn base64(rng: &mut Rng, text: &str) -> Option<String> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0, |bits, index| bits << 8 | usize::from(group.get(index).copied().unwrap_or(0)));
        (0..=group.len()).for_each(|index| out.push(char::from(DIGITS[bits >> (18 - 6 * index) & 63])));
        if rng.chance(80) {
            out.push_str(&"=".repeat(3 - group.len()));
        }
    }
    Some(out)
}

fn rot13(_: &mut Rng, text: &str) -> Option<String> {
    let turn = |letter: u8| if letter.is_ascii_lowercase() { (letter - b'a' + 13) % 26 + b'a' } else { letter };
    Some(text.bytes().map(|letter| char::from(turn(letter))).collect())
}

fn hexadecimal(rng: &mut Rng, text: &str) -> Option<String> {
    let (prefix, gap) = [("", ""), ("", " "), ("0x", " "), ("\\x", "")][rng.below(4)];
    Some(text.bytes().map(|byte| format!("{prefix}{byte:02x}")).collect::<Vec<_>>().join(gap))
}

fn morse(rng: &mut Rng, text: &str) -> Option<String> {
    const LETTERS: [&str; 26] = [
        ".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---", "-.-", ".-..", "--", "-.", "---",
        ".--.", "--.-", ".-.", "...", "-", "..-", "...-", ".--", "-..-", "-.--", "--..",
    ];
    let gap = rng.pick(&[" ", " ", "/"]);
    let spell =
        |word: &str| word.bytes().map(|letter| LETTERS[usize::from(letter - b'a')]).collect::<Vec<_>>().join(gap);
    Some(text.split(' ').map(spell).collect::<Vec<_>>().join(if gap == " " { " / " } else { " " }))
}

fn strings(rng: &mut Rng, word: &str) -> Option<String> {
    let (head, tail) = halves(rng, word);
    let (quote, tie) = (rng.pick(&["\"", "'"]), rng.pick(&[" + ", "+", ".", " . ", ",", ", ", ""]));
    Some(format!("{quote}{head}{quote}{tie}{quote}{tail}{quote}"))
}

fn weights(rng: &mut Rng, word: &str) -> Option<String> {
    let (head, tail) = halves(rng, word);
    Some(format!("{head}{}{tail}", rng.pick(&["::", "::2 ", "::1.5 ", ":: "])))
}

fn brackets(rng: &mut Rng, word: &str) -> Option<String> {
    let (head, tail) = halves(rng, word);
    Some(match rng.below(6) {
        0 => format!("({head})({tail})"),
        1 => format!("({head}:1.2)({tail}:0.9)"),
        2 => format!("{head}({tail})"),
        3 => format!("(({head})){tail}"),
        4 => format!("[{head}]{tail}"),
        _ => format!("{head}[{tail}]"),
    })
}

fn choices(rng: &mut Rng, word: &str) -> Option<String> {
    let (head, tail) = halves(rng, word);
    Some(match rng.below(4) {
        0 => format!("[{head}|{tail}]"),
        1 => format!("{{{head},}}{tail}"),
        2 => format!("{head}{{{tail},}}"),
        _ => format!("{{{head}|{head}}}{tail}"),
    })
}

fn break_word(rng: &mut Rng, word: &str) -> Option<String> {
    let (head, tail) = halves(rng, word);
    Some(format!("{head} {} {tail}", rng.pick(&["BREAK", "AND", "<lora:detail:0.8>"])))
}

fn random_case(rng: &mut Rng, word: &str) -> Option<String> {
    Some(word.chars().map(|letter| if rng.chance(50) { letter.to_ascii_uppercase() } else { letter }).collect())
}
