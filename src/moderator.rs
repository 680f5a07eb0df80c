//! Wires the stages: the only place that knows their order.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::classifier::{Cascade, Manifest, Scored};
use crate::decision::Decision;
use crate::error::{ClassifyError, LoadError};
use crate::evidence::{Detector, Evidence, Findings, Stage, ViewedText};
use crate::explain::{Explanation, Trace};
use crate::hash::{SHORT, hex};
use crate::inventory::{Inventory, Origin};
use crate::lexicon::{Lexicon, Wordlist, builtin};
use crate::normalize::{Fold, Normalizer, Repairs, fold_plain};
use crate::policy::{Outcome, Policy};
use crate::prompt::{Field, Prompt, Role, SegmentKind};
use crate::rules::{RuleSet, RuleSource};
use crate::signs::Signs;
use crate::span::Span;
use crate::syntax::{self, Diagnostic, Joint, ParsedPrompt, Reading, Segment};
use crate::text::Normalized;
use crate::words::{Word, find_words};

/// What a reason lists in `via` where pieces that only markup separates are read as one word (`na::ked`).
pub(crate) const JOINED: &str = "joined";

/// The same where a value is read as the words it is made of (`<lora:NakedWomanV2:1>`).
pub(crate) const PARTED: &str = "parted";

/// Decides about prompts. Cheap to clone, shared by threads.
///
/// Building is slow (about half a second with models) and can fail; checking is fast and cannot.
///
/// ```
/// use promptgate::{Moderator, Policy, Prompt, Verdict};
///
/// // A gateway builds one moderator and shares it between its threads.
/// let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
/// std::thread::scope(|scope| {
///     for prompt in ["a lighthouse at dusk", "slices of blood orange"] {
///         let moderator = moderator.clone();
///         scope.spawn(move || assert_eq!(moderator.check(prompt).verdict, Verdict::Allow));
///     }
/// });
/// let decision = moderator.check(Prompt::new("a severed head on a pike").with_negative("blurry"));
/// assert!(decision.is_blocked());
/// assert_eq!(decision.reasons[0].rule.as_ref(), "gore-en:severed-head");
/// # Ok::<(), promptgate::LoadError>(())
/// ```
#[derive(Clone)]
pub struct Moderator {
    stages: Arc<Stages>,
}

struct Stages {
    policy: Policy,
    policy_name: Arc<str>,
    /// What moderators with different policies may share.
    parts: Arc<Parts>,
}

struct Parts {
    /// Hash of all lists and rules.
    digest: [u8; 32],
    inventory: Inventory,
    normalizer: Normalizer,
    repairs: Repairs,
    lexicon: Lexicon,
    rules: RuleSet,
    /// Those of the caller, which run behind the lexicon and the rules.
    detectors: Vec<Box<dyn Detector>>,
    cascade: Option<Cascade>,
}

const _: () = {
    const fn shared_by_threads<T: Send + Sync>() {}
    shared_by_threads::<Moderator>();
};

/// Where the lists and rules come from to which the caller adds.
enum Sources {
    Builtin,
    Folder(PathBuf),
    None,
}

/// Where the models come from.
enum Models {
    Builtin,
    Folder(PathBuf),
    Given(Cascade),
    None,
}

/// Gathers what a [`Moderator`] is built from.
///
/// ```
/// use promptgate::lexicon::Wordlist;
/// use promptgate::{Moderator, Policy};
///
/// // One's own list on top of the ones compiled in.
/// let own = "# id: house\n# kind: block\n# category: hate\n# source: house\n# licence: CC0-1.0\n# reviewed: 2026-11-24\nterm,severity,match,note\nzorbl,high,forms,an invented slur\n";
/// let moderator = Moderator::builder(Policy::default_policy()?)
///     .wordlist(Wordlist::parse("house.csv", own)?)
///     .without_models()
///     .build()?;
/// assert!(moderator.check("two z0rbls on a hill").is_blocked());
/// # Ok::<(), promptgate::LoadError>(())
/// ```
pub struct ModeratorBuilder {
    policy: Policy,
    sources: Sources,
    lists: Vec<Wordlist>,
    rules: Vec<(String, String)>,
    folds: Vec<Box<dyn Fold>>,
    detectors: Vec<Box<dyn Detector>>,
    models: Models,
}

impl ModeratorBuilder {
    /// Takes word lists and rules from `folder` (`<category>/*.csv`, `<category>/rules.toml`) instead of the ones compiled in.
    #[must_use]
    pub fn wordlists_from(mut self, folder: &Path) -> Self {
        self.sources = Sources::Folder(folder.to_owned());
        self
    }

    /// Starts from no word lists and no rules instead of the ones compiled in. A policy that promises verdicts will not be kept.
    #[must_use]
    pub fn without_builtin_lists(mut self) -> Self {
        self.sources = Sources::None;
        self
    }

    /// Adds a word list.
    #[must_use]
    pub fn wordlist(mut self, list: Wordlist) -> Self {
        self.lists.push(list);
        self
    }

    /// Adds the rules of a `rules.toml`; `place` names it in errors.
    #[must_use]
    pub fn rules(mut self, place: impl Into<String>, text: impl Into<String>) -> Self {
        self.rules.push((place.into(), text.into()));
        self
    }

    /// Adds a view of the text.
    #[must_use]
    pub fn fold(mut self, fold: Box<dyn Fold>) -> Self {
        self.folds.push(fold);
        self
    }

    /// Adds a detector behind the lexicon and the rules.
    #[must_use]
    pub fn detector(mut self, detector: Box<dyn Detector>) -> Self {
        self.detectors.push(detector);
        self
    }

    /// Takes the models from `folder/screen`, `folder/main` and, if it is there, `folder/expert` instead of the shipped ones.
    #[must_use]
    pub fn models_from(mut self, folder: &Path) -> Self {
        self.models = Models::Folder(folder.to_owned());
        self
    }

    /// Uses these models.
    #[must_use]
    pub fn cascade(mut self, cascade: Cascade) -> Self {
        self.models = Models::Given(cascade);
        self
    }

    /// Decides by lists and rules alone.
    #[must_use]
    pub fn without_models(mut self) -> Self {
        self.models = Models::None;
        self
    }

    /// Builds the moderator and checks the promises of its policy.
    ///
    /// # Errors
    ///
    /// Whatever of lists, rules, models or policy cannot be loaded, or an example of the policy whose verdict differs.
    pub fn build(self) -> Result<Moderator, LoadError> {
        // Two halves of about the same work: the models on one core, lists and rules on another.
        let (policy, models) = (&self.policy, self.models);
        let (cascade, lists) = std::thread::scope(|scope| {
            let cascade = scope.spawn(|| load_models(models, policy));
            let lists = read_lists(&self.sources, self.lists, self.rules);
            (cascade.join(), lists)
        });
        let ReadLists { digest, inventory, lexicon, rules, repairs } = lists?;
        let cascade = cascade.map_err(|_| LoadError::new(policy.place(), "loading the models panicked"))??;
        let mut normalizer = Normalizer::new();
        self.folds.into_iter().for_each(|fold| normalizer.push(fold));
        let detectors = self.detectors;
        let parts = Parts { digest, inventory, normalizer, repairs, lexicon, rules, detectors, cascade };
        Moderator::of(self.policy, Arc::new(parts))
    }
}

/// What lists and rules become.
struct ReadLists {
    digest: [u8; 32],
    inventory: Inventory,
    lexicon: Lexicon,
    rules: RuleSet,
    repairs: Repairs,
}

/// Reads and compiles the lists and rules of `sources` with the caller's own.
fn read_lists(
    sources: &Sources,
    own_lists: Vec<Wordlist>,
    own_rules: Vec<(String, String)>,
) -> Result<ReadLists, LoadError> {
    let (mut lists, mut rule_files) = match sources {
        Sources::Builtin => builtin::compiled_in()?,
        Sources::Folder(folder) => builtin::load(folder)?,
        Sources::None => (Vec::new(), Vec::new()),
    };
    let origin = if matches!(sources, Sources::Builtin) { Origin::CompiledIn } else { Origin::Folder };
    let (found_lists, found_rules) = (lists.len(), rule_files.len());
    lists.extend(own_lists);
    rule_files.extend(own_rules);
    let mut source = RuleSource::default();
    let mut inventory = Inventory::default();
    for (index, list) in lists.iter().enumerate() {
        inventory.add_list(list, if index < found_lists { origin } else { Origin::Added });
    }
    for (index, (place, text)) in rule_files.iter().enumerate() {
        let origin = if index < found_rules { origin } else { Origin::Added };
        let before = source.rules().count();
        if origin == Origin::CompiledIn {
            source.add_checked(place, text)?;
        } else {
            source.add(place, text)?;
        }
        inventory.add_rules(place, &source.rules().skip(before).collect::<Vec<_>>(), origin);
    }
    let mut hash = Sha256::new();
    for list in &lists {
        list.digest(&mut hash);
    }
    for (_, text) in &rule_files {
        hash.update(text);
    }
    let digest = hash.finalize().into();
    let own = lists.len();
    lists.extend(source.triggers());
    let (repairs, compiled) = std::thread::scope(|scope| {
        let repairs = scope.spawn(|| Repairs::new(lists.get(..own).unwrap_or_default()));
        let compiled = Lexicon::build(&lists).and_then(|lexicon| Ok((RuleSet::build(&source, &lexicon)?, lexicon)));
        (repairs.join(), compiled)
    });
    let (rules, lexicon) = compiled?;
    let repairs = repairs.map_err(|_| LoadError::new("word lists", "reading their words panicked"))?;
    Ok(ReadLists { digest, inventory, lexicon, rules, repairs })
}

/// Name and content hash of everything that decides but the models: a changed list changes verdicts as well.
fn policy_name(policy: &Policy, lists: &[u8; 32]) -> Arc<str> {
    let digest = hex(&Sha256::new_with_prefix(policy.text()).chain_update(lists).finalize());
    format!("{}@{}", policy.name(), digest.get(..SHORT).unwrap_or(&digest)).into()
}

#[cfg(feature = "onnx")]
fn load_models(models: Models, policy: &Policy) -> Result<Option<Cascade>, LoadError> {
    let deadline = std::time::Duration::from_millis(policy.limits().deadline_ms);
    match models {
        Models::None => Ok(None),
        Models::Given(cascade) => Ok(Some(cascade)),
        Models::Builtin => crate::classifier::shipped(deadline).map(Some),
        Models::Folder(folder) => crate::classifier::load(&folder, deadline).map(Some),
    }
}

#[cfg(not(feature = "onnx"))]
fn load_models(models: Models, policy: &Policy) -> Result<Option<Cascade>, LoadError> {
    match models {
        Models::None => Ok(None),
        Models::Given(cascade) => Ok(Some(cascade)),
        Models::Folder(folder) => Err(without_feature(&folder.display().to_string())),
        Models::Builtin => Err(without_feature(policy.place())),
    }
}

#[cfg(not(feature = "onnx"))]
fn without_feature(place: &str) -> LoadError {
    LoadError::new(place, "models need the `onnx` feature, which this build lacks, expected `without_models`")
}

/// Buffers of a check, to be kept from prompt to prompt in a hot loop.
#[derive(Default)]
pub struct Scratch {
    slots: Vec<Slot>,
    used: usize,
    findings: Findings,
    model_texts: Vec<String>,
    spare: Normalized,
}

/// One text of a reading in one view.
struct Slot {
    typed: Normalized,
    folded: Normalized,
    words: Vec<Word>,
    via: Vec<&'static str>,
    signs: Signs,
    kind: SegmentKind,
}

impl Scratch {
    /// The index of a free slot, its text empty.
    fn slot(&mut self, field: Field, role: Role, kind: SegmentKind) -> usize {
        if self.used == self.slots.len() {
            let empty = || Normalized::new(field, role);
            let (words, via, signs) = (Vec::new(), Vec::new(), Signs::default());
            self.slots.push(Slot { typed: empty(), folded: empty(), words, via, signs, kind });
        }
        self.used += 1;
        let index = self.used - 1;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.typed.reset(field, role);
            slot.via.clear();
            slot.kind = kind;
        }
        index
    }

    /// A free slot for another view of the text in slot `from`, with that one.
    fn view_of(&mut self, from: usize) -> Option<(&Slot, &mut Slot)> {
        let slot = self.slots.get(from)?;
        let index = self.slot(slot.typed.field(), slot.typed.role(), slot.kind);
        let (before, after) = self.slots.split_at_mut(index);
        let (from, slot) = (before.get(from)?, after.first_mut()?);
        slot.via.extend(&from.via);
        Some((from, slot))
    }

    /// Frees the last slot if a view from `first_view` on shows the same text.
    fn drop_if_known(&mut self, first_view: usize) {
        let views = self.slots.get(first_view..self.used).unwrap_or_default();
        if let Some((last, others)) = views.split_last()
            && others.iter().any(|view| view.typed.as_str() == last.typed.as_str())
        {
            self.used -= 1;
        }
    }
}

impl Slot {
    /// Folds what was written to `typed`.
    fn fold(&mut self) {
        fold_plain(&self.typed, &mut self.folded);
        find_words(self.folded.as_str(), &mut self.words);
    }

    fn viewed<'a>(&'a self, prompt: &Prompt<'a>) -> ViewedText<'a> {
        ViewedText {
            source: match self.typed.field() {
                Field::Prompt => prompt.text,
                Field::Negative => prompt.negative.unwrap_or_default(),
            },
            typed: &self.typed,
            folded: &self.folded,
            words: &self.words,
            via: &self.via,
            signs: self.signs,
            kind: self.kind,
        }
    }
}

impl Moderator {
    /// A moderator with the lists, rules and models that are compiled in.
    ///
    /// # Errors
    ///
    /// See [`ModeratorBuilder::build`].
    pub fn new(policy: Policy) -> Result<Self, LoadError> {
        Self::builder(policy).build()
    }

    /// Starts a moderator that differs from the one compiled in.
    #[must_use]
    pub fn builder(policy: Policy) -> ModeratorBuilder {
        ModeratorBuilder {
            policy,
            sources: Sources::Builtin,
            lists: Vec::new(),
            rules: Vec::new(),
            folds: Vec::new(),
            detectors: Vec::new(),
            models: Models::Builtin,
        }
    }

    /// The same lists, rules and models under another policy; both share them in memory. The time to wait for a model session
    /// stays the first policy's.
    ///
    /// ```
    /// use promptgate::{Moderator, Policy};
    ///
    /// let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
    /// let text = Policy::DEFAULT_TEXT.replacen("action = \"block\"", "action = \"review\"", 1);
    /// let milder = moderator.with_policy(Policy::parse("milder.toml", &text)?.without_examples())?;
    /// assert!(moderator.check("a nude woman").verdict > milder.check("a nude woman").verdict);
    /// # Ok::<(), promptgate::LoadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An example of the policy whose verdict differs.
    pub fn with_policy(&self, policy: Policy) -> Result<Self, LoadError> {
        Self::of(policy, Arc::clone(&self.stages.parts))
    }

    fn of(policy: Policy, parts: Arc<Parts>) -> Result<Self, LoadError> {
        let policy_name = policy_name(&policy, &parts.digest);
        let moderator = Self { stages: Arc::new(Stages { policy, policy_name, parts }) };
        moderator.keep_promises()?;
        Ok(moderator)
    }

    /// Name and content hash of the policy with its lists and rules, `default@3f2a9c0d81b2`.
    #[must_use]
    pub fn policy_name(&self) -> &str {
        &self.stages.policy_name
    }

    /// Names and content hashes of the models, `main@9b1c0d81b23f`, the smallest first; none where there are no models.
    pub fn model_names(&self) -> impl Iterator<Item = &str> {
        self.stages.parts.cascade.iter().flat_map(Cascade::names)
    }

    /// The word lists and rule files it decides with, in their order.
    ///
    /// ```
    /// use promptgate::{Category, Moderator, Origin, Policy, Severity};
    ///
    /// let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
    /// let list = moderator.inventory().lists.iter().find(|list| list.id == "gore-en").unwrap();
    /// assert_eq!((list.category, list.origin), (Some(Category::Gore), Origin::CompiledIn));
    /// assert_eq!(moderator.inventory().severities()[&Category::Minors], Severity::Critical);
    /// # Ok::<(), promptgate::LoadError>(())
    /// ```
    #[must_use]
    pub fn inventory(&self) -> &Inventory {
        &self.stages.parts.inventory
    }

    /// What its models came with, the smallest first; nothing of those that have no manifest.
    pub fn manifests(&self) -> impl Iterator<Item = (Stage, &Manifest)> {
        self.stages.parts.cascade.iter().flat_map(Cascade::manifests)
    }

    /// How many texts the lexicon looks for, all forms counted.
    #[must_use]
    pub fn patterns(&self) -> usize {
        self.stages.parts.lexicon.patterns()
    }

    /// Decides about one prompt. Never panics, whatever the prompt.
    ///
    /// Lists and rules take tens of microseconds and grow linearly; the models take 0.05 ms (most prompts) to some 10 ms and, for
    /// the longest prompt the policy admits, at most `max_main_pieces` times that. A call waits at most the policy's
    /// deadline for a free model session.
    pub fn check<'a>(&self, prompt: impl Into<Prompt<'a>>) -> Decision {
        self.check_with(&mut Scratch::default(), prompt)
    }

    /// As [`check`](Self::check), with buffers kept between calls. The decision does not depend on what they held.
    ///
    /// ```
    /// use promptgate::{Moderator, Policy, Scratch};
    ///
    /// let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
    /// let mut scratch = Scratch::default();
    /// let blocked = ["a lighthouse", "a nude woman"].map(|prompt| moderator.check_with(&mut scratch, prompt).is_blocked());
    /// assert_eq!(blocked, [false, true]);
    /// # Ok::<(), promptgate::LoadError>(())
    /// ```
    pub fn check_with<'a>(&self, scratch: &mut Scratch, prompt: impl Into<Prompt<'a>>) -> Decision {
        let stages = &*self.stages;
        let outcome = stages.judge(scratch, &prompt.into(), &mut ());
        stages.policy.decide(outcome, &stages.policy_name)
    }

    /// Decides about many prompts on this thread, in their order, stage by stage: for prompts that are there together this takes less
    /// time than as many calls of [`check_with`](Self::check_with), and every decision is the same.
    ///
    /// ```
    /// use promptgate::{Moderator, Policy, Prompt, Scratch};
    ///
    /// let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
    /// let prompts = [Prompt::from("a lighthouse"), Prompt::from("a nude woman")];
    /// let decisions = moderator.check_batch_with(&mut Scratch::default(), &prompts);
    /// assert_eq!(decisions.iter().map(|decision| decision.is_blocked()).collect::<Vec<_>>(), [false, true]);
    /// # Ok::<(), promptgate::LoadError>(())
    /// ```
    pub fn check_batch_with(&self, scratch: &mut Scratch, prompts: &[Prompt<'_>]) -> Vec<Decision> {
        let stages = &*self.stages;
        let outcomes = stages.judge_batch(scratch, prompts);
        outcomes.into_iter().map(|outcome| stages.policy.decide(outcome, &stages.policy_name)).collect()
    }

    /// Decides about one prompt and tells how: the parse tree, the views, every hit and what excused it, the rules.
    ///
    /// The stages are those of [`check`](Self::check), and so is the verdict; but all of them run, even where `check` stops
    /// because the verdict is settled, so that there may be more reasons, and scores. It costs several times what a check
    /// does, and the answer quotes the prompt: it is for people, not for logs.
    ///
    /// ```
    /// use promptgate::explain::HitKind;
    /// use promptgate::{Moderator, Policy};
    ///
    /// let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
    /// let explanation = moderator.explain("wedding table with a naked cake");
    /// assert!(!explanation.decision.is_blocked());
    /// let hit = explanation.hits.iter().find(|hit| hit.kind == HitKind::Block).unwrap();
    /// assert_eq!(hit.term, "adult-en:naked");
    /// assert!(hit.excused_by.as_ref().is_some_and(|exception| exception.ends_with(":naked-cake")));
    /// # Ok::<(), promptgate::LoadError>(())
    /// ```
    pub fn explain<'a>(&self, prompt: impl Into<Prompt<'a>>) -> Explanation {
        let (stages, prompt, mut scratch) = (&*self.stages, prompt.into(), Scratch::default());
        let mut trace = Trace::new(&stages.parts.lexicon, &stages.parts.rules, &stages.parts.normalizer);
        let outcome = stages.judge(&mut scratch, &prompt, &mut trace);
        let model_texts = if stages.parts.cascade.is_some() { scratch.model_texts } else { Vec::new() };
        trace.finish(&prompt, outcome, model_texts, &stages.policy, &stages.policy_name)
    }

    /// Runs the examples inside the policy.
    fn keep_promises(&self) -> Result<(), LoadError> {
        let models = self.stages.parts.cascade.is_some();
        let mut broken = self.stages.policy.broken_examples(models, |prompt| self.check(prompt));
        broken.next().map_or(Ok(()), |(_, error)| Err(error))
    }
}

/// Watches a judgement. `check` is watched by `()`, which sees nothing and costs nothing.
pub(crate) trait Observer {
    /// Whether every stage is to run, even where the verdict is settled.
    const EVERY_STAGE: bool;

    /// A field was parsed.
    fn parsed(&mut self, text: &str, parsed: &ParsedPrompt, diagnostics: &[Diagnostic]);

    /// So many prompts the text stands for; `capped` says that some are missing, `together` that all alternatives are judged in one
    /// text, too.
    fn spelled(&mut self, readings: usize, capped: bool, together: bool);

    /// The detectors have run over one reading.
    fn inspected(&mut self, pass: Pass<'_>, texts: &[ViewedText<'_>], findings: &Findings);
}

/// Which reading is inspected.
#[derive(Clone, Copy)]
pub(crate) enum Pass<'a> {
    /// One of the prompts that the text stands for, or all of its alternatives side by side.
    Whole,
    /// Pieces that markup parts. What lies within one of these segments does not count here.
    Crossing(&'a [Span]),
}

impl Observer for () {
    const EVERY_STAGE: bool = false;

    fn parsed(&mut self, _: &str, _: &ParsedPrompt, _: &[Diagnostic]) {}

    fn spelled(&mut self, _: usize, _: bool, _: bool) {}

    fn inspected(&mut self, _: Pass<'_>, _: &[ViewedText<'_>], _: &Findings) {}
}

impl Outcome {
    /// Takes what the models say.
    fn hear(&mut self, said: Result<Option<Scored>, (Stage, ClassifyError)>) {
        match said {
            Ok(scored) => {
                self.scores = scored.as_ref().map(|scored| scored.scores);
                self.model = scored.map(|scored| (scored.stage, scored.model));
            }
            Err((stage, error)) => self.failed = Some((stage, failure(stage, &error))),
        }
    }
}

impl Stages {
    /// Runs the stages until the verdict is settled.
    fn judge<O: Observer>(&self, scratch: &mut Scratch, prompt: &Prompt<'_>, observer: &mut O) -> Outcome {
        let (mut outcome, open) = self.search(scratch, prompt, observer);
        if let Some(cascade) = self.parts.cascade.as_ref().filter(|_| open) {
            let texts: Vec<&str> = scratch.model_texts.iter().map(String::as_str).collect();
            outcome.hear(cascade.score(&texts, self.policy.cascade(), self.policy.limits(), prompt.thorough));
        }
        outcome
    }

    /// The same for many prompts, stage by stage: what a stage needs stays in the caches while all pass through it.
    fn judge_batch(&self, scratch: &mut Scratch, prompts: &[Prompt<'_>]) -> Vec<Outcome> {
        let mut texts: Vec<Vec<String>> = Vec::new();
        let mut outcomes = Vec::with_capacity(prompts.len());
        let mut asking = Vec::new();
        for (index, prompt) in prompts.iter().enumerate() {
            let (outcome, open) = self.search(scratch, prompt, &mut ());
            if open && self.parts.cascade.is_some() {
                asking.push((index, prompt.thorough));
                texts.push(std::mem::take(&mut scratch.model_texts));
            }
            outcomes.push(outcome);
        }
        let Some(cascade) = self.parts.cascade.as_ref().filter(|_| !asking.is_empty()) else { return outcomes };
        let texts: Vec<Vec<&str>> = texts.iter().map(|texts| texts.iter().map(String::as_str).collect()).collect();
        let questions = texts.iter().zip(&asking).map(|(texts, (_, thorough))| (texts.as_slice(), *thorough));
        let answers = cascade.score_batch(questions, self.policy.cascade(), self.policy.limits());
        for ((index, _), answer) in asking.into_iter().zip(answers) {
            if let Some(outcome) = outcomes.get_mut(index) {
                outcome.hear(answer);
            }
        }
        outcomes
    }

    /// Runs lists and rules; says whether models are to be asked about `scratch.model_texts`.
    fn search<O: Observer>(&self, scratch: &mut Scratch, prompt: &Prompt<'_>, observer: &mut O) -> (Outcome, bool) {
        let limits = self.policy.limits();
        if prompt.text.len() + prompt.negative.map_or(0, str::len) > limits.max_prompt_bytes {
            return (Outcome { failed: Some((Stage::Limits, "prompt-too-long")), ..Outcome::default() }, false);
        }
        let mut evidence: Vec<Evidence> = Vec::new();
        scratch.model_texts.clear();
        let settled = |evidence: &[Evidence]| !O::EVERY_STAGE && self.policy.settles(evidence);
        let mut parse = |field: Field, text: &str| {
            let (parsed, diagnostics) = syntax::parse(field, text, prompt.dialect);
            observer.parsed(text, &parsed, &diagnostics);
            parsed
        };
        let parsed = parse(Field::Prompt, prompt.text);
        let negative = prompt.negative.map(|text| (text, parse(Field::Negative, text).union()));
        let spelled = parsed.readings(most_readings(limits.max_readings, prompt.text.len()));
        observer.spelled(spelled.readings.len(), spelled.capped, parsed.blends && spelled.readings.len() > 1);
        // Where alternatives meet in one picture (`[a:b:0.5]` paints both), lists and rules also judge all of them together.
        let union = (parsed.blends && spelled.readings.len() > 1 && !spelled.capped).then(|| parsed.union());
        let prompts = spelled.readings.len();
        for (index, reading) in spelled.readings.into_iter().chain(union).enumerate() {
            let for_models = scratch.model_texts.len();
            self.inspect(scratch, prompt, &reading, negative.as_ref(), Pass::Whole, observer);
            drop_torn(&mut scratch.findings.evidence, &reading);
            if index >= prompts {
                scratch.model_texts.truncate(for_models);
            }
            evidence.append(&mut scratch.findings.evidence);
            if settled(&evidence) {
                break;
            }
        }
        // More pieces are nobody's prompt: beyond that, a word that markup cuts is found only where its pieces touch (`joined`).
        if !settled(&evidence) && parsed.segments().nth(MOST_CROSSED).is_none() {
            let for_models = scratch.model_texts.len();
            let crossings = [parsed.crossings(prompt.text, spelled.capped)];
            self.cross(scratch, prompt, &parsed, &crossings, &mut evidence, observer);
            if let Some(other) = syntax::second_opinion(&parsed, prompt.text) {
                let readings = [other.union(), other.crossings(prompt.text, true)];
                self.cross(scratch, prompt, &other, &readings, &mut evidence, observer);
            }
            scratch.model_texts.truncate(for_models);
        }
        keep_first(&mut evidence);
        let open = !settled(&evidence);
        (Outcome { evidence, ..Outcome::default() }, open)
    }

    /// Finds everything in one reading of the prompt and in the negative prompt.
    fn inspect<O: Observer>(
        &self,
        scratch: &mut Scratch,
        prompt: &Prompt<'_>,
        reading: &[Segment],
        negative: Option<&(&str, Reading)>,
        pass: Pass<'_>,
        observer: &mut O,
    ) {
        scratch.used = 0;
        scratch.findings.clear();
        self.read(scratch, Field::Prompt, prompt.text, reading);
        if let Some((text, segments)) = negative {
            self.read(scratch, Field::Negative, text, segments);
        }
        self.detect(scratch, prompt, pass, observer);
    }

    /// Finds what goes through markup in `readings`. What lies within one segment was judged in its context.
    fn cross<O: Observer>(
        &self,
        scratch: &mut Scratch,
        prompt: &Prompt<'_>,
        parsed: &ParsedPrompt,
        readings: &[Reading],
        evidence: &mut Vec<Evidence>,
        observer: &mut O,
    ) {
        let mut typed: Vec<Span> = Vec::new();
        for reading in readings.iter().filter(|reading| reading.len() > 1) {
            if typed.is_empty() {
                typed.extend(parsed.segments().map(|segment| segment.span));
            }
            self.inspect(scratch, prompt, reading, None, Pass::Crossing(&typed), observer);
            evidence.extend(scratch.findings.evidence.drain(..).filter(|one| !within_one(&typed, one.span)));
        }
    }

    /// Looks at one field of one reading: its prose and its values, on either side, in every view they open.
    ///
    /// What the prompt weighs to nothing is not asked for; whoever says so of clothes keeps them out.
    fn read(&self, scratch: &mut Scratch, field: Field, text: &str, segments: &[Segment]) {
        // A phrase may begin in the value of a parameter and go on behind it (`--style severed head`).
        let asked = |segment: &Segment| segment.role == Role::Positive;
        let goes_on = |(value, prose): (&Segment, &Segment)| {
            value.kind == SegmentKind::Value
                && prose.kind == SegmentKind::Prose
                && value.span.slice(text).is_some_and(|value| value.contains(char::is_alphabetic))
        };
        let positive = segments.iter().filter(|segment| asked(segment));
        let mut pairs = positive.clone().zip(positive.skip(1));
        if segments.len() <= MOST_CROSSED && pairs.any(goes_on) {
            let index = scratch.slot(field, Role::Positive, SegmentKind::Value);
            if let Some(slot) = scratch.slots.get_mut(index) {
                compose(&mut slot.typed, text, segments, asked, false);
                slot.via.push(JOINED);
            }
            self.look(scratch, text, index);
        }
        for role in [Role::Positive, Role::Negative] {
            for kind in [SegmentKind::Prose, SegmentKind::Value] {
                let absent = (role == Role::Negative && field == Field::Prompt).then_some(Role::Absent);
                let of_side =
                    |segment: &Segment| segment.kind == kind && (segment.role == role || Some(segment.role) == absent);
                if !segments.iter().any(of_side) {
                    continue;
                }
                let index = scratch.slot(field, role, kind);
                let seams = scratch
                    .slots
                    .get_mut(index)
                    .is_some_and(|slot| compose(&mut slot.typed, text, segments, of_side, false));
                self.look(scratch, text, index);
                self.part(scratch, text, index);
                if seams {
                    let joined = scratch.slot(field, role, kind);
                    if let Some(slot) = scratch.slots.get_mut(joined) {
                        compose(&mut slot.typed, text, segments, of_side, true);
                        slot.via.push(JOINED);
                    }
                    self.look(scratch, text, joined);
                }
            }
        }
    }

    /// Looks at the values in a slot, names among them, as the words they are made of.
    fn part(&self, scratch: &mut Scratch, text: &str, index: usize) {
        let is_name = |slot: &&Slot| {
            slot.kind == SegmentKind::Value && slot.typed.as_str().as_bytes().windows(2).any(goes_on_with_a_word)
        };
        if scratch.slots.get(index).as_ref().is_some_and(is_name)
            && let Some((from, slot)) = scratch.view_of(index)
        {
            part_names(&from.typed, &mut slot.typed);
            slot.via.push(PARTED);
            self.look(scratch, text, scratch.used - 1);
        }
    }

    /// Folds the text in a slot, and does the same for every view it opens.
    fn look(&self, scratch: &mut Scratch, text: &str, index: usize) {
        let Some(slot) = scratch.slots.get_mut(index) else { return };
        slot.signs = Signs::of(slot.typed.as_str());
        slot.fold();
        let (signs, role) = (slot.signs, slot.typed.role());
        let for_models = role == Role::Positive && slot.kind == SegmentKind::Prose && self.parts.cascade.is_some();
        if for_models && slot.via.is_empty() {
            push_new(&mut scratch.model_texts, slot.typed.as_str());
        }
        let first_view = scratch.used;
        for fold in self.parts.normalizer.opened(signs) {
            let Some((from, slot)) = scratch.view_of(index) else { return };
            fold.fold(&from.typed, &mut slot.typed);
            if slot.typed.as_str() == from.typed.as_str() {
                scratch.used -= 1;
                continue;
            }
            slot.via.push(fold.id());
            slot.signs = signs;
            slot.fold();
        }
        // Disguises of several kinds hide behind each other (`n.4.k.3.d`): once more, one fold after the other.
        let opened = scratch.used - first_view;
        if opened > 0 {
            self.undo_all(scratch, index);
            if let Some(undone) = scratch.slots.get(scratch.used - 1).filter(|_| for_models) {
                push_new(&mut scratch.model_texts, undone.typed.as_str());
            }
            scratch.drop_if_known(first_view);
        }
        let last_view = scratch.used;
        for view in std::iter::once(index).chain(first_view..last_view) {
            self.repair(scratch, text, view);
        }
    }

    /// Adds the view in which disguises of all kinds are undone.
    fn undo_all(&self, scratch: &mut Scratch, index: usize) {
        let mut spare = std::mem::take(&mut scratch.spare);
        if let Some((from, slot)) = scratch.view_of(index) {
            from.typed.clone_into(&mut slot.typed);
            slot.signs = from.signs;
            slot.via.extend(self.parts.normalizer.undo_all(&mut slot.typed, from.signs, &mut spare));
            slot.fold();
        }
        scratch.spare = spare;
    }

    /// Adds the view of the text in a slot in which words that nobody knows are repaired.
    fn repair(&self, scratch: &mut Scratch, text: &str, index: usize) {
        let Some((from, slot)) = scratch.view_of(index) else { return };
        let via = self.parts.repairs.repair(&from.folded, text, &from.words, from.signs, &mut slot.typed);
        if via.is_empty() {
            scratch.used -= 1;
            return;
        }
        slot.via.extend(via);
        slot.signs = from.signs;
        slot.fold();
    }

    /// Runs the detectors over everything that was read.
    fn detect<O: Observer>(&self, scratch: &mut Scratch, prompt: &Prompt<'_>, pass: Pass<'_>, observer: &mut O) {
        let slots = scratch.slots.get(..scratch.used).unwrap_or_default();
        let texts: Vec<ViewedText<'_>> = slots.iter().map(|slot| slot.viewed(prompt)).collect();
        self.parts.lexicon.detect(&texts, &mut scratch.findings);
        self.parts.rules.detect(&texts, &mut scratch.findings);
        for detector in &self.parts.detectors {
            detector.detect(&texts, &mut scratch.findings);
        }
        observer.inspected(pass, &texts, &scratch.findings);
    }
}

/// Whether `span` lies within one of `segments`, which are in the order typed.
pub(crate) fn within_one(segments: &[Span], span: Span) -> bool {
    let next = segments.partition_point(|segment| segment.start <= span.start);
    next.checked_sub(1).and_then(|index| segments.get(index)).is_some_and(|segment| segment.covers(span))
}

/// Writes the segments of one side into one text. Says whether some of them might be one word (`na::ked`); with `join`
/// they are.
fn compose(
    out: &mut Normalized,
    text: &str,
    segments: &[Segment],
    of_side: impl Fn(&Segment) -> bool,
    join: bool,
) -> bool {
    let mut seams = false;
    let mut last: Option<usize> = None;
    for (index, segment) in segments.iter().enumerate().filter(|(_, segment)| of_side(segment)) {
        if let Some(last) = last {
            // A joint speaks of the segment right before, which may be of another side (`na<lora:x:1>ked`): the pieces may
            // be one word only if every joint on the way allows it.
            let between = segments.get(last + 1..=index).unwrap_or_default();
            let loose = |&joint: &Joint| matches!(joint, Joint::Apart | Joint::Item);
            let joint = between.iter().map(|segment| segment.joint).rfind(loose).unwrap_or(segment.joint);
            let between = match joint {
                Joint::Glued => "",
                Joint::Apart => " ",
                Joint::Item => ", ",
                Joint::Either => {
                    seams = true;
                    if join { "" } else { " " }
                }
            };
            if !between.is_empty() {
                out.push_replaced(Span::new(segment.span.start, segment.span.start), between);
            }
        }
        out.push_copied(text, segment.span);
        last = Some(index);
    }
    seams
}

/// Whether a name goes on with another word between these two bytes: `nakedWoman`, `nude2`, `v2nude`.
fn goes_on_with_a_word(pair: &[u8]) -> bool {
    let &[left, right] = pair else { return false };
    left.is_ascii_lowercase() && right.is_ascii_uppercase()
        || left.is_ascii_alphabetic() && right.is_ascii_digit()
        || left.is_ascii_digit() && right.is_ascii_alphabetic()
}

/// Writes the text with a space wherever a name goes on with another word.
fn part_names(from: &Normalized, out: &mut Normalized) {
    let text = from.as_str();
    let mut rewriter = from.rewrite_into(out);
    let mut start = 0;
    for (at, _) in text.as_bytes().windows(2).enumerate().filter(|(_, pair)| goes_on_with_a_word(pair)) {
        rewriter.copy(start, at + 1);
        rewriter.insert(at + 1, " ");
        start = at + 1;
    }
    rewriter.copy(start, text.len());
}

/// Adds a text for the models unless they have it.
fn push_new(texts: &mut Vec<String>, text: &str) {
    if !text.trim().is_empty() && !texts.iter().any(|known| known == text) {
        texts.push(text.to_owned());
    }
}

/// Drops terms found in joined pieces that lie in one of them: joining takes harmless phrases apart that go on in the next
/// (`{naked branches|leaves}{ fall|}`), and the piece itself was looked at as it stands.
fn drop_torn(evidence: &mut Vec<Evidence>, reading: &[Segment]) {
    let is_joined =
        |one: &Evidence| one.stage == Stage::Lexicon && one.field == Field::Prompt && one.via.contains(&JOINED);
    if evidence.iter().any(is_joined) {
        let typed: Vec<Span> = reading.iter().map(|segment| segment.span).collect();
        evidence.retain(|one| !(is_joined(one) && within_one(&typed, one.span)));
    }
}

/// The most segments of a prompt of which all neighbors are put together.
const MOST_CROSSED: usize = 1024;

/// How many readings of a prompt of `bytes` bytes are judged: a long one gets fewer, so that all of them together stay within
/// bounds. Past the cap the last reading holds every word.
fn most_readings(limit: usize, bytes: usize) -> usize {
    /// Bytes of all readings of a prompt together.
    const BYTES: usize = 1 << 17;
    limit.min((BYTES / bytes.max(1)).max(2))
}

/// Drops evidence that another reading or view has already given: same rule, same place.
fn keep_first(evidence: &mut Vec<Evidence>) {
    if evidence.len() > 1 {
        let mut seen = HashSet::new();
        evidence.retain(|one| seen.insert((Arc::clone(&one.rule), one.field, one.span)));
    }
}

fn failure(stage: Stage, error: &ClassifyError) -> &'static str {
    match (stage, error.is_deadline()) {
        (Stage::Screen, true) => "screen-busy",
        (Stage::Screen, false) => "screen-failed",
        (Stage::Expert, true) => "expert-busy",
        (Stage::Expert, false) => "expert-failed",
        (_, true) => "main-busy",
        (_, false) => "main-failed",
    }
}
