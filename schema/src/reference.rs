//! The reference page of all keys, folded from the key table.

use std::fmt::Write;

use crate::key::{Channels, Effect, Key, Merge, Secret};
use crate::lookup::{CONFIG, REQUIREMENTS, Tree};
use crate::version::Version;

/// The page, in Markdown.
pub fn page() -> String {
    let mut out = String::from(
        "# Keys of Codex policy and configuration\n\nGenerated from the key table: do not edit. \
         `*` stands for any name. *Since* is the first Codex version that knows the key; empty \
         where it is older than the measured ones.\n",
    );
    part(&mut out, "requirements.toml", &REQUIREMENTS);
    part(&mut out, "config.toml", &CONFIG);
    out
}

fn part(out: &mut String, title: &str, tree: &Tree) {
    let _ = write!(out, "\n## {title}\n");
    let mut section = "";
    for key in tree.keys() {
        let top = key.path.split('.').next().unwrap_or_default();
        if top != section {
            section = top;
            let _ =
                write!(out, "\n### {top}\n\n| key | what it does | since | notes | example |\n");
            out.push_str("|---|---|---|---|---|\n");
        }
        row(out, key);
    }
}

fn row(out: &mut String, key: &Key) {
    let since = if key.since > Version::of(0) { key.since.to_string() } else { String::new() };
    let _ = writeln!(
        out,
        "| `{}` | {} | {since} | {} | `{}` |",
        key.path,
        cell(key.doc),
        cell(&notes(key)),
        cell(key.example)
    );
}

fn notes(key: &Key) -> String {
    let mut found: Vec<String> = Vec::new();
    match key.effect {
        Effect::Constrains(config) => found.push(format!("limits `{config}`")),
        Effect::Fixes(config) => found.push(format!("fixes `{config}`")),
        Effect::Pins(map) => found.push(format!("pins `{map}.*`")),
        Effect::Allows(map) => found.push(format!("allow-list for `{map}`")),
        Effect::Hints => found.push("hint for other clients".to_owned()),
        Effect::Adds | Effect::None => {}
    }
    match key.merge {
        Merge::Append => found.push("layers are concatenated".to_owned()),
        Merge::Union => found.push("layers are united".to_owned()),
        Merge::MustAgree => found.push("layers must agree".to_owned()),
        Merge::Whole => found.push("highest layer wins whole".to_owned()),
        Merge::Consumed => found.push("applied inside its own layer".to_owned()),
        Merge::Replace => {}
    }
    if key.channels != Channels::All {
        found.push("not from the cloud".to_owned());
    }
    if key.secret == Secret::Yes {
        found.push("secret".to_owned());
    }
    if !key.was.is_empty() {
        found.push(format!("also `{}`", key.was.join("`, `")));
    }
    if !key.default.is_empty() {
        found.push(format!("default `{}`", key.default));
    }
    found.join("; ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
