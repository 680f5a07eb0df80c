//! Replays what the fuzzer has found interesting (`fuzz/corpus`), so that it needs no fuzzer to stay fixed.

#[path = "../fuzz/fuzz_targets/checks.rs"]
mod checks;

use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 20, "{target}: only {} files", paths.len());
    for path in paths {
        // The name of the file is what one needs when a check fails.
        println!("{}", path.display());
        check(&std::fs::read(path).unwrap());
    }
}

#[test]
fn syntax() {
    replay("syntax", checks::syntax);
}

#[test]
fn normalize() {
    replay("normalize", checks::normalize);
}

#[test]
fn wordlist() {
    replay("wordlist", checks::wordlist);
}
