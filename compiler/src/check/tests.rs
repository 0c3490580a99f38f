//! Seeded mistakes: each gives exactly the one diagnostic that is written beside it.

mod bad_input;
mod mistakes;
mod registry;
mod secrets;
mod seeded;

use codex_schema::version::Version;

use super::*;

/// Checks one file in memory.
fn check_one(name: &str, content: impl Into<Vec<u8>>, versions: &[Version]) -> Report {
    let input = Input { name: name.to_owned(), content: Ok(content.into()), kind: None };
    let options = Options { versions: versions.to_vec(), ..Options::default() };
    check(vec![input], &options)
}

/// `CODE line:column message`, one line per diagnostic.
fn listing(report: &Report) -> Vec<String> {
    let line = |found: &Diagnostic| {
        let position = report.documents.position(found.primary.span);
        let position = position.map_or_else(String::new, |at| at.to_string());
        format!("{} {position} {}", found.code, found.message)
    };
    report.diagnostics.iter().map(line).collect()
}

/// A configuration profile with one preference.
fn profile(key: &str, base64: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n<dict>\n\
         <key>{key}</key>\n<string>{base64}</string>\n</dict>\n</plist>\n"
    )
}

fn encoded(toml: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(toml)
}
