//! Many prompts at once.

use crate::decision::Decision;
use crate::moderator::{Moderator, Scratch};
use crate::prompt::Prompt;

/// Prompts that pass through the stages together. More would only take memory.
pub(crate) const MOST_TOGETHER: usize = 64;

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

            let size = prompts.len().div_ceil(4 * rayon::current_num_threads()).clamp(1, MOST_TOGETHER);
            let decide = |scratch: &mut Scratch, prompts: &[Prompt<'_>]| self.check_batch_with(scratch, prompts);
            prompts.par_chunks(size).map_init(Scratch::default, decide).flatten().collect()
        }
        #[cfg(not(feature = "parallel"))]
        {
            let mut scratch = Scratch::default();
            prompts.chunks(MOST_TOGETHER).flat_map(|prompts| self.check_batch_with(&mut scratch, prompts)).collect()
        }
    }
}
