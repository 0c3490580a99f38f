//! Looks for what may weaken a policy. Everything it reads may be anybody's: there are limits, and
//! nothing of it is quoted.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{Cache, Facts, PREFERENCES, allowing};
use crate::attest::Versions;
use crate::attest::find::{below, homes};
use crate::layout::Layout;

/// The most bytes of a file.
const LARGEST: u64 = 4_000_000;

/// The file of preferences.
const PLIST: &str = "com.openai.codex.plist";

/// Everything there is. Rules of the policy itself are left out: `own` are its files.
pub fn facts(layout: &Layout, versions: &Versions, own: &[String]) -> Facts {
    let mut facts = Facts {
        programs: versions
            .programs()
            .map(|(program, version)| {
                (program.path.display().to_string(), version.map(|version| version.to_string()))
            })
            .collect(),
        ..Facts::default()
    };
    for home in homes(layout) {
        let codex = home.join(".codex");
        facts.caches.extend(below(&codex).iter().filter_map(|path| cache(path)));
        facts.allowing.extend(rules(&codex.join("rules")));
        facts.unforced.extend(preferences(&home.join("Library/Preferences")));
    }
    facts.unforced.extend(preferences(&layout.below("/Library/Preferences")));
    let system = rules(&layout.below("/etc/codex/rules")).into_iter();
    let is_own = |path: &str| own.iter().any(|own| layout.below(own) == Path::new(path));
    facts.allowing.extend(system.filter(|(path, _)| !is_own(path)));
    facts
}

/// A cache of cloud policy; none where it is root's alone.
fn cache(path: &Path) -> Option<Cache> {
    let name = path.file_name()?.to_str()?;
    let is_managed = name.strip_prefix("managed-config-").is_some_and(|rest| {
        let ends = Path::new(rest).extension().is_some_and(|end| end == "json");
        ends && rest.len() == 64 + ".json".len()
    });
    if name != "cloud-config-bundle-cache.json" && !is_managed {
        return None;
    }
    let about = fs::metadata(path).ok()?;
    if about.uid() == 0 && about.mode() & 0o022 == 0 {
        return None;
    }
    let document: Json = serde_json::from_slice(&read(path)?).ok()?;
    let expires = document.pointer("/signed_payload/expires_at");
    let expires = expires.and_then(Json::as_str).and_then(|text| text.parse::<Timestamp>().ok());
    Some(Cache { path: path.display().to_string(), owner: about.uid(), expires })
}

fn rules(folder: &Path) -> Vec<(String, usize)> {
    let files = below(folder).into_iter();
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "rules"));
    let counted = files.filter_map(|path| {
        let count = allowing(&String::from_utf8_lossy(&read(&path)?));
        (count > 0).then(|| (path.display().to_string(), count))
    });
    counted.collect()
}

/// Preferences with a policy in them. The names of keys are plain text in both forms of the file.
fn preferences(folder: &Path) -> Option<String> {
    let path = folder.join(PLIST);
    let bytes = read(&path)?;
    let has = |key: &str| bytes.windows(key.len()).any(|part| part == key.as_bytes());
    PREFERENCES.into_iter().any(has).then(|| path.display().to_string())
}

/// A regular file, without waiting for whoever made it a pipe.
fn read(path: &Path) -> Option<Vec<u8>> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).ok()?;
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    file.metadata().ok().filter(fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
