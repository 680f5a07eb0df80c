//! Many prompts at once.

use crate::decision::Decision;
use crate::moderator::{Moderator, Scratch};
use crate::prompt::Prompt;

impl Moderator {
    /// Decides about many prompts, in input order; on all cores with the `parallel` feature.
    ///
    /// Every decision is the one [`check`](Self::check) gives: prompts of a batch do not influence each other.
    ///
    /// ```
    /// use promptgate::{Moderator, Policy, Prompt};
    ///
    /// let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
    /// let prompts = [Prompt::from("a lighthouse"), Prompt::from("a severed head on a table")];
    /// let decisions = moderator.check_batch(&prompts);
    /// assert_eq!(decisions.iter().map(|decision| decision.is_blocked()).collect::<Vec<_>>(), [false, true]);
    /// # Ok::<(), promptgate::LoadError>(())
    /// ```
    #[must_use]
    pub fn check_batch(&self, prompts: &[Prompt<'_>]) -> Vec<Decision> {
        #[cfg(feature = "parallel")]
        {
            use rayon::prelude::*;

            prompts.par_iter().map_init(Scratch::default, |scratch, prompt| self.check_with(scratch, *prompt)).collect()
        }
        #[cfg(not(feature = "parallel"))]
        {
            let mut scratch = Scratch::default();
            prompts.iter().map(|prompt| self.check_with(&mut scratch, *prompt)).collect()
        }
    }
}
