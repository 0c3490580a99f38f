//! `check`: every problem of files at once.

use codex_schema::diagnostic::{Code, Severity};

use super::arguments::{Check, PrintArgs};
use super::explain::usage;
use super::world::{paint, surroundings, today};
use super::{Outcome, Output};
use crate::check::{Options, Report, Scope, check as check_inputs, check_tree, read_inputs};
use crate::files::RealFiles;
use crate::render::diagnostics::{Colour, Glyphs, Style, human, json, plain};

/// A report in the form that was asked for.
pub(super) fn shown(report: &Report, print: &PrintArgs) -> String {
    let paint = paint(print);
    if print.json {
        json(report)
    } else if print.plain {
        plain(report)
    } else {
        let style = Style {
            width: paint.width,
            colour: if paint.color { Colour::Ansi } else { Colour::None },
            glyphs: if paint.ascii { Glyphs::Ascii } else { Glyphs::Unicode },
        };
        human(report, style)
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
    let report = match (names.as_slice(), folders) {
        (_, 0) => {
            let inputs = read_inputs(&names, arguments.kind, &RealFiles::new(None));
            let options =
                Options { versions: arguments.codex_version.clone(), ..Options::default() };
            check_inputs(inputs, &options)
        }
        ([folder], _) => {
            let surroundings = match surroundings(&arguments.surroundings) {
                Ok(surroundings) => surroundings,
                Err(problem) => return usage(output, &problem),
            };
            let today = arguments.today.unwrap_or_else(today);
            let scope = Scope { today, wanted: &|_| true, surroundings: &surroundings };
            check_tree(&RealFiles::new(None), folder, &scope).report
        }
        _ => return usage(output, "name one policy repository, or files, but not both"),
    };
    output.data = shown(&report, &arguments.print);
    let found = report.diagnostics.iter().any(|found| found.severity > Severity::Info);
    if found { Outcome::Findings } else { Outcome::Fine }
}
