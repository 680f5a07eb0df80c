//! The shipped models, run for real: golden scores, a violation anywhere in a long prompt, and folders that do not fit.
#![cfg(feature = "onnx")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use promptgate::classifier::{Classifier, OnnxClassifier};
use promptgate::{Category, Moderator, Policy, Prompt};
use serde::Deserialize;
use sha2::{Digest, Sha256};

static MODERATOR: LazyLock<Moderator> = LazyLock::new(|| Moderator::new(Policy::default_policy().unwrap()).unwrap());

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name)
}

fn load(folder: &Path) -> Result<OnnxClassifier, promptgate::LoadError> {
    OnnxClassifier::load(folder, Duration::from_secs(5))
}

#[test]
fn golden_scores() {
    for name in ["screen", "main", "expert"] {
        let model = load(&folder(name)).unwrap();
        for golden in &model.manifest().golden {
            let scores = model.classify(&[golden.text.as_str()]).unwrap()[0].scores;
            for (score, expected) in scores.0.iter().zip(&golden.scores) {
                // 8-bit kernels round differently on processors without VNNI.
                assert!((score - expected).abs() <= 0.05, "{name}: {:?}, expected {:?}", scores.0, golden.scores);
            }
        }
    }
}

#[test]
fn thresholds_of_the_default_policy_are_those_the_models_came_with() {
    let policy: toml::Table = toml::from_str(Policy::DEFAULT_TEXT).unwrap();
    let manifest = |name: &str| -> toml::Table {
        toml::from_str(&fs::read_to_string(folder(name).join("model.toml")).unwrap()).unwrap()
    };
    assert_eq!(policy["cascade"]["screen"]["foreign"], manifest("screen")["band"]["foreign"]);
    for category in Category::SCORED {
        let id = category.id();
        assert_eq!(policy["category"][id]["threshold"], manifest("expert")["thresholds"][id], "{id}");
        for (model, band) in [("screen", "low"), ("screen", "high"), ("main", "low"), ("main", "high")] {
            assert_eq!(policy["cascade"][model][band][id], manifest(model)["band"][band][id], "{model} {band} {id}");
        }
    }
}

#[test]
fn batch_mates_do_not_move_scores() {
    let model = load(&folder("main")).unwrap();
    let texts =
        ["a cat", "a dog in the rain, watercolor", "campaign poster for a mayor, bold type, flags and a slogan"];
    let together = model.classify(&texts).unwrap();
    for (text, scores) in texts.iter().zip(together) {
        assert_eq!(model.classify(&[text]).unwrap()[0], scores);
    }
}

#[test]
fn a_violation_anywhere_in_a_long_prompt_is_found() {
    let harmless =
        "a quiet harbor at dusk, wooden boats, soft light on the water, gulls over the pier, oil on canvas, ";
    let violation = "a woman in the shower wearing nothing at all, her whole body shown, erotic mood, ";
    for place in [0, 50, 99] {
        let prompt: String = (0..100).map(|index| if index == place { violation } else { harmless }).collect();
        assert!(MODERATOR.check(&prompt).is_blocked(), "at {place} %");
    }
    assert!(!MODERATOR.check(&harmless.repeat(100)).is_blocked());
}

#[test]
fn folders_that_do_not_fit_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let copy = |change: &dyn Fn(&Path)| {
        let folder_to = temp.path().join("screen");
        fs::create_dir_all(&folder_to).unwrap();
        for file in ["model.toml", "tokenizer.json", "model.onnx"] {
            fs::copy(folder("screen").join(file), folder_to.join(file)).unwrap();
        }
        change(&folder_to);
        load(&folder_to).err().expect("a load error").to_string()
    };
    let edit = |from: &'static str, to: &'static str| {
        move |folder: &Path| {
            let path = folder.join("model.toml");
            fs::write(&path, fs::read_to_string(&path).unwrap().replacen(from, to, 1)).unwrap();
        }
    };
    let error = copy(&|folder| fs::remove_file(folder.join("model.onnx")).unwrap());
    assert!(error.contains("model.onnx: cannot be read"), "{error}");
    let error = copy(&|folder| fs::write(folder.join("model.onnx"), b"nothing").unwrap());
    assert!(error.contains("model.onnx: sha256 is"), "{error}");
    let error = copy(&edit("\"gore\"", "\"violence\""));
    assert!(error.contains("model.toml:") && error.contains("unknown variant `violence`"), "{error}");
    let error = copy(&edit("\"adult\", \"gore\"", "\"gore\", \"adult\""));
    assert!(error.contains("`labels` differ"), "{error}");
    let error = copy(&edit("max_tokens = 64", "max_tokens = 4"));
    assert!(error.contains("`max_tokens` out of range"), "{error}");
    let error = copy(&edit("\"<s>\"", "\"[CLS]\""));
    assert!(error.contains("tokenizer.json: no token `[CLS]`"), "{error}");
}

#[test]
fn graphs_that_do_not_fit_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let manifest = fs::read_to_string(folder("screen").join("model.toml")).unwrap();
    let shipped = manifest.lines().find(|line| line.starts_with("\"model.onnx\"")).unwrap();
    fs::copy(folder("screen").join("tokenizer.json"), temp.path().join("tokenizer.json")).unwrap();
    for (name, expected) in [
        ("seven_scores", "7 scores, expected 6"),
        ("out_of_range", "not between 0 and 1, expected 6 scores of 0 to 1"),
        ("not_a_number", "not between 0 and 1, expected 6 scores of 0 to 1"),
        ("later_opset", "opset"),
        ("short_table", "expected a graph for windows of 64 of the"),
    ] {
        let graph = fs::read(Path::new("tests/fixtures/models").join(name).with_extension("onnx")).unwrap();
        let digest = Sha256::digest(&graph).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let named = manifest.replace(shipped, &format!("\"model.onnx\" = \"{digest}\""));
        fs::write(temp.path().join("model.toml"), named).unwrap();
        fs::write(temp.path().join("model.onnx"), graph).unwrap();
        let error = load(temp.path()).err().expect("a load error").to_string();
        assert!(error.contains("model.onnx: ") && error.contains(expected), "{name}: {error}");
    }
}

#[derive(Deserialize)]
struct Sample {
    id: String,
    prompt: String,
    negative: Option<String>,
    expect: String,
    kind: String,
}

/// The demo is no evaluation, but if the pipeline breaks it shows here.
#[test]
fn the_demo_prompts_are_judged_as_expected() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo/prompts.jsonl")).unwrap();
    let samples: Vec<Sample> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let wrong: Vec<String> = samples
        .iter()
        .filter(|sample| {
            let prompt = Prompt { negative: sample.negative.as_deref(), ..Prompt::new(&sample.prompt) };
            MODERATOR.check(prompt).verdict.id() != sample.expect
        })
        .map(|sample| format!("{} {} expected {}", sample.id, sample.kind, sample.expect))
        .collect();
    let share = wrong.len() as f64 / samples.len() as f64;
    assert!(samples.len() >= 200 && share <= 0.1, "{} of {}: {wrong:#?}", wrong.len(), samples.len());
}
