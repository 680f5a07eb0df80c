//! How many disguised words are found, and how many harmless ones are taken for disguised: an evaluation with random but
//! seeded disguises of the shipped lists' own terms.
//!
//! Every disguised term has a twin: the same disguise over harmless words of the same length in the same prompt. A filter
//! that blocks whatever looks odd fails on the twins.
//!
//! `DISGUISES=500 cargo test --test disguises -- --nocapture` tries 500 terms a family and prints what was missed.

mod common;
#[path = "disguises/mutators.rs"]
mod mutators;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use mutators::{FAMILIES, Family, Rng, Scope};
use promptgate::lexicon::{ListKind, MatchKind, Wordlist};
use promptgate::{Moderator, Prompt, Scratch, Severity, Verdict};

/// Harmless prompts with a hole.
const CARRIERS: [&str; 26] = [
    "{}",
    "{}, oil on canvas",
    "a photo of {}",
    "a watercolor of {} by a window, soft light",
    "portrait of {}, studio lighting, 85mm lens, sharp focus",
    "masterpiece, best quality, {}, detailed background, 8k",
    "{} --ar 3:2 --v 6",
    "wide shot of {} in the rain, neon lights --ar 16:9 --stylize 250",
    "a lighthouse on a cliff and {}, storm clouds",
    "(masterpiece:1.2), {}, forest, morning fog",
    "can you draw {} for me please?",
    "I want to see {} in the style of a vintage postcard",
    "concept art: {}, matte painting, trending",
    "cozy kitchen, wooden table, {}, warm light",
    "an astronaut with {} on the moon, cinematic",
    "{} and a big dog",
    "black and white film still, {}, grain",
    "low poly render of {}\nisometric view\npastel colors",
    "steampunk city, airships, {}, sunset, highly detailed",
    "a quiet street in the old town; {}; wet cobblestones",
    "pixel art {}, 16 bit, bright colors",
    "the cover of a paperback novel: {}, bold shapes",
    "{} | flat colors | thick lines",
    "a marble statue and {} in a museum hall",
    "surreal dream, {}, floating islands, volumetric light",
    "close-up, {}, macro, shallow depth of field",
];

/// Harmless words, five to thirteen letters, of the kinds that prompts hold.
const HARMLESS: &str = "\
    apple beach bread bridge brick brown candle canyon castle ceiling chair cheese cherry church circle clock cloud coffee \
    copper corner cottage cotton couch crystal curtain daisy dancer desert dinner dolphin dragon dream eagle earth engine \
    evening falcon farmer feather fence field fisherman flower forest fountain friend frost fruit galaxy garden garlic giant \
    glacier glass globe golden grape grass guitar hammer harbor harvest helmet hiker honey horse island jacket jungle \
    kitchen ladder lamp lantern leather lemon letter library light lizard maple market meadow melon metal mirror mountain \
    museum music needle night ocean olive orange orchid owner paint palace paper parade pebble pencil piano pillow pirate \
    planet plaza pocket poppy portal potato pottery prince puzzle rabbit radio railway rainbow raven ribbon river robot \
    rocket saddle sailor salad sculpture shadow sheep shell shore silver singer sketch skyline smoke snowman soldier \
    spider spring square stable station statue stone storm street summer sunset sweater table teacher temple theater \
    thunder tiger tower tractor train travel tulip tunnel turtle umbrella valley velvet village violin volcano wagon \
    waiter walnut water whale wheat window winter wizard wooden yellow architecture astronomer birthday blacksmith \
    bookshelf butterfly candlelight carpenter cathedral chandelier chocolate constellation countryside environment \
    fireplace gingerbread grandmother greenhouse hummingbird illustration locomotive magnificent marketplace microphone \
    mushrooms neighborhood observatory orchestra pineapple playground raspberries restaurant schoolhouse skyscraper \
    snowflakes spaceship strawberry sunflower technology typewriter waterfall watermelon wilderness woodcutters";

/// Words that the unit tests of the folds use, and so might fit too well.
const USED_IN_UNIT_TESTS: [&str; 4] = ["naked", "nude", "gore", "severed"];

/// The English terms that block, as shipped: one or more words in small ASCII letters. None of `minors`.
fn blocking_terms() -> Vec<String> {
    let mut terms = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wordlists");
    for category in ["adult", "deception", "election", "gore", "hate", "illegal"] {
        let path = folder.join(format!("{category}/{category}-en.csv"));
        let list = Wordlist::parse(category, &std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(list.kind, ListKind::Block);
        let usable = list.terms.into_iter().filter(|term| {
            term.severity > Severity::Low
                && term.matching != MatchKind::Exact
                && !term.open_start
                && !term.open_end
                && term.text.bytes().all(|byte| byte == b' ' || byte.is_ascii_lowercase())
                && term.text.split(' ').any(|word| word.len() >= 5)
                && !USED_IN_UNIT_TESTS.iter().any(|used| term.text.contains(used))
        });
        terms.extend(usable.map(|term| term.text.into_string()));
    }
    assert!(terms.len() > 1_000, "only {} terms", terms.len());
    terms
}

/// A term, its twin, and the prompts they go into.
struct Case {
    carrier: &'static str,
    payload: String,
    twin: String,
    /// Which words are disguised, where a family disguises words.
    words: HashSet<usize>,
}

impl Case {
    /// The prompt with the payload, or its twin, disguised.
    fn prompt(&self, family: &Family, rng: &mut Rng, text: &str) -> Option<String> {
        let disguised = match family.scope {
            Scope::Phrase => family.mutate(rng, text)?,
            Scope::Word | Scope::OneWord => {
                // Whoever hides a phrase hides its words in one way: the same chance decides for each.
                let style = rng.clone();
                rng.below(2);
                let one = |(index, word): (usize, &str)| {
                    if self.words.contains(&index) {
                        family.mutate(&mut style.clone(), word)
                    } else {
                        Some(word.to_owned())
                    }
                };
                text.split(' ').enumerate().map(one).collect::<Option<Vec<String>>>()?.join(" ")
            }
        };
        Some(self.carrier.replace("{}", &disguised))
    }
}

/// What decides: the shipped lists and rules, no models.
struct Gate {
    moderator: Moderator,
    scratch: Scratch,
}

impl Gate {
    fn new() -> Self {
        Self { moderator: common::rules_only(), scratch: Scratch::default() }
    }

    fn blocks(&mut self, prompt: &str) -> bool {
        self.moderator.check_with(&mut self.scratch, prompt).is_blocked()
    }

    /// Whether anything but plain permission is given.
    fn flags(&mut self, prompt: &str) -> bool {
        self.moderator.check_with(&mut self.scratch, prompt).verdict != Verdict::Allow
    }

    /// Whether the prompt is blocked without looking behind any disguise.
    fn blocks_plainly(&mut self, prompt: &str) -> bool {
        let decision = self.moderator.check_with(&mut self.scratch, prompt);
        decision.is_blocked() && decision.reasons.iter().any(|reason| reason.via.is_empty())
    }
}

/// Draws a term, a carrier in which it blocks when written plainly, and its twin.
fn draw(rng: &mut Rng, gate: &mut Gate, terms: &[String], harmless: &[&str], scope: Scope) -> Case {
    loop {
        let payload = &terms[rng.below(terms.len())];
        let carrier = rng.pick(&CARRIERS);
        let parts: Vec<&str> = payload.split(' ').collect();
        let long: Vec<usize> = (0..parts.len()).filter(|&index| parts[index].len() >= 5).collect();
        // One word of a phrase is disguised, or all that are long enough.
        let words: HashSet<usize> = if scope == Scope::Word && rng.chance(50) {
            long.iter().copied().collect()
        } else {
            HashSet::from([long[rng.below(long.len())]])
        };
        // Where the disguise covers a phrase, all of its words have to be twins.
        let is_hidden = |index: &usize| scope == Scope::Phrase || words.contains(index);
        let rest: Vec<&str> = (0..parts.len()).filter(|index| !is_hidden(index)).map(|index| parts[index]).collect();
        let twin: Vec<&str> = parts.iter().map(|part| twin_of(rng, harmless, part)).collect();
        let alone = carrier.replace("{}", &rest.join(" "));
        let case = Case { carrier, twin: twin.join(" "), words, payload: payload.clone() };
        let plain = carrier.replace("{}", payload);
        // What would block without the disguised words says nothing about the disguise.
        if gate.blocks_plainly(&plain) && !gate.flags(&alone) && !gate.flags(&carrier.replace("{}", &case.twin)) {
            return case;
        }
    }
}

/// A harmless word of about the same length; short ones (`of`, `gun`) become short ones.
fn twin_of<'w>(rng: &mut Rng, harmless: &[&'w str], word: &str) -> &'w str {
    if word.len() < 5 {
        return rng.pick(&["red", "old", "tall", "blue", "one", "warm"]);
    }
    let near: Vec<&str> = harmless.iter().copied().filter(|other| other.len().abs_diff(word.len()) <= 1).collect();
    if near.is_empty() { "extraordinary" } else { near[rng.below(near.len())] }
}

#[derive(Default)]
struct Tally {
    caught: usize,
    flagged_twins: usize,
    missed: Vec<String>,
    flagged: Vec<String>,
}

fn evaluate(family: &Family, gate: &mut Gate, terms: &[String], harmless: &[&str], cases: usize) -> Tally {
    let seed = family.name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut rng = Rng::new(seed);
    let mut tally = Tally::default();
    let mut tried = 0;
    while tried < cases {
        let case = draw(&mut rng, gate, terms, harmless, family.scope);
        let twins = case.prompt(family, &mut rng, &case.twin);
        let (Some(prompt), Some(twin)) = (case.prompt(family, &mut rng, &case.payload), twins) else { continue };
        tried += 1;
        if gate.blocks(&prompt) {
            tally.caught += 1;
        } else {
            tally.missed.push(format!("{} <- {prompt}", case.payload));
        }
        if gate.flags(&twin) {
            tally.flagged_twins += 1;
            tally.flagged.push(format!("{} <- {twin}", case.twin));
        }
    }
    tally
}

#[test]
fn disguised_terms_are_found_and_their_harmless_twins_are_not() {
    let cases: usize = std::env::var("DISGUISES").map_or(300, |cases| cases.parse().expect("DISGUISES is a number"));
    let (terms, harmless) = (blocking_terms(), HARMLESS.split_whitespace().collect::<Vec<_>>());
    let mut gate = Gate::new();
    let (mut table, mut examples, mut weak) = (String::new(), String::new(), Vec::new());
    let (mut caught, mut flagged, mut single) = (0, 0, 0);
    for family in FAMILIES {
        let tally = evaluate(family, &mut gate, &terms, &harmless, cases);
        let share = |count: usize| 100.0 * count as f64 / cases as f64;
        writeln!(table, "{:26} {:6.1} {:6.1}", family.name, share(tally.caught), share(tally.flagged_twins)).unwrap();
        for (what, lines) in [("missed", &tally.missed), ("flagged twin", &tally.flagged)] {
            for line in lines {
                writeln!(examples, "{}: {what}: {line:?}", family.name).unwrap();
            }
        }
        // Two disguises in one hide more than the views promise to find; still most of it.
        if share(tally.caught) < if family.is_combined() { 50.0 } else { 80.0 } {
            weak.push(format!("{} ({:.1} %)", family.name, share(tally.caught)));
        }
        flagged += tally.flagged_twins;
        if !family.is_combined() {
            caught += tally.caught;
            single += cases;
        }
    }
    let recall = 100.0 * f64::from(u32::try_from(caught).unwrap()) / single as f64;
    let twins = 100.0 * f64::from(u32::try_from(flagged).unwrap()) / (FAMILIES.len() * cases) as f64;
    println!(
        "{:26} {:>6} {:>6}\n{table}{:26} {recall:6.1} {twins:6.1}\n\n{examples}",
        "family", "caught", "twins", "all"
    );
    assert!(FAMILIES.len() >= 50, "families are missing");
    assert!(recall >= 95.0, "{recall:.1} % of disguised terms are found, expected 95 % or more");
    assert!(weak.is_empty(), "found in less than 80 % of the cases, or 50 % where two disguises meet: {weak:?}");
    assert!(twins <= 3.0, "{twins:.1} % of harmless twins are flagged, expected 3 % or less");
}

/// What the views cost on harmless prompts: `PROMPTS=FILE` names them, one a line.
#[test]
fn views_flag_few_harmless_prompts() {
    let Some(path) = std::env::var_os("PROMPTS").filter(|path| Path::new(path).exists()) else {
        println!("skipped: PROMPTS names no file of prompts");
        return;
    };
    let text = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&text);
    let mut gate = Gate::new();
    let (mut prompts, mut plainly, mut by_views) = (0_usize, 0_usize, Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        prompts += 1;
        let decision = gate.moderator.check_with(&mut gate.scratch, Prompt::new(line));
        if decision.verdict == Verdict::Allow {
            continue;
        }
        if decision.reasons.iter().any(|reason| reason.via.is_empty()) {
            plainly += 1;
        } else {
            let why = decision.reasons.iter().map(|reason| format!("{} via {}", reason.rule, reason.via.join("+")));
            by_views.push(why.collect::<Vec<_>>().join(", "));
        }
    }
    let share = |count: usize| 100.0 * count as f64 / prompts.max(1) as f64;
    println!(
        "{prompts} prompts: {plainly} ({:.2} %) flagged as written, {} ({:.3} %) more by views\n{}",
        share(plainly),
        by_views.len(),
        share(by_views.len()),
        by_views.join("\n")
    );
    assert!(prompts > 0, "the file holds no prompts");
    assert!(share(by_views.len()) <= 0.3, "views flag {:.3} % more, expected 0.3 % or less", share(by_views.len()));
}
