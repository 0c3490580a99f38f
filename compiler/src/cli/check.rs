//! `check`: every problem of files at once.

use codex_schema::diagnostic::Code;

use super::arguments::Check;
use super::explain::usage;
use super::world::paint;
use super::{Outcome, Output};
use crate::check::{Options, check as check_inputs, read_inputs};
use crate::files::RealFiles;
use crate::render::diagnostics::{Colour, Glyphs, Style, human, json, plain};

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
    let inputs = read_inputs(&names, arguments.kind, &RealFiles::new(None));
    let options = Options { versions: arguments.codex_version.clone(), ..Options::default() };
    let report = check_inputs(inputs, &options);
    let paint = paint(&arguments.print);
    output.data = if arguments.print.json {
        json(&report)
    } else if arguments.print.plain {
        plain(&report)
    } else {
        let style = Style {
            width: paint.width,
            colour: if paint.color { Colour::Ansi } else { Colour::None },
            glyphs: if paint.ascii { Glyphs::Ascii } else { Glyphs::Unicode },
        };
        human(&report, style)
    };
    if report.diagnostics.is_empty() { Outcome::Fine } else { Outcome::Findings }
}
