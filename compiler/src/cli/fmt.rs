//! `fmt`: puts policy files into the uniform layout.

use std::path::{Path, PathBuf};

use super::arguments::Fmt;
use super::{Outcome, Output};
use crate::check::{FileKind, Input, Options, Report, check, read_inputs, redacted};
use crate::files::RealFiles;
use crate::format::{Limits, find, format};
use crate::render::diagnostics::{Style, human, plain};
use crate::replace::replace;

/// What became of the files so far.
#[derive(Default)]
struct Tally {
    changed: usize,
    same: usize,
    wrong: usize,
    unread: usize,
}

/// Formats files, or tells which ones are not.
pub(super) fn fmt(arguments: &Fmt, output: &mut Output) -> Outcome {
    let mut tally = Tally::default();
    let mut names = Vec::new();
    for path in &arguments.paths {
        if let Err(reason) = collect(path, &mut names, &mut tally, output) {
            output.talk.push_str(&format!("{}: {reason}\n", path.display()));
            tally.unread += 1;
        }
    }
    names.dedup();
    for input in read_inputs(&names, None, &RealFiles::new(None)) {
        one(input, arguments, &mut tally, output);
    }
    summary(arguments, &tally, output);
    let Tally { changed, same: _, wrong, unread } = tally;
    let only_looks = arguments.check || arguments.diff;
    match (wrong, unread, changed) {
        (0, 0, 0) => Outcome::Fine,
        (0, 0, _) if !only_looks => Outcome::Fine,
        (0, 1.., _) => Outcome::Partial,
        _ => Outcome::Findings,
    }
}

/// A file is taken as it is named, a folder for its policy files.
fn collect(
    path: &Path,
    names: &mut Vec<String>,
    tally: &mut Tally,
    output: &mut Output,
) -> Result<(), String> {
    if !path.is_dir() {
        names.push(shown(path));
        return Ok(());
    }
    let found = find(path, Limits::default()).map_err(|error| error.to_string())?;
    for (folder, reason) in found.unreadable {
        output.talk.push_str(&format!("{}: {reason}\n", folder.display()));
        tally.unread += 1;
    }
    names.extend(found.files.iter().map(|path| shown(path)));
    Ok(())
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

fn one(input: Input, arguments: &Fmt, tally: &mut Tally, output: &mut Output) {
    let name = input.name.clone();
    let Ok(Ok(text)) = input.content.clone().map(String::from_utf8) else {
        return refuse(input, None, arguments, tally, output);
    };
    let kind = FileKind::guess(&name, text.as_bytes());
    let Ok(after) = format(&text, kind) else {
        return refuse(input, kind, arguments, tally, output);
    };
    if after == text {
        tally.same += 1;
        return;
    }
    if arguments.diff {
        output.data.push_str(&difference(&name, &text, &after, kind));
    }
    if arguments.check && !arguments.diff {
        output.data.push_str(&format!("{name}\n"));
    }
    if arguments.check || arguments.diff {
        tally.changed += 1;
        return;
    }
    match replace(&PathBuf::from(&name), text.as_bytes(), after.as_bytes()) {
        Ok(()) => {
            output.data.push_str(&format!("{name}\n"));
            tally.changed += 1;
        }
        Err(reason) => {
            output.talk.push_str(&format!("{name}: {reason}\n"));
            tally.wrong += 1;
        }
    }
}

/// A file that cannot be read, or is not TOML, is reported as `check` does and left alone.
fn refuse(
    input: Input,
    kind: Option<FileKind>,
    arguments: &Fmt,
    tally: &mut Tally,
    output: &mut Output,
) {
    tally.wrong += 1;
    let kind = kind.filter(|kind| crate::format::keys(*kind).is_some());
    let input = Input { kind: Some(kind.unwrap_or(FileKind::Config)), ..input };
    let mut report = check(vec![input], &Options::default());
    only_syntax(&mut report);
    let text = if arguments.plain { plain(&report) } else { human(&report, Style::default()) };
    // The closing lines count what `check` looks at, not what `fmt` does.
    let end = report.diagnostics.is_empty().then_some(0).or_else(|| text.rfind("\n\n"));
    let cut = if arguments.plain { text.trim_end().rfind('\n').map(|at| at + 1) } else { end };
    output.talk.push_str(text.get(..cut.unwrap_or(text.len())).unwrap_or(&text));
    if !arguments.plain {
        output.talk.push_str("\n\n");
    }
}

/// What makes a text no TOML; the rest is `check`'s.
fn only_syntax(report: &mut Report) {
    use codex_schema::diagnostic::Code;
    let syntax = [Code::Unreadable, Code::NotText, Code::Syntax, Code::DuplicateKey];
    report.diagnostics.retain(|found| syntax.contains(&found.code));
}

fn summary(arguments: &Fmt, tally: &Tally, output: &mut Output) {
    let Tally { changed, same, wrong, unread: _ } = *tally;
    let done = if arguments.check || arguments.diff { "would change" } else { "changed" };
    let mut line = format!("{changed} {done}, {same} as they should be");
    if wrong > 0 {
        line.push_str(&format!(", {wrong} left alone"));
    }
    output.talk.push_str(&format!("{line}\n"));
}

/// A unified diff that shows no secrets.
fn difference(name: &str, before: &str, after: &str, kind: Option<FileKind>) -> String {
    let (before, after) = (redacted(before, kind), redacted(after, kind));
    let diff = similar::TextDiff::from_lines(&before, &after);
    let path = name.trim_start_matches('/');
    let (old, new) = (format!("a/{path}"), format!("b/{path}"));
    diff.unified_diff().context_radius(3).header(&old, &new).to_string()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, run};
    use super::*;

    fn fmt(arguments: &[&str]) -> (Outcome, Output) {
        let words = ["codex-config", "fmt"].iter().chain(arguments);
        let mut output = Output::default();
        let outcome = run(&Cli::try_parse_from(words).unwrap(), &mut output);
        (outcome, output)
    }

    #[test]
    fn writes_once_and_only_what_is_toml() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("config.toml"), "model='a'\n").unwrap();
        std::fs::write(path("requirements.toml"), "a = \n").unwrap();
        let name = folder.path().display().to_string();

        let (outcome, output) = fmt(&["--check", &name]);
        assert_eq!(outcome, Outcome::Findings);
        assert_eq!(output.data, format!("{name}/config.toml\n"));
        assert!(output.talk.contains("error[CX0003]"), "{}", output.talk);
        let (_, output) = fmt(&["--diff", &name]);
        assert!(output.data.contains("-model='a'\n+model = \"a\"\n"), "{}", output.data);
        assert_eq!(std::fs::read_to_string(path("config.toml")).unwrap(), "model='a'\n");

        assert_eq!(fmt(&[&name]).0, Outcome::Findings);
        assert_eq!(std::fs::read_to_string(path("config.toml")).unwrap(), "model = \"a\"\n");
        assert_eq!(std::fs::read_to_string(path("requirements.toml")).unwrap(), "a = \n");
        std::fs::remove_file(path("requirements.toml")).unwrap();
        let (outcome, output) = fmt(&["--check", &name]);
        assert_eq!((outcome, output.data.as_str()), (Outcome::Fine, ""));
        assert_eq!(fmt(&["/no/such/file"]).0, Outcome::Findings);
    }

    #[test]
    fn differences_show_no_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let text = "[model_providers.p]\nexperimental_bearer_token='sk-very-secret'\n";
        std::fs::write(&path, text).unwrap();
        let (outcome, output) = fmt(&["--diff", &path.display().to_string()]);
        assert_eq!(outcome, Outcome::Findings);
        assert!(output.data.contains("experimental_bearer_token = ‹redacted›"), "{}", output.data);
        assert!(!output.data.contains("very-secret"));
    }
}
