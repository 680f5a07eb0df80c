//! Wires the stages: the only place that knows their order.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::classifier::Cascade;
use crate::decision::Decision;
use crate::error::{ClassifyError, LoadError};
use crate::evidence::{Detector, Evidence, Findings, Stage, ViewedText};
use crate::hash::{SHORT, hex};
use crate::lexicon::{Lexicon, Wordlist, builtin};
use crate::normalize::{Fold, Normalizer, fold_plain};
use crate::policy::{Outcome, Policy};
use crate::prompt::{Field, Prompt, Role, SegmentKind};
use crate::rules::{RuleSet, RuleSource};
use crate::signs::Signs;
use crate::span::Span;
use crate::syntax::{self, Joint, Segment};
use crate::text::{Normalized, View};

/// The view in which pieces that only markup separates are one word (`na::ked`).
const JOINED: View = View("joined");

/// Decides about prompts. Cheap to clone, shared by threads.
///
/// Building is slow (about 0.2 s with models) and can fail; checking is fast and cannot.
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
    normalizer: Normalizer,
    /// The lexicon, the rules, then those of the caller.
    detectors: Vec<Box<dyn Detector>>,
    patterns: usize,
    cascade: Option<Cascade>,
}

const _: () = {
    const fn shared_by_threads<T: Send + Sync>() {}
    shared_by_threads::<Moderator>();
};

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
    folder: Option<PathBuf>,
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
        self.folder = Some(folder.to_owned());
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

    /// Takes the models from `folder/screen` and `folder/main` instead of the ones compiled in.
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
        let (mut lists, mut rule_files) = match &self.folder {
            Some(folder) => builtin::load(folder)?,
            None => builtin::compiled_in()?,
        };
        lists.extend(self.lists);
        rule_files.extend(self.rules);
        let mut source = RuleSource::default();
        for (place, text) in &rule_files {
            source.add(place, text)?;
        }
        let policy_name = policy_name(&self.policy, &lists, &rule_files);
        lists.extend(source.triggers());
        let lexicon = Lexicon::build(&lists)?;
        let rules = RuleSet::build(&source, &lexicon)?;
        let mut normalizer = Normalizer::new();
        self.folds.into_iter().for_each(|fold| normalizer.push(fold));
        let cascade = load_models(self.models, &self.policy)?;
        let patterns = lexicon.patterns();
        let mut detectors: Vec<Box<dyn Detector>> = vec![Box::new(lexicon), Box::new(rules)];
        detectors.extend(self.detectors);
        let stages = Stages { policy: self.policy, policy_name, normalizer, detectors, patterns, cascade };
        let moderator = Moderator { stages: Arc::new(stages) };
        moderator.keep_promises()?;
        Ok(moderator)
    }
}

/// Name and content hash of everything that decides but the models: a changed list changes verdicts as well.
fn policy_name(policy: &Policy, lists: &[Wordlist], rules: &[(String, String)]) -> Arc<str> {
    let mut hash = Sha256::new_with_prefix(policy.text());
    for list in lists {
        list.digest(&mut hash);
    }
    for (_, text) in rules {
        hash.update(text);
    }
    let digest = hex(&hash.finalize());
    format!("{}@{}", policy.name(), digest.get(..SHORT).unwrap_or(&digest)).into()
}

#[cfg(feature = "onnx")]
fn load_models(models: Models, policy: &Policy) -> Result<Option<Cascade>, LoadError> {
    use crate::classifier::OnnxClassifier;

    let deadline = std::time::Duration::from_millis(policy.limits().deadline_ms);
    let (screen, main) = match models {
        Models::None => return Ok(None),
        Models::Given(cascade) => return Ok(Some(cascade)),
        Models::Builtin => crate::classifier::compiled_in(deadline)?,
        Models::Folder(folder) => {
            let load = |name: &str| OnnxClassifier::load(&folder.join(name), deadline);
            (load("screen")?, load("main")?)
        }
    };
    Ok(Some(Cascade::new(Box::new(screen), Box::new(main))))
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
}

/// One text of a reading in one view.
struct Slot {
    typed: Normalized,
    folded: Normalized,
    view: View,
    signs: Signs,
    kind: SegmentKind,
}

impl Scratch {
    /// The index of a free slot, its text empty.
    fn slot(&mut self, field: Field, role: Role, view: View, kind: SegmentKind) -> usize {
        let empty = || Normalized::new(field, role);
        if self.used == self.slots.len() {
            self.slots.push(Slot { typed: empty(), folded: empty(), view, signs: Signs::default(), kind });
        }
        self.used += 1;
        let index = self.used - 1;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.typed.reset(field, role);
            slot.view = view;
            slot.kind = kind;
        }
        index
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
            folder: None,
            lists: Vec::new(),
            rules: Vec::new(),
            folds: Vec::new(),
            detectors: Vec::new(),
            models: Models::Builtin,
        }
    }

    /// Name and content hash of the policy with its lists and rules, `default@3f2a9c0d81b2`.
    #[must_use]
    pub fn policy_name(&self) -> &str {
        &self.stages.policy_name
    }

    /// How many texts the lexicon looks for, all forms counted.
    #[must_use]
    pub fn patterns(&self) -> usize {
        self.stages.patterns
    }

    /// Decides about one prompt. Never panics, whatever the prompt.
    ///
    /// Lists and rules take a few microseconds and grow linearly; the models take 0.05 ms (most prompts) to 2 ms and, for
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
        let outcome = stages.judge(scratch, &prompt.into());
        stages.policy.decide(outcome, &stages.policy_name)
    }

    /// Runs the examples inside the policy.
    fn keep_promises(&self) -> Result<(), LoadError> {
        let policy = &self.stages.policy;
        for (index, (prompt, promised, models)) in policy.examples().enumerate() {
            if models && self.stages.cascade.is_none() {
                continue;
            }
            let decision = self.check(prompt);
            if decision.verdict != promised {
                let cause = decision.reasons.first().map_or("no reason", |reason| reason.rule.as_ref());
                let message = format!(
                    "example {} of `must_allow` and `must_block` got `{}` ({cause}), expected `{}`",
                    index + 1,
                    decision.verdict.id(),
                    promised.id()
                );
                return Err(LoadError::new(policy.place(), message));
            }
        }
        Ok(())
    }
}

impl Stages {
    /// Runs the stages until the verdict is settled.
    fn judge(&self, scratch: &mut Scratch, prompt: &Prompt<'_>) -> Outcome {
        let limits = self.policy.limits();
        if prompt.text.len() + prompt.negative.map_or(0, str::len) > limits.max_prompt_bytes {
            return Outcome { failed: Some((Stage::Limits, "prompt-too-long")), ..Outcome::default() };
        }
        let mut evidence: Vec<Evidence> = Vec::new();
        scratch.model_texts.clear();
        let (parsed, _) = syntax::parse(Field::Prompt, prompt.text, prompt.dialect);
        let negative =
            prompt.negative.map(|text| (text, syntax::parse(Field::Negative, text, prompt.dialect).0.union()));
        let spelled = parsed.readings(limits.max_readings);
        // Generators may blend alternatives (`[a:b:0.5]` paints both), so lists and rules also judge all of them together.
        let union = (spelled.readings.len() > 1 && !spelled.capped).then(|| parsed.union());
        let prompts = spelled.readings.len();
        for (index, reading) in spelled.readings.into_iter().chain(union).enumerate() {
            let for_models = scratch.model_texts.len();
            scratch.used = 0;
            scratch.findings.clear();
            self.read(scratch, Field::Prompt, prompt.text, &reading);
            if let Some((text, segments)) = &negative {
                self.read(scratch, Field::Negative, text, segments);
            }
            self.detect(scratch);
            if index >= prompts {
                scratch.model_texts.truncate(for_models);
            }
            evidence.append(&mut scratch.findings.evidence);
            if self.policy.settles(&evidence) {
                break;
            }
        }
        keep_first(&mut evidence);
        let mut outcome = Outcome { evidence, ..Outcome::default() };
        if let Some(cascade) = self.cascade.as_ref().filter(|_| !self.policy.settles(&outcome.evidence)) {
            let texts: Vec<&str> = scratch.model_texts.iter().map(String::as_str).collect();
            match cascade.score(&texts, self.policy.bands(), limits) {
                Ok(scored) => {
                    outcome.scores = scored.as_ref().map(|scored| scored.scores);
                    outcome.model = scored.map(|scored| (scored.stage, scored.model));
                }
                Err((stage, error)) => outcome.failed = Some((stage, failure(stage, &error))),
            }
        }
        outcome
    }

    /// Looks at one field of one reading: its prose and its values, on either side, in every view they open.
    fn read(&self, scratch: &mut Scratch, field: Field, text: &str, segments: &[Segment]) {
        for role in [Role::Positive, Role::Negative] {
            for kind in [SegmentKind::Prose, SegmentKind::Value] {
                let of_side = |segment: &Segment| segment.role == role && segment.kind == kind;
                if !segments.iter().any(of_side) {
                    continue;
                }
                let index = scratch.slot(field, role, View::PLAIN, kind);
                let seams = scratch
                    .slots
                    .get_mut(index)
                    .is_some_and(|slot| compose(&mut slot.typed, text, segments, of_side, false));
                self.look(scratch, index);
                if seams {
                    let joined = scratch.slot(field, role, JOINED, kind);
                    if let Some(slot) = scratch.slots.get_mut(joined) {
                        compose(&mut slot.typed, text, segments, of_side, true);
                    }
                    self.look(scratch, joined);
                }
            }
        }
    }

    /// Folds the text in a slot, and does the same for every view it opens.
    fn look(&self, scratch: &mut Scratch, index: usize) {
        let Some(slot) = scratch.slots.get_mut(index) else { return };
        slot.signs = Signs::of(slot.typed.as_str());
        let (signs, role, view, field, kind) =
            (slot.signs, slot.typed.role(), slot.view, slot.typed.field(), slot.kind);
        let for_models =
            kind == SegmentKind::Prose && role == Role::Positive && view == View::PLAIN && self.cascade.is_some();
        if for_models {
            push_new(&mut scratch.model_texts, slot.typed.as_str());
        }
        fold_plain(&slot.typed, &mut slot.folded);
        if role != Role::Positive {
            return;
        }
        for fold in self.normalizer.opened(signs) {
            let opened = scratch.slot(field, role, View(fold.id()), kind);
            let (before, after) = scratch.slots.split_at_mut(opened);
            let (Some(from), Some(slot)) = (before.get(index), after.first_mut()) else { return };
            fold.fold(&from.typed, &mut slot.typed);
            slot.signs = signs;
            if slot.typed.as_str() == from.typed.as_str() {
                scratch.used -= 1;
                continue;
            }
            if for_models {
                push_new(&mut scratch.model_texts, slot.typed.as_str());
            }
            fold_plain(&slot.typed, &mut slot.folded);
        }
    }

    /// Runs the detectors over everything that was read.
    fn detect(&self, scratch: &mut Scratch) {
        let slots = scratch.slots.get(..scratch.used).unwrap_or_default();
        let texts: Vec<ViewedText<'_>> = slots
            .iter()
            .map(|slot| ViewedText {
                typed: &slot.typed,
                folded: &slot.folded,
                view: slot.view,
                signs: slot.signs,
                kind: slot.kind,
            })
            .collect();
        for detector in &self.detectors {
            detector.detect(&texts, &mut scratch.findings);
        }
    }
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
            let joint =
                if between.iter().any(|segment| segment.joint == Joint::Apart) { Joint::Apart } else { segment.joint };
            let between = match joint {
                Joint::Glued => "",
                Joint::Apart => " ",
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

fn push_new(texts: &mut Vec<String>, text: &str) {
    if !text.trim().is_empty() && !texts.iter().any(|known| known == text) {
        texts.push(text.to_owned());
    }
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
        (_, true) => "main-busy",
        (_, false) => "main-failed",
    }
}
