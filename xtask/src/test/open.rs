//! Disagreements with Codex that are open: machines of the random runs that the model does not
//! predict yet, listed one by one in a committed file. A machine that is not listed fails the
//! test; a listed one is counted and shown, never passed over in silence.

use std::collections::BTreeSet;
use std::path::PathBuf;

use codex_agreement::differ::{Question, Report};

/// `VERSION SEED QUESTION CASE`, one per line.
const FILE: &str = "tests/vectors/open-disagreements.txt";

fn file() -> PathBuf {
    crate::workspace().join(FILE)
}

/// What a run found, held against the list.
pub(super) struct Ratchet {
    /// Listed, and still so.
    pub(super) open: usize,
    /// Not listed: the model got worse, or the generator changed.
    pub(super) fresh: Vec<String>,
    /// Listed, and no longer so: the line can go.
    pub(super) mended: Vec<String>,
}

/// Holds a report against the list. With `UPDATE=1` the list is written anew from it.
pub(super) fn ratchet(report: &Report) -> std::io::Result<Ratchet> {
    let prefix = format!("{} {} ", report.version, report.seed);
    let found: BTreeSet<String> = report
        .open
        .iter()
        .map(|(case, question)| format!("{prefix}{} {case}", name(*question)))
        .collect();
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let listed: BTreeSet<String> =
        text.lines().filter(|line| line.starts_with(&prefix)).map(str::to_owned).collect();
    if std::env::var_os("UPDATE").is_some() {
        let others = text.lines().filter(|line| !line.starts_with(&prefix)).map(str::to_owned);
        let mut lines: Vec<String> = others.chain(found.iter().cloned()).collect();
        lines.sort();
        std::fs::write(file(), lines.join("\n") + "\n")?;
        return Ok(Ratchet { open: found.len(), fresh: Vec::new(), mended: Vec::new() });
    }
    Ok(Ratchet {
        open: found.intersection(&listed).count(),
        fresh: found.difference(&listed).cloned().collect(),
        mended: listed.difference(&found).cloned().collect(),
    })
}

fn name(question: Question) -> String {
    format!("{question:?}").to_lowercase()
}
