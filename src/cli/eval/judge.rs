//! What a system says about the rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use indicatif::ProgressBar;
use rayon::prelude::*;

use super::aspect::{Aspect, Aspects};
use super::rows::Row;
use crate::category::Category;
use crate::cli::human;
use crate::decision::{Decision, Scores, Verdict};
use crate::moderator::{Moderator, Scratch};
use crate::prompt::Prompt;

/// A row as judged.
pub(super) struct Judged {
    /// What the decision names; with `any` if the verdict is block or review.
    pub(super) predicted: Aspects,
    /// What ranks the row, for every aspect.
    ranks: [f32; Aspect::COUNT],
    /// What the models said, where they ran.
    pub(super) scores: Option<Scores>,
    /// The first reason in a few words; it quotes nothing.
    pub(super) reason: Option<String>,
    degraded: bool,
    model: Option<Arc<str>>,
}

impl Judged {
    fn new(decision: &Decision) -> Self {
        let mut predicted = Aspects::default();
        decision.categories().into_iter().for_each(|category| predicted.insert(Aspect::Of(category)));
        if decision.verdict > Verdict::Allow {
            predicted.insert(Aspect::Any);
        }
        let mut ranks = [0.0; Aspect::COUNT];
        for category in Category::ALL {
            // Lists, rules, limits and failures decide whatever the scores are.
            let decided = decision
                .reasons
                .iter()
                .any(|one| one.category == category && !(one.stage.is_model() && one.score.is_some()));
            let score = decision.scores.and_then(|scores| scores.of(category)).unwrap_or(0.0);
            let rank = if decided { 1.0 } else { score };
            for aspect in [Aspect::Of(category), Aspect::Any] {
                if let Some(known) = ranks.get_mut(aspect.index()) {
                    *known = rank.max(*known);
                }
            }
        }
        Self {
            predicted,
            ranks,
            scores: decision.scores,
            reason: decision.reasons.first().map(human::reason),
            degraded: decision.degraded.is_some(),
            model: decision.model.clone(),
        }
    }

    /// What ranks the row: the higher, the likelier a violation.
    pub(super) fn rank(&self, aspect: Aspect) -> f32 {
        self.ranks.get(aspect.index()).copied().unwrap_or_default()
    }
}

/// A moderator and what it said about every row.
pub(super) struct System {
    pub(super) policy: String,
    /// The models that gave scores.
    pub(super) models: Vec<String>,
    /// Rows on which a stage failed.
    pub(super) degraded: usize,
    pub(super) judged: Vec<Judged>,
}

impl System {
    /// Judges all rows on all threads of the pool this runs in.
    pub(super) fn judge(moderator: &Moderator, rows: &[Row], progress: &ProgressBar) -> Self {
        let judge_row = |scratch: &mut Scratch, row: &Row| {
            let prompt = Prompt { negative: row.negative.as_deref(), ..Prompt::new(&row.prompt) };
            let judged = Judged::new(&moderator.check_with(scratch, prompt));
            progress.inc(1);
            judged
        };
        let judged: Vec<Judged> = rows.par_iter().map_init(Scratch::default, judge_row).collect();
        let models: BTreeSet<&str> = judged.iter().filter_map(|row| row.model.as_deref()).collect();
        Self {
            policy: moderator.policy_name().to_owned(),
            models: models.into_iter().map(str::to_owned).collect(),
            degraded: judged.iter().filter(|row| row.degraded).count(),
            judged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Stage;
    use crate::prompt::Field;

    #[test]
    fn scores_rank_unless_something_else_decided() {
        let reason = |category, stage, score| crate::Reason {
            category,
            severity: None,
            stage,
            rule: "x".into(),
            field: Field::Prompt,
            span: None,
            via: Vec::new(),
            score,
            threshold: score,
            clause: "".into(),
        };
        let decision = Decision {
            verdict: Verdict::Block,
            scores: Some(Scores([0.8, 0.3, 0.2, 0.1, 0.0, 0.0])),
            reasons: vec![
                reason(Category::Adult, Stage::Expert, Some(0.8)),
                reason(Category::Gore, Stage::Lexicon, None),
                reason(Category::Minors, Stage::Rules, Some(0.8)),
            ],
            user_message: None,
            policy: "p".into(),
            model: None,
            degraded: None,
        };
        let rank = |decision: &Decision, category| Some(Judged::new(decision).rank(Aspect::Of(category)));
        assert_eq!(rank(&decision, Category::Adult), Some(0.8), "a score");
        assert_eq!(rank(&decision, Category::Gore), Some(1.0), "a list, whatever the score");
        assert_eq!(rank(&decision, Category::Hate), Some(0.2), "below its threshold");
        assert_eq!(rank(&decision, Category::PrivateInfo), Some(0.0), "no model scores it");
        assert_eq!(rank(&decision, Category::Minors), Some(1.0), "a rule that asked for a score");
        assert_eq!(Some(Judged::new(&decision).rank(Aspect::Any)), Some(1.0));
        let failed = Decision {
            scores: None,
            reasons: vec![reason(Category::Hate, Stage::Main, None)],
            degraded: Some("main-failed"),
            ..decision
        };
        assert_eq!(rank(&failed, Category::Hate), Some(1.0), "a failed stage blocks");
        let allowed = Decision { verdict: Verdict::Allow, reasons: Vec::new(), ..failed };
        assert_eq!(Some(Judged::new(&allowed).rank(Aspect::Any)), Some(0.0));
    }
}
