//! The prompts that benches time.

use promptgate::Policy;

/// The lines of the file `PROMPTS` names, at most 50,000; else the demo prompts.
#[allow(dead_code, reason = "not every bench needs it")]
pub fn prompts() -> Vec<String> {
    let demo = || {
        let text = include_str!("../../tests/demo/prompts.jsonl");
        let prompt = |line: &str| {
            let row: serde_json::Value = serde_json::from_str(line).ok()?;
            row["prompt"].as_str().map(str::to_owned)
        };
        text.lines().filter_map(prompt).collect::<Vec<_>>()
    };
    let prompts = match std::env::var_os("PROMPTS") {
        Some(path) => {
            let bytes = std::fs::read(path).expect("PROMPTS names a file of prompts");
            String::from_utf8_lossy(&bytes).lines().take(50_000).map(str::to_owned).collect()
        }
        None => demo(),
    };
    assert!(!prompts.is_empty(), "there are prompts to time");
    prompts
}

/// The shipped policy without its examples, which would be timed with every load.
#[allow(dead_code, reason = "not every bench needs it")]
pub fn policy() -> Policy {
    let text = Policy::DEFAULT_TEXT.split("# Promises").next().unwrap_or_default();
    Policy::parse("bench policy", text).expect("the default policy parses")
}
