//! Endpoints as CSV (RFC 4180), for spreadsheets. What endpoints say of themselves is hostile: a
//! cell that a spreadsheet would take for a formula gets an apostrophe in front.

use super::Record;

const HEAD: [&str; 14] = [
    "device",
    "host",
    "team",
    "environment",
    "groups",
    "os",
    "cohort",
    "generation",
    "digest",
    "state",
    "reasons",
    "codex",
    "seen",
    "enforced_at",
];

/// All endpoints, one a line, with names in the first.
pub fn endpoints_csv<'records>(records: impl IntoIterator<Item = &'records Record>) -> String {
    let mut out = String::new();
    line(&mut out, HEAD.into_iter());
    for record in records {
        let Record {
            device,
            host,
            team,
            environment,
            groups,
            os,
            held,
            last,
            codex,
            seen,
            enforced_at,
        } = record;
        let groups = groups.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let reasons = last.as_ref().map_or_else(String::new, |last| last.reasons.join("; "));
        let generation = held.as_ref().map_or_else(String::new, |held| held.generation.to_string());
        let codex = codex.join(" ");
        let (seen, enforced) =
            (seen.to_string(), enforced_at.map_or_else(String::new, |at| at.to_string()));
        let cells = [
            device.as_str(),
            host,
            team.as_deref().unwrap_or_default(),
            environment.as_deref().unwrap_or_default(),
            &groups,
            os,
            held.as_ref().map_or("", |held| &held.cohort),
            &generation,
            held.as_ref().map_or("", |held| &held.digest),
            last.as_ref().map_or("", |last| last.state.word()),
            &reasons,
            &codex,
            &seen,
            &enforced,
        ];
        line(&mut out, cells.into_iter());
    }
    out
}

fn line<'cells>(out: &mut String, cells: impl Iterator<Item = &'cells str>) {
    for (number, text) in cells.enumerate() {
        if number > 0 {
            out.push(',');
        }
        cell(out, text);
    }
    out.push_str("\r\n");
}

fn cell(out: &mut String, text: &str) {
    // Blanks in front do not keep every spreadsheet from seeing a formula.
    let formula = text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
        || text.starts_with(['\t', '\r', '\n']);
    let quoted = formula || text.contains([',', '"', '\r', '\n', ';', '\t']);
    if quoted {
        out.push('"');
    }
    if formula {
        out.push('\'');
    }
    for letter in text.chars() {
        if letter == '"' {
            out.push('"');
        }
        out.push(letter);
    }
    if quoted {
        out.push('"');
    }
}
