//! `verify-profile`: a strict look at configuration profiles.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::arguments::VerifyProfile;
use super::check::shown_as;
use super::explain::usage;
use super::world::{read_file, today};
use super::{Outcome, Output};
use crate::check::{FileKind, Options, Strictness, check, read_inputs};
use crate::emit::sign::blocks;
use crate::files::RealFiles;
use crate::render::diagnostics::Located;
use crate::sources::mdm;

/// Checks profiles, each and all together.
pub(super) fn verify(arguments: &VerifyProfile, output: &mut Output) -> Outcome {
    let VerifyProfile { files, trust, previous, codex_version, today: day, format, print } =
        arguments;
    let strictness = anchors(trust.as_deref()).and_then(|anchors| {
        let previous = identities(previous)?;
        Ok(Strictness { today: day.unwrap_or_else(today), anchors, previous })
    });
    let strictness = match strictness {
        Ok(strictness) => strictness,
        Err(problem) => return usage(output, &problem),
    };
    let options = Options {
        versions: codex_version.clone(),
        profiles: Some(strictness),
        ..Options::default()
    };
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let inputs = read_inputs(&names, Some(FileKind::Preferences), &RealFiles::new(None));
    let report = check(inputs, &options);
    output.data = shown_as(Located { report: &report, folder: "" }, *format, print);
    if report.diagnostics.is_empty() { Outcome::Fine } else { Outcome::Findings }
}

fn anchors(path: Option<&Path>) -> Result<Vec<Vec<u8>>, String> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&read_file(path)?.1).into_owned();
    let found: Result<Vec<_>, ()> = blocks(&text, "CERTIFICATE").collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{} has no `CERTIFICATE` in PEM form", path.display())),
    }
}

/// What devices know profiles by.
fn identities(paths: &[PathBuf]) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for path in paths {
        let profile = mdm::read(&read_file(path)?.1, &mdm::Limits::default()).profile;
        let identity = profile.and_then(|profile| Some((profile.identifier?, profile.uuid?)));
        let (identifier, uuid) =
            identity.ok_or_else(|| format!("{} is no profile with an identity", path.display()))?;
        found.insert(identifier, uuid);
    }
    Ok(found)
}
