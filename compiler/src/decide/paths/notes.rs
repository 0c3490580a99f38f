//! What else a reader of an answer about a path must know.

use codex_schema::version::Version;

use super::disk::{Resolved, Stands, is_within};
use super::entries::{Entry, Right, Voice};
use super::glob::is_glob;
use super::resolve::{Ground, View};
use super::{broken, is_measured, spelling};
use crate::decide::answer::{Answer, Verdict};
use crate::decide::question::Access;
use crate::evaluate::Evaluation;
use crate::machine::Os;

/// Adds notes.
pub(super) fn add(
    answer: &mut Answer,
    evaluation: &Evaluation,
    view: &View<'_>,
    asked: &str,
    resolved: &Resolved,
    access: Access,
) {
    let os = evaluation.machine.os;
    let notes = &mut answer.notes;
    if let Some(link) = &resolved.link {
        notes.push(format!("`{}` is a link: what it leads to counts", spelling::shown(link, os)));
    }
    if asked.starts_with('~') && asked.len() > 1 && !asked.starts_with("~/") {
        notes.push(
            "a shell takes `~name` for the home of a user; here it is taken for a name in the \
             working folder"
                .to_owned(),
        );
    }
    if asked.contains('\u{fffd}') {
        notes.push("what was not valid UTF-8 was replaced: the path may be another one".to_owned());
    }
    if asked.contains('$') {
        notes
            .push("variables are not expanded: a shell does that before a path is used".to_owned());
    }
    if !is_measured(os) && view.rights.confined {
        notes.push(
            "how entries combine was measured on Linux; for this system it is taken to be the same"
                .to_owned(),
        );
    }
    if os == Os::Windows {
        notes.push("letters of paths count without case here: read, not measured".to_owned());
    }
    if view.rights.confined {
        about_entries(notes, view, resolved, access, answer.verdict);
        unexpanded(notes, evaluation, view);
        let linked = view
            .rights
            .entries
            .iter()
            .find(|entry| entry.right == Right::Write && view.place(entry) != entry.path);
        if let Some(linked) = linked {
            notes.push(format!(
                "`{}` gives the right to write through a link: with other entries below its target \
                 the outcome was seen to differ from what is said here",
                linked.text
            ));
        }
        if let Some(entry) = broken::fragile(view) {
            notes.push(format!(
                "`{}` names what is not there, where commands may write: with this Codex sometimes \
                 fails to start a session",
                entry.text
            ));
        }
        not_there(notes, view, resolved, access, answer.verdict);
    }
    escapes(notes, evaluation, view, answer.verdict);
}

/// What the entries that cover the path do besides.
fn about_entries(
    notes: &mut Vec<String>,
    view: &View<'_>,
    resolved: &Resolved,
    access: Access,
    verdict: Verdict,
) {
    let path = &resolved.path;
    let denies: Vec<&Entry> =
        view.rights.entries.iter().filter(|entry| entry.right == Right::Deny).collect();
    let decision = view.decide(path);
    if matches!(decision.ground, Ground::Nothing) {
        notes.push(
            "the sandbox shows an empty place there: what a command writes in it is gone afterwards"
                .to_owned(),
        );
    }
    if let Ground::Entry(entry) = decision.ground
        && entry.voice == Voice::Managed
        && verdict == Verdict::Deny
    {
        notes.push("it holds during approvals and retries: they stay in the sandbox".to_owned());
        if let Some(glob) = &entry.glob {
            if glob.depth.is_some() {
                notes.push(
                    "`glob_scan_max_depth` of the profile limits this pattern, too".to_owned(),
                );
            }
            notes.push(
                "a pattern is searched for before every command and costs time with every file it \
                 finds; a file that a command makes is denied from the next command on"
                    .to_owned(),
            );
        }
    }
    if decision.right != Right::Deny {
        let over = denies.iter().find(|entry| {
            entry.glob.is_none() && entry.path != "/" && is_within(path, &entry.path)
        });
        if let Some(over) = over {
            notes.push(format!(
                "`{}` denies the folder above, but writing was given nearer to it, and that opens it \
                 again",
                over.text
            ));
        }
        let shallow = denies
            .iter()
            .find(|entry| entry.glob.as_ref().is_some_and(|glob| glob.is_too_deep(path)));
        if let Some(shallow) = shallow {
            notes.push(format!(
                "`{}` matches it, but `glob_scan_max_depth` of the profile ends the search before",
                shallow.text
            ));
        }
        let folder = denies.iter().find(|entry| {
            view.disk.stands(path) == Stands::Folder
                && entry.glob.as_ref().is_some_and(|glob| glob.matches(path))
        });
        if let Some(folder) = folder {
            notes.push(format!(
                "`{}` matches this folder, but patterns deny files only: write the folder without a \
                 pattern",
                folder.text
            ));
        }
    }
    if access == Access::Write && verdict == Verdict::Deny && view.rights.temporary {
        notes.push("the folder that `TMPDIR` names may be written as well".to_owned());
    }
}

/// Entries that look as if something were to be expanded in them.
fn unexpanded(notes: &mut Vec<String>, evaluation: &Evaluation, view: &View<'_>) {
    let managed = view.rights.entries.iter().filter(|entry| entry.voice == Voice::Managed);
    for entry in managed {
        // Composition has put the folder of the policy before what is not absolute.
        let base = evaluation.machine.os.system_folder();
        let rest = entry.text.strip_prefix(base).unwrap_or(&entry.text);
        let rest = rest.trim_start_matches(['/', '\\']);
        let what = if rest.starts_with('$') || rest.starts_with('%') {
            "variables are not expanded"
        } else if rest.starts_with('~') && rest.len() < entry.text.len() {
            "only `~/` stands for a home folder"
        } else {
            continue;
        };
        notes.push(format!("`{}` denies a path of just this name: {what}", entry.text));
    }
}

fn not_there(
    notes: &mut Vec<String>,
    view: &View<'_>,
    resolved: &Resolved,
    access: Access,
    verdict: Verdict,
) {
    match view.disk.stands(&resolved.path) {
        Stands::Nothing if verdict == Verdict::Deny => {
            notes.push("it is not there now".to_owned());
        }
        Stands::Nothing => {
            let pattern =
                view.rights.entries.iter().find(|entry| {
                    entry.glob.as_ref().is_some_and(|glob| glob.matches(&resolved.path))
                });
            if let Some(pattern) = pattern {
                notes.push(format!(
                    "it is not there now; once it is, `{}` denies it from the next command on",
                    pattern.text
                ));
            } else if access == Access::Read {
                notes.push("it is not there now".to_owned());
            } else if !view.can_be_made(&resolved.path) {
                notes.push("neither it nor its folder is there now".to_owned());
            }
        }
        Stands::Unknown => {
            let patterns = view.rights.entries.iter().any(|entry| is_glob(&entry.path));
            let links = if patterns { "links and files that patterns find" } else { "links" };
            notes.push(format!("nobody looked at the disk: {links} may lead to another answer"));
        }
        Stands::File | Stands::Folder | Stands::Link(_) => {}
    }
}

/// Commands that leave the sandbox. Measured at 0.169.0: a `deny_read` entry keeps them in.
fn escapes(notes: &mut Vec<String>, evaluation: &Evaluation, view: &View<'_>, verdict: Verdict) {
    let managed = view.rights.entries.iter().any(|entry| entry.voice == Voice::Managed);
    if verdict == Verdict::Deny && !managed && evaluation.machine.version >= Version::of(122) {
        notes.push(
            "a command that is approved, or that a `.rules` file allows, runs outside of the \
             sandbox: one `deny_read` entry would keep it in"
                .to_owned(),
        );
    }
}
