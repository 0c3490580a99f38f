//! Permission profiles: what one comes to after inheritance.

use std::collections::BTreeMap;

use codex_schema::value::{Node, Table};
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

use super::{Inputs, config_table};
use crate::compose::paths;

/// Profiles that every Codex since 0.138 has.
pub const BUILT_IN: &[&str] = &[":read-only", ":workspace", ":danger-full-access"];

/// Whether a name below `permissions` in requirements is no profile. `permissions.network` came
/// with 0.169; before, it is a profile of that name.
pub fn reserved(name: &str, version: Version) -> bool {
    name == "filesystem" || (name == "network" && version >= Version::of(169))
}

/// Bound on `extends` chains, which are refused when they run in circles.
const LONGEST_CHAIN: usize = 64;

/// What a profile grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Access by path or special name; below a special name, by sub-path (`NAME//SUB`).
    pub access: BTreeMap<String, String>,
    /// Whether commands may use the network.
    pub network: bool,
    /// No sandbox at all.
    pub unconfined: bool,
}

/// A profile's own words: requirements define it, or the configuration does.
pub fn defined<'a>(inputs: &Inputs<'a>, name: &str) -> Option<&'a Node> {
    let own = inputs.requirement(&["permissions", name]);
    own.or_else(|| config_table(inputs, "permissions")?.get(name))
}

/// Whether every profile that this one builds upon exists.
pub fn resolvable(inputs: &Inputs<'_>, name: &str) -> bool {
    let mut name = name;
    for _ in 0..LONGEST_CHAIN {
        if BUILT_IN.contains(&name) {
            return true;
        }
        let Some(own) = defined(inputs, name) else { return false };
        match own.at(&["extends"]).and_then(|node| node.value.as_str()) {
            Some(parent) => name = parent,
            None => return true,
        }
    }
    false
}

/// What a profile comes to; an unknown one grants nothing.
pub fn grants(inputs: &Inputs<'_>, name: &str) -> Grants {
    resolve(inputs, name, 0)
}

fn resolve(inputs: &Inputs<'_>, name: &str, depth: usize) -> Grants {
    let access = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(path, right)| ((*path).to_owned(), (*right).to_owned())).collect()
    };
    match name {
        ":danger-full-access" => {
            return Grants { unconfined: true, network: true, ..Grants::default() };
        }
        ":read-only" => {
            return Grants { access: access(&[(":root", "read")]), ..Grants::default() };
        }
        ":workspace" => {
            let pairs = [
                (":root", "read"),
                (":workspace_roots//.", "write"),
                (":tmpdir", "write"),
                (":slash_tmp", "write"),
            ];
            return Grants { access: access(&pairs), ..Grants::default() };
        }
        _ => {}
    }
    let Some(profile) = defined(inputs, name).filter(|_| depth < LONGEST_CHAIN) else {
        return Grants::default();
    };
    let parent = profile.at(&["extends"]).and_then(|node| node.value.as_str());
    let mut found = parent.map(|parent| resolve(inputs, parent, depth + 1)).unwrap_or_default();
    if let Some(files) = profile.at(&["filesystem"]).and_then(|node| node.value.as_table()) {
        add(files, &inputs.machine.home, &mut found.access);
    }
    let network = profile.at(&["network", "enabled"]).and_then(|node| node.value.as_bool());
    found.network = network.unwrap_or(found.network);
    found
}

fn add(files: &Table, home: &str, access: &mut BTreeMap<String, String>) {
    for entry in files {
        let name = match &*entry.key.value {
            ":project_roots" => ":workspace_roots".to_owned(),
            "/" => ":root".to_owned(),
            special if special.starts_with(':') => special.to_owned(),
            path => paths::absolute(path, "", home),
        };
        if let Some(right) = entry.node.value.as_str() {
            access.insert(name, right.to_owned());
            continue;
        }
        for below in entry.node.value.as_table().into_iter().flat_map(Table::iter) {
            if let Some(right) = below.node.value.as_str() {
                access.insert(format!("{name}//{}", below.key.value), right.to_owned());
            }
        }
    }
}

impl Grants {
    /// The sandbox mode it amounts to: full write is danger, any write is workspace-write.
    pub fn mode(&self) -> &'static str {
        if self.unconfined || self.writes(":root") {
            "danger-full-access"
        } else if self.access.values().any(|right| right == "write") {
            "workspace-write"
        } else {
            "read-only"
        }
    }

    fn writes(&self, path: &str) -> bool {
        self.access.get(path).is_some_and(|right| right == "write")
    }

    /// As Codex prints it in its answer to `thread/start`.
    pub fn json(&self) -> Json {
        if self.unconfined {
            return json!({"type": "dangerFullAccess"});
        }
        let network = self.network;
        match self.mode() {
            "danger-full-access" => {
                let network = if network { "enabled" } else { "restricted" };
                json!({"type": "externalSandbox", "networkAccess": network})
            }
            "workspace-write" => {
                let roots: Vec<&String> = self
                    .access
                    .iter()
                    .filter(|(path, right)| path.starts_with('/') && *right == "write")
                    .map(|(path, _)| path)
                    .collect();
                json!({
                    "type": "workspaceWrite",
                    "writableRoots": roots,
                    "networkAccess": network,
                    "excludeTmpdirEnvVar": !self.writes(":tmpdir"),
                    "excludeSlashTmp": !self.writes(":slash_tmp"),
                })
            }
            _ => json!({"type": "readOnly", "networkAccess": network}),
        }
    }
}
