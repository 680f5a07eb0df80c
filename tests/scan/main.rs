//! `promptgate scan` and `merge`: the same decisions whatever the format, nothing lost whatever happens when, a clear word
//! about whatever is wrong.
#![cfg(all(feature = "cli", unix))]

mod bad_input;
mod changes;
mod crash;
mod formats;
mod log;
mod output;
mod refusals;
mod report;
mod shards;
#[path = "../common/workplace.rs"]
mod workplace;
