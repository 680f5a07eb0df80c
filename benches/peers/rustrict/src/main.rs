//! rustrict with its default lists: `is_inappropriate`, prompt by prompt. Protocol: `serve.py`.

use std::io::BufRead;
use std::time::Instant;

use rustrict::CensorStr;

fn main() {
    // The message of a panic may quote a prompt.
    std::panic::set_hook(Box::new(|_| eprintln!("panic while judging")));
    let path = std::env::args().nth(1).expect("a file of prompts");
    let text = std::fs::read_to_string(path).expect("a file of prompts");
    let prompts: Vec<&str> = text.lines().collect();
    // Beyond the last prompt the first one follows.
    let flagged = |number| prompts.iter().cycle().take(number).filter(|prompt| prompt.is_inappropriate()).count();
    flagged(1);

    let pin = include_str!("../Cargo.toml").lines().find(|line| line.starts_with("rustrict")).unwrap_or_default();
    println!(r#"{{"versions": "{}"}}"#, pin.replace(" = ", " ").replace(['=', '"'], ""));
    for line in std::io::stdin().lock().lines() {
        let number: usize = line.ok().and_then(|line| line.strip_prefix("run ")?.parse().ok()).expect("`run N`");
        let began = Instant::now();
        let flagged = flagged(number);
        let seconds = began.elapsed().as_secs_f64();
        println!(r#"{{"judged": {number}, "seconds": {seconds}, "flagged": {flagged}}}"#);
    }
}
