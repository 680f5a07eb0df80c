//! The pages of `scan --report`, `policy diff --report` and `eval --html` in a real browser: they are drawn, whatever the log
//! holds becomes no markup, nothing is loaded.
//!
//! The browser is Chromium: `$CHROMIUM`, or one on the path (`scripts/fetch-chromium.sh`). Without one the tests fail, unless
//! `PROMPTGATE_NO_BROWSER=1` says that there is none.
#![cfg(all(feature = "cli", unix))]

#[path = "common/workplace.rs"]
mod workplace;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use workplace::{Run, Workplace};

/// Text that a careless page would take for markup. What it would load is at `hostile.invalid`.
const HOSTILE: [&str; 12] = [
    "<script>document.title='owned'</script>",
    "<script src=http://hostile.invalid/a.js></script>",
    "<img src=http://hostile.invalid/b.png onerror=\"document.title='owned'\">",
    "</td></tr></table><h1 id=owned>owned</h1>",
    "</style><style>body{display:none}</style>",
    "</title><title>owned</title>",
    "\"'><svg onload=document.title='owned'>",
    "<iframe src=http://hostile.invalid/c></iframe><link rel=stylesheet href=http://hostile.invalid/d.css>",
    "<a href=\"javascript:document.title='owned'\">javascript:alert(1)</a>",
    "<!-- <![CDATA[ ]]> &lt;b&gt; &#60;b&#62; &amp;",
    "\u{202e}turned around\u{202c} \u{200b}\u{feff} \u{1b}[2J \u{0}",
    "<base href=http://hostile.invalid/><form action=http://hostile.invalid/><input>",
];

/// Elements of pages of ours.
const OURS: [&str; 24] = [
    "!doctype", "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "div", "table", "tbody", "tr",
    "th", "td", "svg", "rect", "text", "line", "polyline", "polygon", "circle",
];

fn browser() -> Option<PathBuf> {
    let on_path = |name: &str| {
        env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    let found = env::var_os("CHROMIUM")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| ["chromium", "chromium-browser", "google-chrome", "chrome"].into_iter().find_map(on_path));
    if found.is_none() && env::var_os("PROMPTGATE_NO_BROWSER").is_some_and(|value| value == "1") {
        eprintln!("skipped: PROMPTGATE_NO_BROWSER=1");
        return None;
    }
    let hint =
        "no Chromium: run scripts/fetch-chromium.sh, set CHROMIUM to one, or PROMPTGATE_NO_BROWSER=1 to do without";
    Some(found.expect(hint))
}

/// What a browser made of a page.
struct Seen {
    /// The document as it is once everything ran.
    dom: String,
    /// What the console said.
    console: Vec<String>,
    /// Addresses that were asked for.
    asked: Vec<String>,
    /// Bytes of the picture.
    picture: Vec<u8>,
}

/// Opens a page twice: for its document, and for a picture.
fn open(browser: &Path, page: &Path, name: &str) -> Seen {
    let profile = tempfile::tempdir().unwrap();
    let log = profile.path().join("net.json");
    let run = |args: &[String]| {
        let home = tempfile::tempdir_in(profile.path()).unwrap();
        let mut child = Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr", "--v=0"])
            .arg(format!("--user-data-dir={}", home.path().join("profile").display()))
            .args(args)
            .arg(format!("file://{}", page.display()))
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipes = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let read = |pipe: &mut dyn std::io::Read| {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let began = Instant::now();
        let (out, err) = std::thread::scope(|scope| {
            let (out, err) = (scope.spawn(|| read(&mut pipes.0)), scope.spawn(|| read(&mut pipes.1)));
            while child.try_wait().unwrap().is_none() {
                if began.elapsed() > Duration::from_secs(90) {
                    child.kill().unwrap();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            (out.join().unwrap(), err.join().unwrap())
        });
        assert!(child.wait().unwrap().success(), "{err}");
        (out, err)
    };
    let (dom, said) = run(&["--dump-dom".to_owned(), format!("--log-net-log={}", log.display())]);
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&pictures).unwrap();
    let picture = pictures.join(format!("{name}.png"));
    run(&["--window-size=1280,2400".to_owned(), format!("--screenshot={}", picture.display())]);
    let console = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    Seen { dom, console, asked: addresses(&fs::read_to_string(log).unwrap()), picture: fs::read(picture).unwrap() }
}

/// The addresses in a log of network events.
fn addresses(log: &str) -> Vec<String> {
    let urls = log.split("\"url\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut urls: Vec<String> = urls.map(str::to_owned).collect();
    urls.sort_unstable();
    urls.dedup();
    urls
}

impl Seen {
    /// What is in the document that no page of ours has.
    fn foreign(&self) -> Vec<String> {
        let tags = self.dom.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
        let is_ours = |tag: &&str| {
            let name =
                tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default().to_ascii_lowercase();
            let attributes = tag.to_ascii_lowercase();
            let is_active = [" on", "href=", "src=", "action="].iter().any(|part| attributes.contains(part));
            OURS.contains(&name.as_str()) && !is_active
        };
        let mut foreign: Vec<String> = tags.filter(|tag| !is_ours(tag)).map(str::to_owned).collect();
        if self.dom.matches("<style").count() != 1
            || self.dom.matches("<title").count() != 1
            || self.dom.matches("<h1").count() != 1
        {
            foreign.push("more than one style, title or heading".to_owned());
        }
        foreign
    }

    fn title(&self) -> &str {
        let rest = self.dom.split("<title>").nth(1).unwrap_or_default();
        rest.split("</title>").next().unwrap_or_default()
    }

    /// Addresses elsewhere that the page asked for; what the browser asks for by itself is not the page's.
    fn asked_elsewhere(&self) -> Vec<&String> {
        self.asked.iter().filter(|url| url.contains("hostile.invalid")).collect()
    }

    #[track_caller]
    fn is_harmless(&self, title: &str) {
        assert_eq!(self.console, Vec::<String>::new());
        assert_eq!(self.foreign(), Vec::<String>::new());
        assert_eq!(self.title(), title);
        assert_eq!(self.asked_elsewhere(), Vec::<&String>::new());
        assert!(self.dom.contains("&lt;script&gt;document.title='owned'&lt;/script&gt;"), "shown as it is");
        assert!(self.dom.contains("\\u{202e}turned around"), "spelled out");
        assert!(!self.dom.contains(['\u{202e}', '\u{1b}', '\u{200b}']));
    }
}

/// Rows whose every field is hostile, with times over some days.
fn hostile_rows(labels: bool) -> String {
    let words =
        ["a lighthouse at dusk", "a zorbl by the sea", "a quuxel", "a knight in the murk", "ein Leuchtturm am Meer"];
    let mut text = String::new();
    for at in 0..600_usize {
        let evil = HOSTILE[at % HOSTILE.len()];
        let mut row = json!({
            "id": format!("{evil} {at}"),
            "prompt": format!("{} {evil}", words[at % words.len()]),
            "user": format!("{} {}", HOSTILE[at / 12 % HOSTILE.len()], at % 7),
            "at": 1_767_225_600 + 900 * at,
            "slice": evil,
        });
        if labels {
            row["labels"] = json!(if at % 5 == 1 { vec!["gore"] } else { vec![] });
        } else if at % 97 == 3 {
            row["prompt"] = json!({evil: evil});
        }
        text += &row.to_string();
        text.push('\n');
    }
    text
}

fn scan_with(work: &Workplace, args: &str, rest: &[&str]) -> Run {
    Run::of(work.command(args).args(rest).spawn().unwrap(), Vec::new())
}

#[test]
fn reports_of_hostile_logs_are_harmless() {
    let Some(browser) = browser() else { return };
    let work = Workplace::new();
    let gore = "[category.gore]\naction = \"block\"\nseverity = \"medium\"";
    work.write(
        "milder.toml",
        work.read_text("policy.toml").replace(gore, "[category.gore]\naction = \"review\"\nseverity = \"high\""),
    );
    let evil = "<img src=x onerror=document.title='owned'>";
    work.write(&format!("logs/{evil}.jsonl"), hostile_rows(false));
    work.write("logs/<svg onload=alert(1)>\u{202e}.csv", format!("text,\"{evil}\"\n<b>,2\n"));
    let fields = "--id-field id --user-field user --time-field at --shadow milder.toml --show-text";
    let run = scan_with(&work, &format!("scan logs {fields} --report report"), &["--keep", evil]);
    run.says(2, &["601 rows"]);
    let page = work.path("report/report.html");
    let seen = open(&browser, &page, "report");
    seen.is_harmless("promptgate: What was found in prompts");
    assert!(seen.dom.contains("&lt;img src=x onerror=document.title='owned'&gt;.jsonl"), "the name of the file");
    assert!(seen.dom.contains("no column `prompt`"), "what could not be read");
    assert_eq!(seen.dom.matches("<svg").count(), 1, "rows over time");
    let raw: Value = work.read_json("report/summary.json");
    let users = raw["offenders"]["users"].as_object().unwrap();
    assert!(users.len() > 50 && users.keys().filter(|user| seen.dom.contains(user.as_str())).count() >= 50);
    // A field that is called so, and nothing is there.
    let run = scan_with(&work, "scan logs --report other", &["--prompt-field", evil]);
    run.says(2, &["errors"]);
    let seen_errors = open(&browser, &work.path("other/report.html"), "report-errors");
    assert_eq!((seen_errors.console.len(), seen_errors.asked_elsewhere().len()), (0, 0));

    let blank = work.path("blank.html");
    fs::write(&blank, "<!doctype html><title>x</title>").unwrap();
    let nothing = open(&browser, &blank, "blank");
    assert!(
        seen.picture.starts_with(b"\x89PNG") && seen.picture.len() > 10 * nothing.picture.len(),
        "the picture is blank"
    );

    // The same page with its policy taken out and what it escapes put in: all of the above would have been noticed.
    let text = work.read_text("report/report.html");
    let (before, after) = text.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let after = after.split_once('>').unwrap().1.replace("<body>", &format!("<body>{}", HOSTILE.join(" ")));
    work.write("bad.html", format!("{before}{after}"));
    let bad = open(&browser, &work.path("bad.html"), "bad");
    assert!(!bad.foreign().is_empty() && bad.title() == "owned", "{}", bad.title());
    assert!(bad.asked_elsewhere().len() >= 3, "{:?}", bad.asked_elsewhere());
    // With its policy, even that would do nothing.
    work.write("held.html", text.replace("<body>", &format!("<body>{}", HOSTILE.join(" "))));
    let held = open(&browser, &work.path("held.html"), "held");
    assert!(
        !held.foreign().is_empty()
            && held.title() != "owned"
            && held.asked_elsewhere().is_empty()
            && !held.console.is_empty(),
        "{}",
        held.title()
    );
}

#[test]
fn evaluations_and_differences_of_hostile_rows_are_harmless() {
    let Some(browser) = browser() else { return };
    let work = Workplace::new();
    work.write("rows.jsonl", hostile_rows(true));
    work.write("more.csv", "prompt,labels,id\na boat,no such category <b>,1\n");
    let args =
        "eval rows.jsonl more.csv --id-field id --slice slice --html eval.html --show-text --worst 20 --resamples 20";
    let run = work.run(args);
    run.says(2, &[]);
    let seen = open(&browser, &work.path("eval.html"), "eval");
    seen.is_harmless("promptgate eval");
    assert!(seen.dom.matches("<svg").count() >= 2 && seen.dom.contains("gore: precision and recall"), "charts");
    assert!(seen.picture.len() > 50_000, "{}", seen.picture.len());

    let gore = "[category.gore]\naction = \"block\"\nseverity = \"medium\"";
    work.write(
        "milder.toml",
        work.read_text("policy.toml").replace(gore, "[category.gore]\naction = \"block\"\nseverity = \"high\""),
    );
    let args = "policy diff policy.toml milder.toml rows.jsonl --id-field id --show-text --report diff";
    assert!(matches!(work.run(args).code, Some(0 | 1)));
    let seen = open(&browser, &work.path("diff/report.html"), "diff");
    let title = seen.title().to_owned();
    assert!(title.starts_with("promptgate: "), "{title}");
    seen.is_harmless(&title);
}
