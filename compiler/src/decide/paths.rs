//! Whether a path can be read or written by a command in a session.
//!
//! The policy decides by paths; which file a path leads to, what is there and what patterns find is
//! a matter of the disk, which is passed in. Without a look at the disk the answer is that of the
//! policy alone, and says so.

mod broken;
pub mod disk;
mod entries;
mod glob;
mod near;
mod notes;
mod resolve;
mod spelling;

use super::answer::{Answer, Verdict};
use super::question::Access;
use super::refused;
use crate::era::Era;
use crate::evaluate::Evaluation;
use crate::machine::Os;
use disk::{Disk, Resolved, Stands};
use entries::{Right, Voice};
use resolve::{Decision, Ground, View};

const DENIED: &str = "Permission denied";
const READ_ONLY: &str = "Read-only file system";
const ABSENT: &str = "No such file or directory";

/// Answers for a path.
pub(super) fn answer(
    evaluation: &Evaluation,
    path: &str,
    access: Access,
    disk: &dyn Disk,
) -> Answer {
    let machine = &evaluation.machine;
    let absolute = match spelling::of_question(path, machine) {
        Ok(absolute) => absolute,
        Err(wrong) => {
            let mut answer = Answer::new(path, Verdict::Deny, wrong.because());
            answer.codex_says = wrong.says().map(str::to_owned);
            return answer;
        }
    };
    let Some(resolved) = disk::resolve(&absolute, disk) else {
        let because = "links on the way to it run in circles";
        let mut answer = Answer::new(absolute, Verdict::Deny, because);
        answer.codex_says = Some("Too many levels of symbolic links".to_owned());
        return answer;
    };
    let subject = spelling::shown(&resolved.path, machine.os);
    if let Some((entry, says)) = broken::unreadable(evaluation) {
        let because = "Codex refuses a path with braces in `deny_read`: nothing starts";
        return refused::because(&subject, because, says, vec![entry.said()]);
    }
    let session = evaluation.session();
    let rights = entries::of(evaluation, &session);
    let era = Era::of(machine.version);
    let view = View { rights: &rights, disk, era, os: machine.os };
    let mut answer = within(evaluation, &view, &subject, &resolved, access);
    notes::add(&mut answer, evaluation, &view, path, &resolved, access);
    answer
}

/// Answers for a path in a session that Codex does not refuse.
fn within(
    evaluation: &Evaluation,
    view: &View<'_>,
    subject: &str,
    resolved: &Resolved,
    access: Access,
) -> Answer {
    let path = &resolved.path;
    if !view.rights.confined {
        let because = "the session runs without a sandbox: no entry is about files";
        return Answer::new(subject, Verdict::Unmanaged, because);
    }
    if let Some(broken) = broken::of(view, evaluation) {
        let entries = broken.entries.iter().map(|entry| entry.said()).collect();
        return refused::because(subject, &broken.because, broken.says, entries);
    }
    let decision = view.decide(path);
    if let Some(answer) = through_denied(view, subject, &resolved.left) {
        return answer;
    }
    let enough = match access {
        Access::Read => decision.right != Right::Deny,
        Access::Write => decision.right == Right::Write,
    };
    let verdict = if enough { Verdict::Allow } else { Verdict::Deny };
    let mut answer = Answer::new(subject, verdict, because(&decision, access));
    if let Ground::Entry(entry) | Ground::Kept { folder: entry, .. } = &decision.ground {
        answer.entries.push(entry.said());
    }
    answer.codex_says =
        (!enough).then(|| says(view, path, access, &decision)).flatten().map(str::to_owned);
    answer.near = near::of(view, path, access, &decision, view.os);
    answer.advice = advice(&decision, access, verdict);
    answer
}

/// The answer where the way leads through a denied folder and out again with `..`.
fn through_denied(view: &View<'_>, subject: &str, left: &[String]) -> Option<Answer> {
    let absent = left.iter().find(|folder| matches!(view.literal(folder).ground, Ground::Nothing));
    if let Some(folder) = absent {
        let because = format!("the way leads through `{folder}`, which the profile does not open");
        let mut answer = Answer::new(subject, Verdict::Deny, because);
        answer.codex_says = Some(ABSENT.to_owned());
        return Some(answer);
    }
    let denied = left.iter().find_map(|folder| match view.literal(folder) {
        Decision { right: Right::Deny, ground: Ground::Entry(entry) }
            if !view.opened_below(entry) || *folder != view.place(entry) =>
        {
            Some((folder, entry))
        }
        _ => None,
    });
    let (folder, entry) = denied?;
    let because = format!("the way leads through `{folder}`, which `{}` denies", entry.text);
    let mut answer = Answer::new(subject, Verdict::Deny, because);
    answer.entries.push(entry.said());
    answer.codex_says = Some(DENIED.to_owned());
    Some(answer)
}

/// What a program is told, where that is known to the letter.
fn says(
    view: &View<'_>,
    path: &str,
    access: Access,
    decision: &Decision<'_>,
) -> Option<&'static str> {
    let missing = view.disk.stands(path) == Stands::Nothing;
    match (&decision.ground, decision.right) {
        // There the sandbox has an empty folder of its own.
        (Ground::Nothing, _) => (!missing).then_some(ABSENT),
        // A name that has to be kept and is not there is made an empty folder.
        (Ground::Kept { folder, name }, _) if missing => {
            let kept = format!("{}/{name}", view.place(folder).trim_end_matches('/'));
            Some(if path == kept { "Is a directory" } else { READ_ONLY })
        }
        (Ground::Entry(entry), Right::Deny) if view.opened_below(entry) => Some(match access {
            Access::Read if path == view.place(entry) => DENIED,
            Access::Read => ABSENT,
            // Only the folders on the way are there.
            Access::Write if view.is_way(path.rsplit_once('/').map_or("/", |(above, _)| above)) => {
                READ_ONLY
            }
            Access::Write => ABSENT,
        }),
        // Placeholders stand there, which differ from one time to the next.
        (Ground::Entry(entry), Right::Deny) if missing && view.is_absent(entry) => None,
        (_, Right::Deny) => Some(DENIED),
        (_, Right::Read | Right::Write) => Some(READ_ONLY),
    }
}

fn because(decision: &Decision<'_>, access: Access) -> String {
    let entry = match &decision.ground {
        Ground::Entry(entry) => entry,
        Ground::Kept { folder, name } => {
            return format!(
                "`{name}` at the top of a folder that may be written (`{}`) stays read-only",
                folder.text
            );
        }
        Ground::Own(folder) => {
            return format!("the sandbox has a {folder} of its own");
        }
        Ground::Way => return "the sandbox has the folders on the way to what is open".to_owned(),
        Ground::Nothing => return "no entry of the profile opens it".to_owned(),
    };
    match (decision.right, access, entry.voice) {
        (Right::Deny, _, Voice::Managed) => {
            format!("`{}` in `deny_read` covers it", entry.text)
        }
        (Right::Deny, _, _) => format!("`{}` in the profile denies it", entry.text),
        (Right::Read, Access::Write, Voice::BuiltIn) => {
            "it is outside of every folder that may be written".to_owned()
        }
        (Right::Read, Access::Write, _) => format!("`{}` may only be read", entry.text),
        (Right::Read, Access::Read, Voice::BuiltIn) => {
            "the sandbox lets everything be read that nothing denies".to_owned()
        }
        (Right::Read, Access::Read, _) => format!("`{}` may be read", entry.text),
        (Right::Write, _, _) => format!("`{}` may be read and written", entry.text),
    }
}

fn advice(decision: &Decision<'_>, access: Access, verdict: Verdict) -> Vec<String> {
    if verdict != Verdict::Deny {
        return Vec::new();
    }
    let entry = match &decision.ground {
        Ground::Entry(entry) => entry,
        Ground::Kept { name, .. } => {
            return vec![format!(
                "a profile with an entry for `{name}` itself can open it: `\"…/{name}\" = \"write\"`"
            )];
        }
        Ground::Own(_) | Ground::Way | Ground::Nothing => return Vec::new(),
    };
    match (entry.voice, decision.right, access) {
        (Voice::Managed, _, _) => {
            vec!["the owner of the entry can narrow it: no setting of a user opens it".to_owned()]
        }
        (_, Right::Read, Access::Write) => vec![
            "work in a folder that may be written, or name this one in \
             `sandbox_workspace_write.writable_roots` where the policy lets sessions write"
                .to_owned(),
        ],
        (_, Right::Deny | Right::Read | Right::Write, _) => Vec::new(),
    }
}

/// Whether what is known of an operating system was measured.
fn is_measured(os: Os) -> bool {
    match os {
        Os::Linux => true,
        Os::Macos | Os::Windows => false,
    }
}

#[cfg(test)]
mod tests;
