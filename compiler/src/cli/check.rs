//! `check`: every problem of files at once.

use std::path::Path;

use codex_schema::diagnostic::{Code, Severity};
use codex_schema::types::policy::Date;

use super::arguments::{Check, Fixes, Form, PrintArgs};
use super::explain::usage;
use super::world::{paint, surroundings, today};
use super::{Outcome, Output};
use crate::check::{
    Options, Report, Scope, Surroundings, check as check_inputs, check_tree, read_inputs,
};
use crate::files::{Content, Files, Overlay, RealFiles};
use crate::mend::{Mended, Texts, mend};
use crate::render::diagnostics::{
    Colour, Glyphs, Located, Style, github, human, json, junit, markdown, plain, sarif,
};
use crate::replace::replace;
use crate::suppress::suppress;

/// A report in the form that was asked for.
pub(super) fn shown(report: &Report, print: &PrintArgs) -> String {
    shown_as(Located { report, folder: "" }, None, print)
}

/// The same in a form that was chosen by its name.
pub(super) fn shown_as(located: Located<'_>, form: Option<Form>, print: &PrintArgs) -> String {
    let usual = match (print.json, print.plain) {
        (true, _) => Form::Json,
        (_, true) => Form::Plain,
        _ => Form::Human,
    };
    match form.unwrap_or(usual) {
        Form::Json => json(located.report),
        Form::Plain => plain(located.report),
        Form::Sarif => sarif(located),
        Form::Github => github(located),
        Form::Junit => junit(located),
        Form::Markdown => markdown(located),
        Form::Human => {
            let paint = paint(print);
            let style = Style {
                width: paint.width,
                colour: if paint.color { Colour::Ansi } else { Colour::None },
                glyphs: if paint.ascii { Glyphs::Ascii } else { Glyphs::Unicode },
            };
            human(located.report, style)
        }
    }
}

/// What is checked.
enum Subject {
    /// A policy repository, by the folder of its manifest, and what else speaks on its machines.
    Repository(String, Surroundings),
    /// Files, by their names.
    Files(Vec<String>),
}

impl Subject {
    /// The folder that names in the report start from.
    fn folder(&self) -> &str {
        match self {
            Self::Repository(folder, _) => folder,
            Self::Files(_) => "",
        }
    }

    /// Where a file of the report is.
    fn path(&self, name: &str) -> String {
        match self {
            Self::Repository(folder, _) => format!("{folder}/{name}"),
            Self::Files(_) => name.to_owned(),
        }
    }

    /// Checks it, with some of its texts replaced.
    fn check(&self, arguments: &Check, texts: &Texts, today: Date) -> Report {
        let real = RealFiles::new(None);
        let texts: Texts =
            texts.iter().map(|(name, text)| (self.path(name), text.clone())).collect();
        let files = Overlay::new(&real, &texts);
        let report = match self {
            Self::Repository(folder, surroundings) => {
                let scope = Scope { today, wanted: &|_| true, surroundings };
                check_tree(&files, folder, &scope).report
            }
            Self::Files(names) => {
                let versions = arguments.codex_version.clone();
                let options = Options { versions, ..Options::default() };
                check_inputs(read_inputs(names, arguments.kind, &files), &options)
            }
        };
        suppress(report, today)
    }
}

/// Checks files, or prints the page of a code.
pub(super) fn check(arguments: &Check, output: &mut Output) -> Outcome {
    if let Some(code) = &arguments.explain {
        return match Code::parse(code) {
            Some(code) => {
                output.data = code.rule().page();
                Outcome::Fine
            }
            None => {
                usage(output, &format!("`{code}` is no diagnostic code; they look like CX0101"))
            }
        };
    }
    let names: Vec<String> =
        arguments.files.iter().map(|path| path.display().to_string()).collect();
    let folders = arguments.files.iter().filter(|path| path.is_dir()).count();
    let subject = match (names.as_slice(), folders) {
        (_, 0) => Subject::Files(names),
        ([folder], _) => match surroundings(&arguments.surroundings) {
            Ok(surroundings) => Subject::Repository(folder.clone(), surroundings),
            Err(problem) => return usage(output, &problem),
        },
        _ => return usage(output, "name one policy repository, or files, but not both"),
    };
    let today = arguments.today.unwrap_or_else(today);
    let mut report = subject.check(arguments, &Texts::new(), today);
    let mut wrote = Ok(());
    if let Some(fixes) = arguments.fix {
        let only = match fixes {
            Fixes::All => None,
            Fixes::Of(code) => Some(code),
        };
        let first = report.clone();
        let mended = mend(report, only, &|texts| subject.check(arguments, texts, today));
        wrote = write(&subject, &first, &mended, output);
        report = if wrote.is_ok() { mended.report } else { first };
    }
    let located = Located { report: &report, folder: subject.folder() };
    output.data = shown_as(located, arguments.format, &arguments.print);
    match wrote {
        Err(()) => Outcome::Partial,
        Ok(()) if report.diagnostics.iter().all(|one| one.severity == Severity::Info) => {
            Outcome::Fine
        }
        Ok(()) => Outcome::Findings,
    }
}

/// Writes the mended texts and tells what was done. Every file is looked at before one is written.
fn write(
    subject: &Subject,
    first: &Report,
    mended: &Mended,
    output: &mut Output,
) -> Result<(), ()> {
    if let Some(errors) = mended.worse {
        output.talk.push_str(&format!(
            "nothing was written: there would be {errors} errors instead of fewer\n"
        ));
        return Ok(());
    }
    let mut ready = Vec::new();
    let mut problems = Vec::new();
    for (name, text) in &mended.texts {
        let path = subject.path(name);
        match bytes_before(first, name, &path) {
            Some(before) => {
                let mark = "\u{feff}";
                let has_mark = before.starts_with(mark.as_bytes());
                let after = if has_mark { format!("{mark}{text}") } else { text.clone() };
                ready.push((path, before, after));
            }
            None => problems.push(format!("{path}: it has changed since it was read")),
        }
    }
    if problems.is_empty() {
        for (path, before, after) in ready {
            if let Err(reason) = replace(Path::new(&path), &before, after.as_bytes()) {
                problems.push(format!("{path}: {reason}"));
            }
        }
    }
    for problem in &problems {
        output.talk.push_str(&format!("not written: {problem}\n"));
    }
    let unwritten = |place: &str| {
        problems.iter().any(|problem| {
            let path = problem.split(": ").next().unwrap_or_default();
            subject.path(place).starts_with(path)
        })
    };
    for done in mended.done.iter().filter(|done| !unwritten(&done.place)) {
        output.talk.push_str(&format!("fixed {} {}: {}\n", done.place, done.code, done.title));
    }
    if mended.done.is_empty() {
        output.talk.push_str("nothing can be fixed without asking\n");
    }
    if problems.is_empty() { Ok(()) } else { Err(()) }
}

/// A file's bytes, if they still are what was checked.
fn bytes_before(first: &Report, name: &str, path: &str) -> Option<Vec<u8>> {
    let Content::Bytes(bytes) = RealFiles::new(None).read(path) else { return None };
    let text = std::str::from_utf8(&bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let checked = first
        .documents
        .iter()
        .any(|document| document.source.to_string() == name && *document.text == *text);
    checked.then_some(bytes)
}

#[cfg(test)]
mod tests;
