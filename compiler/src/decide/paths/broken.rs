//! Entries that keep every session or every command from starting, though Codex accepts them.
//!
//! All were met in sessions of 0.169.0; what older versions do is said at each. Most depend on what
//! is on the disk, and are only found where somebody looked.

use super::disk::{Disk, Stands, first_missing, is_within, resolve};
use super::entries::{Entry, Right, Voice, managed};
use super::resolve::View;
use crate::evaluate::Evaluation;
use crate::machine::Os;
use codex_schema::version::Version;

/// Why nothing starts.
#[derive(Clone, Debug)]
pub(super) struct Broken<'a> {
    /// In a sentence without a full stop.
    pub(super) because: String,
    /// Codex's words, as far as they are the same every time.
    pub(super) says: String,
    /// The entries that do it.
    pub(super) entries: Vec<&'a Entry>,
}

/// Most files that are looked at for one pattern.
const MOST_FILES: usize = 5000;

/// What keeps a session from running.
pub(super) fn of<'a>(view: &View<'a>, evaluation: &Evaluation) -> Option<Broken<'a>> {
    let denied: Vec<&Entry> =
        view.rights.entries.iter().filter(|entry| entry.right == Right::Deny).collect();
    let rights = below_denied(view, evaluation, &denied).or_else(|| own_files(evaluation, &denied));
    if view.os != Os::Linux || rights.is_some() {
        return rights;
    }
    whole_disk(view, &denied)
        .or_else(|| through_link(view, &denied))
        .or_else(|| nested(view, &denied))
        .or_else(|| working_folder(view, evaluation, &denied))
        .or_else(|| no_folder(view))
        .or_else(|| kept_link(view))
}

fn is_managed(entry: &Entry) -> bool {
    entry.voice == Voice::Managed
}

/// What `deny_read` says of a right to a path, whatever stands there.
fn covers(denied: &Entry, path: &str) -> bool {
    match &denied.glob {
        Some(glob) => glob.matches(path),
        None => is_within(path, &denied.path),
    }
}

fn not_allowed(path: &str, evaluation: &Evaluation) -> String {
    let by = evaluation.inputs().set_by("permissions");
    format!(
        "invalid value for `permissions.filesystem`: `{path}` is not in the allowed set all managed \
         deny_read restrictions (set by {by})"
    )
}

/// A right to a path that requirements deny. Measured: not at 0.138.0, at 0.157.1.
fn below_denied<'a>(
    view: &View<'a>,
    evaluation: &Evaluation,
    denied: &[&'a Entry],
) -> Option<Broken<'a>> {
    if !view.era.refuses_rights_below_denied() {
        return None;
    }
    let given = |entry: &&Entry| entry.voice == Voice::Named && entry.right != Right::Deny;
    view.rights.entries.iter().filter(given).find_map(|right| {
        let mut places = vec![right.path.clone()];
        // The names that are kept in a named folder are rights to read them.
        if right.is_writable_root() {
            let kept = view.era.kept_names().iter();
            places.extend(kept.map(|name| format!("{}/{name}", right.path)));
            places.retain(|place| view.disk.stands(place) != Stands::Nothing);
        }
        let (place, by) = places.iter().find_map(|place| {
            let by = denied.iter().find(|entry| is_managed(entry) && covers(entry, place))?;
            Some((place, by))
        })?;
        Some(Broken {
            because: format!(
                "`{}` gives a right to what `deny_read` denies, so no session starts",
                right.text
            ),
            says: format!("failed to load configuration: {}", not_allowed(place, evaluation)),
            entries: vec![right, *by],
        })
    })
}

/// Codex's own folder of programs, which sessions have to read.
fn own_files<'a>(evaluation: &Evaluation, denied: &[&'a Entry]) -> Option<Broken<'a>> {
    let inputs = evaluation.inputs();
    if !inputs.era().refuses_rights_below_denied() {
        return None;
    }
    let name = if inputs.machine.version < Version::of(158) { "arg0" } else { "arg0-linux" };
    let own = format!("{}/tmp/{name}/codex-arg0…", inputs.machine.codex_home);
    let by = denied.iter().find(|entry| {
        let below = entry.path != "/" && is_within(&own, &entry.path);
        is_managed(entry) && entry.glob.is_none() && below
    })?;
    Some(Broken {
        because: "Codex must read its own folder below CODEX_HOME, so nothing starts".to_owned(),
        says: not_allowed(&own, evaluation),
        entries: vec![*by],
    })
}

fn whole_disk<'a>(view: &View<'a>, denied: &[&'a Entry]) -> Option<Broken<'a>> {
    let all = denied.iter().find(|entry| entry.path == "/" && is_managed(entry));
    if let Some(all) = all {
        return Some(Broken {
            because: "the whole disk is denied, Codex's own program too: no command runs"
                .to_owned(),
            says: "bwrap: execvp …/codex: No such file or directory".to_owned(),
            entries: vec![*all],
        });
    }
    // Measured: not at 0.138.0, at 0.157.1.
    let refused = view.era.refuses_rights_below_denied();
    let broad = denied.iter().filter(|_| refused);
    let broad =
        broad.into_iter().find(|entry| entry.glob.as_ref().is_some_and(|glob| glob.base == "/"))?;
    Some(Broken {
        because: "a pattern right below `/` cannot be searched for: no session starts".to_owned(),
        says: format!(
            "unreadable glob `{}` cannot be safely expanded; use a pattern with a non-root \
             directory prefix",
            broad.path
        ),
        entries: vec![*broad],
    })
}

/// A denied path on the way to which a link stands.
fn through_link<'a>(view: &View<'a>, denied: &[&'a Entry]) -> Option<Broken<'a>> {
    denied.iter().find_map(|entry| {
        let start = entry.glob.as_ref().map_or(&entry.path, |glob| &glob.base);
        let resolved = resolve(start, view.disk)?;
        let link = resolved.link?;
        let writable = view.literal(&link).right == Right::Write;
        // The mounts of the sandbox follow a link that is relative, and nothing else.
        let link = if writable { link } else { resolved.absolute? };
        if entry.glob.is_some() && found(view, entry, |_| true).is_none() {
            return None;
        }
        let says = if writable {
            format!(
                "cannot enforce sandbox deny-read path {} because it crosses writable symlink \
                 {link}",
                entry.path
            )
        } else {
            "bwrap: … No such file or directory".to_owned()
        };
        Some(Broken {
            because: format!(
                "`{link}` is a link, and what it leads to is not denied: no session \
                              starts"
            ),
            says,
            entries: vec![*entry],
        })
    })
}

/// A denied path below another one: the second has nothing to stand on.
fn nested<'a>(view: &View<'a>, denied: &[&'a Entry]) -> Option<Broken<'a>> {
    let folders: Vec<&Entry> =
        denied.iter().copied().filter(|entry| entry.glob.is_none() && entry.path != "/").collect();
    denied.iter().find_map(|inner| {
        let outer = folders.iter().find(|outer| match &inner.glob {
            None => {
                let place = view.place(inner);
                let made = view.disk.stands(&place) == Stands::Nothing && view.opened_below(outer);
                // Through a link one path can be denied twice.
                let twice = inner.path != outer.path && place == view.place(outer);
                twice || !made && directly_within(view, &place, outer)
            }
            // What patterns find is denied before anything is opened again.
            Some(_) => found(view, inner, |file| file != outer.path && is_within(file, &outer.path)).is_some(),
        })?;
        Some(Broken {
            because: format!(
                "`{}` is denied already by `{}`, and Codex fails to deny it twice: no session starts",
                inner.text, outer.text
            ),
            says: format!("bwrap: Can't create file at {}: Read-only file system", inner.path),
            entries: vec![*inner, *outer],
        })
    })
}

/// Whether a path stands below a denied one, without a folder in between that may be written.
fn directly_within(view: &View<'_>, path: &str, outer: &Entry) -> bool {
    let outer = view.place(outer);
    path != outer
        && is_within(path, &outer)
        && !view.rights.entries.iter().any(|entry| {
            entry.right == Right::Write
                && entry.path.len() > outer.len()
                && is_within(path, &entry.path)
                && is_within(&entry.path, &outer)
        })
}

/// The first file that a pattern finds, of those wanted.
pub(super) fn found(
    view: &View<'_>,
    entry: &Entry,
    wanted: impl Fn(&str) -> bool,
) -> Option<String> {
    let glob = entry.glob.as_ref()?;
    let mut waiting = vec![glob.base.clone()];
    let mut looked = 0;
    while let Some(folder) = waiting.pop() {
        for name in view.disk.names(&folder) {
            looked += 1;
            if looked > MOST_FILES {
                return None;
            }
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            match view.disk.stands(&path) {
                Stands::Folder => waiting.push(path),
                Stands::File if glob.matches(&path) && wanted(&path) => return Some(path),
                Stands::File | Stands::Link(_) | Stands::Nothing | Stands::Unknown => {}
            }
        }
    }
    None
}

/// Entries with which Codex 0.169 sometimes fails to start a session or a command: they name what is
/// not there, where commands may write, and the sandboxes that Codex starts at the same time put
/// placeholders in each other's way. The same policy was seen to run and to fail.
pub(super) fn fragile<'a>(view: &View<'a>) -> Option<&'a Entry> {
    if !view.era.bars_missing_folders() || view.os != Os::Linux {
        return None;
    }
    let plain = view.rights.entries.iter().filter(|entry| entry.glob.is_none());
    plain.into_iter().find(|entry| {
        let Some(at) = first_missing(&entry.path, view.disk) else { return false };
        let unmade =
            at != entry.path || entry.right == Right::Write || above_file(view.disk, &entry.path);
        unmade && makes(view, &at)
    })
}

fn above_file(disk: &dyn Disk, path: &str) -> bool {
    super::disk::above_and_itself(path)
        .any(|above| above != path && disk.stands(&above) == Stands::File)
}

/// The working folder, denied and not opened again. Measured: not at 0.138.0, at 0.157.1.
fn working_folder<'a>(
    view: &View<'a>,
    evaluation: &Evaluation,
    denied: &[&'a Entry],
) -> Option<Broken<'a>> {
    let cwd = &evaluation.machine.cwd;
    if !view.era.refuses_rights_below_denied() || view.literal(cwd).right != Right::Deny {
        return None;
    }
    let by = denied.iter().find(|entry| entry.glob.is_none() && is_within(cwd, &entry.path))?;
    // With something open below it is there and empty.
    if view.opened_below(by) {
        return None;
    }
    Some(Broken {
        because: "the working folder is denied: no session starts in it".to_owned(),
        says: "failed to load AGENTS.md instructions for environment `local`: Permission denied \
               (os error 13)"
            .to_owned(),
        entries: vec![*by],
    })
}

/// A right to write to something that is no folder.
fn no_folder<'a>(view: &View<'a>) -> Option<Broken<'a>> {
    let rights = view.rights.entries.iter().filter(|entry| entry.right == Right::Write);
    let mut files = rights.filter(|entry| view.disk.stands(&view.place(entry)) == Stands::File);
    // Below a name that is kept nothing more has to be kept.
    let by = files.find(|entry| {
        let kept = view.era.kept_names();
        !super::disk::parts(&entry.path).any(|part| kept.contains(&part))
    })?;
    Some(Broken {
        because: format!("`{}` may be written and is no folder: no command runs", by.text),
        says: format!("bwrap: Can't mkdir parents for {}/.git: Not a directory", by.path),
        entries: vec![by],
    })
}

/// Whether commands could make or change what stands at a path: its folder may be written.
fn makes(view: &View<'_>, path: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
    view.literal(folder).right == Right::Write
}

/// A link that commands could change, on the way to what may only be read.
fn kept_link<'a>(view: &View<'a>) -> Option<Broken<'a>> {
    let entries = view.rights.entries.iter().filter(|entry| entry.glob.is_none());
    let mut kept = entries.flat_map(|entry| -> Vec<(&'a Entry, String)> {
        match entry.right {
            Right::Deny => Vec::new(),
            Right::Read => vec![(entry, entry.path.clone())],
            Right::Write if view.disk.stands(&view.place(entry)) != Stands::Folder => Vec::new(),
            Right::Write => {
                let name = |name| (entry, format!("{}/{name}", entry.path));
                view.era.kept_names().iter().map(name).collect()
            }
        }
    });
    kept.find_map(|(entry, path)| {
        let link = resolve(&path, view.disk)?.link?;
        makes(view, &link).then(|| Broken {
            because: format!(
                "`{link}` is a link that commands could change, on the way to what they may only \
                 read: no command runs"
            ),
            says: format!(
                "cannot enforce sandbox read-only path {path} because it crosses writable symlink \
                 {link}"
            ),
            entries: vec![entry],
        })
    })
}

/// A denied path that Codex refuses to read. Measured: not at 0.138.0, at 0.157.1.
pub(super) fn unreadable(evaluation: &Evaluation) -> Option<(Entry, String)> {
    let inputs = evaluation.inputs();
    if !inputs.era().refuses_rights_below_denied() || inputs.machine.os == Os::Windows {
        return None;
    }
    let entry = managed(&inputs).into_iter().find(|entry| {
        let set = entry.path.contains('[');
        entry.path.contains(['{', '}', '\\']) || entry.path.contains(']') && !set
    })?;
    let says = format!(
        "failed to parse requirements layer {}: unsupported configuration path \"{}\" using POSIX \
         path syntax in `permissions.filesystem.deny_read`",
        inputs.set_by("permissions"),
        entry.path
    );
    Some((entry, says))
}
