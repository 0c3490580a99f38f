//! The entries that decide about files in a session: what Codex builds in, what the configuration
//! and the profile add, and what requirements deny.

use std::collections::BTreeMap;

use codex_schema::span::Span;
use codex_schema::value::{Entry as Written, Node, Table};
use codex_schema::version::Version;

use super::disk::parts;
use super::glob::{Glob, is_glob};
use super::spelling;
use crate::decide::answer::{EntrySaid, Verdict};
use crate::effective::profiles::defined;
use crate::effective::{Inputs, Session};
use crate::evaluate::Evaluation;
use crate::machine::Os;

const WRITABLE_ROOTS: &str = "sandbox_workspace_write.writable_roots";

/// What an entry gives. Of two for one path the later of this list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
    /// Nothing.
    Deny,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Codex itself.
    BuiltIn,
    /// The configuration's options of the sandbox, or a path in a profile.
    Named,
    /// A special name in a profile.
    Special,
    /// `permissions.filesystem.deny_read` of requirements.
    Managed,
}

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The absolute path; the pattern, when it is one.
    pub(super) path: String,
    pub(super) glob: Option<Glob>,
    pub(super) right: Right,
    pub(super) voice: Voice,
    /// The key it belongs to.
    key: String,
    /// As it was written.
    pub(super) text: String,
    pub(super) span: Span,
}

impl Entry {
    /// Whether it stands in the options of `workspace-write`.
    pub(super) fn is_writable_root(&self) -> bool {
        self.key == WRITABLE_ROOTS
    }

    pub(super) fn said(&self) -> EntrySaid {
        let verdict = match self.right {
            Right::Read | Right::Write => Verdict::Allow,
            Right::Deny => Verdict::Deny,
        };
        EntrySaid {
            key: self.key.clone(),
            text: match (self.right, self.voice) {
                (Right::Deny, Voice::Managed) => self.text.clone(),
                (Right::Deny, _) => format!("{} = deny", self.text),
                (Right::Read, _) => format!("{} = read", self.text),
                (Right::Write, _) => format!("{} = write", self.text),
            },
            verdict,
            reason: None,
            span: self.span,
        }
    }
}

/// All that decides about files in one session.
#[derive(Clone, Debug)]
pub(super) struct Rights {
    pub(super) entries: Vec<Entry>,
    /// Whether commands run in a sandbox at all.
    pub(super) confined: bool,
    /// Whether the folder that `TMPDIR` names is writable; where it is, the policy does not say.
    pub(super) temporary: bool,
}

/// Folders that `:minimal` opens for reading. The first six were seen in a session of 0.169.0, the
/// others are read in Codex's source.
const MINIMAL: &[&str] =
    &["/bin", "/etc", "/lib", "/lib64", "/sbin", "/usr", "/nix/store", "/run/current-system/sw"];

/// The rights of a session.
pub(super) fn of(evaluation: &Evaluation, session: &Session) -> Rights {
    let inputs = evaluation.inputs();
    let sandbox = &session.sandbox.value;
    let mut found =
        Collector { inputs, found: BTreeMap::new(), temporary: false, confined: true, depth: None };
    match (sandbox.profile.as_deref(), sandbox.mode.as_str()) {
        (Some(name), _) => found.profile(name),
        (None, "danger-full-access") => found.confined = false,
        (None, "workspace-write") => found.workspace_write(),
        (None, _) => found.built_in("/", Right::Read, "sandbox_mode", "read-only"),
    }
    let Collector { found, temporary, confined, depth, .. } = found;
    let mut entries: Vec<Entry> = found.into_values().collect();
    if confined {
        entries.extend(managed(&inputs));
    }
    // It limits the patterns of requirements as well.
    for glob in entries.iter_mut().filter_map(|entry| entry.glob.as_mut()) {
        glob.depth = depth;
    }
    Rights { entries, confined, temporary }
}

/// The denied paths of requirements.
pub(super) fn managed(inputs: &Inputs<'_>) -> Vec<Entry> {
    let list = inputs.requirement(&["permissions", "filesystem", "deny_read"]);
    let list = list.filter(|_| inputs.machine.version >= Version::of(122));
    let nodes = list.and_then(|node| node.value.as_array()).unwrap_or_default();
    let entry = |node: &Node| {
        let path = node.value.as_str()?;
        let place = spelling::of_entry(path, inputs.machine);
        let key = "permissions.filesystem.deny_read".to_owned();
        Some(entry(inputs, place, (Right::Deny, Voice::Managed), (key, path), node.span))
    };
    nodes.iter().filter_map(entry).collect()
}

fn entry(
    inputs: &Inputs<'_>,
    path: String,
    (right, voice): (Right, Voice),
    (key, text): (String, &str),
    span: Span,
) -> Entry {
    // Rights to a whole folder may be written as a pattern; what is denied stays one.
    let path = match path.strip_suffix("/**") {
        Some(folder) if right != Right::Deny && !folder.is_empty() => folder.to_owned(),
        _ => path,
    };
    let cwd = spelling::of_entry(&inputs.machine.cwd, inputs.machine);
    let glob =
        (right == Right::Deny && is_glob(&path)).then(|| Glob::parse(&path, &cwd, inputs.era()));
    Entry { path, glob, right, voice, key, text: text.to_owned(), span }
}

struct Collector<'a> {
    inputs: Inputs<'a>,
    /// By path, and by who names it: a special name and a path are two entries, even for one
    /// place.
    found: BTreeMap<(String, String), Entry>,
    temporary: bool,
    confined: bool,
    depth: Option<usize>,
}

impl Collector<'_> {
    fn built_in(&mut self, path: &str, right: Right, key: &str, text: &str) {
        let said = (key.to_owned(), text);
        let path = spelling::of_entry(path, self.inputs.machine);
        let entry = entry(&self.inputs, path, (right, Voice::BuiltIn), said, Span::BUILT_IN);
        self.found.insert((entry.path.clone(), String::new()), entry);
    }

    fn workspace_write(&mut self) {
        let mode = "workspace-write";
        self.built_in("/", Right::Read, "sandbox_mode", mode);
        let cwd = self.inputs.machine.cwd.clone();
        self.built_in(&cwd, Right::Write, "sandbox_mode", "the working folder");
        let options = self.inputs.configuration.merged.get("sandbox_workspace_write");
        let flag = |name: &str| {
            options.and_then(|node| node.at(&[name])?.value.as_bool()).unwrap_or_default()
        };
        if !flag("exclude_slash_tmp") && self.inputs.machine.os != Os::Windows {
            self.built_in("/tmp", Right::Write, "sandbox_mode", "/tmp");
        }
        self.temporary = !flag("exclude_tmpdir_env_var");
        let roots = options.and_then(|node| node.at(&["writable_roots"])?.value.as_array());
        for node in roots.unwrap_or_default() {
            let Some(path) = node.value.as_str() else { continue };
            let place = spelling::of_entry(path, self.inputs.machine);
            let said = (WRITABLE_ROOTS.to_owned(), path);
            let entry = entry(&self.inputs, place, (Right::Write, Voice::Named), said, node.span);
            self.found.insert((entry.path.clone(), path.to_owned()), entry);
        }
    }

    fn profile(&mut self, name: &str) {
        let mut chain = Vec::new();
        let mut at = Some(name.to_owned());
        while let Some(name) = at.filter(|_| chain.len() < 64) {
            let own = defined(&self.inputs, &name);
            let parent = own.and_then(|own| own.at(&["extends"])?.value.as_str());
            at = parent.map(str::to_owned);
            chain.push((name, own));
        }
        let mut roots: BTreeMap<&str, bool> = BTreeMap::new();
        for (_, own) in chain.iter().rev() {
            let map = own.and_then(|own| own.at(&["workspace_roots"])?.value.as_table());
            for root in map.into_iter().flat_map(Table::iter) {
                roots.insert(&root.key.value, root.node.value.as_bool() == Some(true));
            }
        }
        let machine = self.inputs.machine;
        let mut folders = vec![spelling::of_entry(&machine.cwd, machine)];
        let more = roots.into_iter().filter(|(_, used)| *used);
        folders.extend(more.map(|(path, _)| spelling::of_entry(path, machine)));
        for (name, own) in chain.iter().rev() {
            match own {
                Some(own) => self.defined_profile(name, own, &folders),
                None => self.built_in_profile(name, &folders),
            }
        }
    }

    fn built_in_profile(&mut self, name: &str, folders: &[String]) {
        let key = "default_permissions";
        match name {
            ":danger-full-access" => self.confined = false,
            ":read-only" => self.special(":root", "/", Right::Read, key),
            ":workspace" => {
                self.special(":root", "/", Right::Read, key);
                for folder in folders {
                    self.special(":workspace_roots//.", folder, Right::Write, key);
                }
                if self.inputs.machine.os != Os::Windows {
                    self.special(":slash_tmp", "/tmp", Right::Write, key);
                }
                self.temporary = true;
            }
            _ => {}
        }
    }

    fn special(&mut self, name: &str, path: &str, right: Right, key: &str) {
        let text = name.split("//").next().unwrap_or(name);
        let said = (key.to_owned(), text);
        let path = spelling::of_entry(path, self.inputs.machine);
        let entry = entry(&self.inputs, path, (right, Voice::BuiltIn), said, Span::BUILT_IN);
        self.found.insert((entry.path.clone(), name.to_owned()), entry);
    }

    fn defined_profile(&mut self, name: &str, own: &Node, folders: &[String]) {
        let key = format!("permissions.{name}.filesystem");
        let files = own.at(&["filesystem"]).and_then(|node| node.value.as_table());
        for written in files.into_iter().flat_map(Table::iter) {
            self.written(&key, written, folders);
        }
        let depth = files.and_then(|files| match files.get("glob_scan_max_depth")?.value {
            codex_schema::value::Value::Integer(depth) => usize::try_from(depth).ok(),
            _ => None,
        });
        self.depth = depth.or(self.depth);
    }

    fn written(&mut self, key: &str, written: &Written, folders: &[String]) {
        let name = &*written.key.value;
        let (name, places): (&str, Vec<String>) = match name {
            "glob_scan_max_depth" => return,
            ":root" | "/" => (":root", vec!["/".to_owned()]),
            ":workspace_roots" | ":project_roots" => (":workspace_roots", folders.to_vec()),
            ":slash_tmp" => (name, vec!["/tmp".to_owned()]),
            ":minimal" => (name, MINIMAL.iter().map(|path| (*path).to_owned()).collect()),
            ":tmpdir" => {
                self.temporary = written.node.value.as_str() == Some("write");
                return;
            }
            // A special name that this Codex does not know counts for nothing.
            unknown if unknown.starts_with(':') => return,
            path => (path, vec![spelling::of_entry(path, self.inputs.machine)]),
        };
        let voice = if name.starts_with(':') { Voice::Special } else { Voice::Named };
        let below: Vec<(&str, Option<&str>, Span)> = match written.node.value.as_table() {
            Some(table) => table
                .iter()
                .map(|entry| (&*entry.key.value, entry.node.value.as_str(), entry.key.span))
                .collect(),
            None => vec![(".", written.node.value.as_str(), written.key.span)],
        };
        for (sub, right, span) in below {
            let right = match right {
                Some("read") => Right::Read,
                Some("write") => Right::Write,
                Some("deny" | "none") => Right::Deny,
                _ => continue,
            };
            for place in &places {
                let path = if parts(sub).next().is_none() {
                    place.clone()
                } else {
                    format!("{}/{sub}", place.trim_end_matches('/'))
                };
                let text = if sub == "." { name.to_owned() } else { format!("{name} › {sub}") };
                let said = (key.to_owned(), text.as_str());
                let entry = entry(&self.inputs, path, (right, voice), said, span);
                // Inheritance replaces what is written the same; two spellings of one path both count.
                let id = format!("{name}//{sub}");
                self.found.insert((entry.path.clone(), id), entry);
            }
        }
    }
}
