//! `promptgate policy`: what is wrong with a policy, and what is in force.

mod lint;
mod settings;
mod show;

pub(super) use lint::run as lint;
pub(super) use show::run as show;
