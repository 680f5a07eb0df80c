//! What there is to know of a judged row.

use std::time::Duration;

use super::time::Moment;
use crate::cli::input::{Content, Standing};
use crate::decision::Decision;

/// What a row was and what became of it.
pub(super) struct Facts<'a> {
    pub(super) id: &'a str,
    pub(super) standing: Standing,
    pub(super) content: &'a Content,
    pub(super) decision: &'a Decision,
    pub(super) shadow: Option<&'a Decision>,
    pub(super) took: Option<Duration>,
    pub(super) cached: bool,
    /// Whether its prompt may be quoted.
    pub(super) shown: bool,
    /// Whether a time was asked for, and the one that could be read.
    pub(super) timed: bool,
    pub(super) moment: Option<Moment>,
}
