//! An RPM package that owns the files. They are no configuration files in its sense, for the same
//! reason as in the Debian package.

use std::collections::BTreeSet;

use super::deb::PACKAGE;
use super::system::UNIX_FOLDER;
use super::{Artifact, EmitError, Subject};

const MODE: u16 = 0o644;
const FOLDER_MODE: u16 = 0o755;

/// Makes it.
pub(super) fn make(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let refused = |error: rpm::Error| EmitError::Format("an RPM package", error.to_string());
    let stamp = subject.stamp;
    let time = u32::try_from(stamp.changed_at).unwrap_or(u32::MAX);
    let config =
        rpm::BuildConfig::v4().compression(rpm::CompressionWithLevel::Gzip(1)).source_date(time);
    let version = stamp.package_version();
    let summary = "Policy of this machine for the Codex agent";
    let mut builder = rpm::PackageBuilder::new(PACKAGE, &version, "Internal", "noarch", summary);
    builder
        .using_config(config)
        .build_host("codex-config")
        .vendor(&*stamp.organisation)
        .description(stamp.lines().join("\n"));
    let folders: BTreeSet<String> = subject
        .policy_files()
        .map(|(path, _)| match path.rsplit_once('/') {
            Some((folder, _)) => format!("{UNIX_FOLDER}/{folder}"),
            None => UNIX_FOLDER.to_owned(),
        })
        .collect();
    for folder in folders {
        let options =
            rpm::FileOptions::dir(folder).permissions(FOLDER_MODE).user("root").group("root");
        builder.with_dir_entry(options).map_err(refused)?;
    }
    for (path, text) in subject.policy_files() {
        let options = rpm::FileOptions::new(format!("{UNIX_FOLDER}/{path}"))
            .permissions(MODE)
            .user("root")
            .group("root");
        builder.with_file_contents(text, options).map_err(refused)?;
    }
    let package = builder.build().map_err(refused)?;
    let mut bytes = Vec::new();
    package.write(&mut bytes).map_err(refused)?;
    Ok(vec![Artifact {
        path: format!("linux/{PACKAGE}-{version}-1.noarch.rpm"),
        bytes,
        target: "rpm",
        installs: Vec::new(),
    }])
}
