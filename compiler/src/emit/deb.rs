//! A Debian package that owns the files.
//!
//! The files are no conffiles on purpose: those keep local edits and ask the administrator, and a
//! policy must come back as it is written. Lintian is told so by an override with this reason.

use std::io::Write as _;

use flate2::Compression;

use super::archive::{PackageFile, gzip, tar};
use super::stamp::Stamp;
use super::system::UNIX_FOLDER;
use super::{Artifact, EmitError, Subject};

/// The package's name: the same for every cohort, so that a machine has one policy.
pub(super) const PACKAGE: &str = "codex-policy";

const MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;

/// Makes it.
pub(super) fn make(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let stamp = subject.stamp;
    let time = stamp.changed_at;
    let control = control(subject);
    let changelog = gzip(changelog(subject).as_bytes(), Compression::best())?;
    let copyright = copyright(subject);
    let overrides = overrides(subject);
    let below = UNIX_FOLDER.trim_start_matches('/');
    let file = |path: String, bytes| PackageFile { path, bytes, mode: MODE };
    let mut files: Vec<PackageFile<'_>> = subject
        .policy_files()
        .map(|(path, text)| file(format!("{below}/{path}"), text.as_bytes()))
        .collect();
    let documents = format!("usr/share/doc/{PACKAGE}");
    files.push(file(format!("{documents}/changelog.gz"), &changelog));
    files.push(file(format!("{documents}/copyright"), copyright.as_bytes()));
    files.push(file(format!("usr/share/lintian/overrides/{PACKAGE}"), overrides.as_bytes()));
    let sums = sums(&files);
    let data = tar(&with_folders(files), time)?;
    let control = tar(
        &[
            file("control".to_owned(), control.as_bytes()),
            file("md5sums".to_owned(), sums.as_bytes()),
        ],
        time,
    )?;
    let control = gzip(&control, Compression::best())?;
    let data = gzip(&data, Compression::fast())?;
    let bytes = archive(
        &[
            ("debian-binary", b"2.0\n".as_slice()),
            ("control.tar.gz", &control),
            ("data.tar.gz", &data),
        ],
        time,
    )?;
    Ok(vec![Artifact {
        path: format!("linux/{PACKAGE}_{}_all.deb", stamp.package_version()),
        bytes,
        target: "deb",
        installs: Vec::new(),
    }])
}

fn archive(members: &[(&str, &[u8])], time: u64) -> Result<Vec<u8>, EmitError> {
    let refused = |error: std::io::Error| EmitError::Format("a Debian package", error.to_string());
    let mut builder = ar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut header = ar::Header::new(name.as_bytes().to_vec(), size);
        header.set_mode(0o100_644);
        header.set_mtime(time);
        builder.append(&header, *bytes).map_err(refused)?;
    }
    let mut bytes = builder.into_inner().map_err(refused)?;
    bytes.flush().map_err(refused)?;
    Ok(bytes)
}

/// The folders of files, before the first file of each.
fn with_folders(files: Vec<PackageFile<'_>>) -> Vec<PackageFile<'_>> {
    let mut known = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    for file in files {
        let folders = file.path.match_indices('/').filter_map(|(at, _)| file.path.get(..=at));
        for folder in folders {
            if known.insert(folder.to_owned()) {
                found.push(PackageFile { path: folder.to_owned(), bytes: &[], mode: FOLDER_MODE });
            }
        }
        found.push(file);
    }
    found
}

/// Who maintains it: the organisation, at the address or place that it names.
fn maintainer(subject: &Subject<'_>) -> String {
    let stamp = subject.stamp;
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let contact = stamp.contact.as_deref().filter(|contact| contact.contains('@'));
    let identifier = stamp.policy.split(".codex.").next().unwrap_or_default();
    let address = contact.map_or_else(|| format!("codex-policy@{identifier}"), one_line);
    format!("{} <{address}>", one_line(&stamp.organisation))
}

fn control(subject: &Subject<'_>) -> String {
    let stamp = subject.stamp;
    let size: usize = subject.policy_files().map(|(_, text)| text.len().div_ceil(1024)).sum();
    let facts: String = stamp.lines().iter().map(|line| format!(" {line}\n .\n")).collect();
    let facts = facts.trim_end_matches(" .\n");
    format!(
        "Package: {PACKAGE}\nVersion: {}\nArchitecture: all\nMaintainer: {}\nInstalled-Size: {}\n\
         Section: admin\nPriority: optional\n\
         Description: policy of this machine for the Codex agent\n \
         What the coding agent may do on machines of this kind.\n .\n{facts}",
        stamp.package_version(),
        maintainer(subject),
        size + 8,
    )
}

fn changelog(subject: &Subject<'_>) -> String {
    let stamp = subject.stamp;
    let commit = stamp.commit.as_deref().unwrap_or("not committed");
    format!(
        "{PACKAGE} ({}) stable; urgency=medium\n\n  * {}\n    as of commit {commit}.\n\n -- {}  {}\n",
        stamp.package_version(),
        stamp.policy,
        maintainer(subject),
        stamp.rfc2822(),
    )
}

fn copyright(subject: &Subject<'_>) -> String {
    let stamp = subject.stamp;
    let Stamp { organisation, .. } = stamp;
    format!(
        "Copyright: {} {organisation}\n\nFor use on the machines of {organisation} alone.\n",
        stamp.day().year,
    )
}

fn overrides(subject: &Subject<'_>) -> String {
    let mut text =
        "# Policy must not keep local edits, so its files are no conffiles.\n".to_owned();
    for (path, _) in subject.policy_files() {
        text += &format!(
            "{PACKAGE}: file-in-etc-not-marked-as-conffile [{}/{path}]\n",
            UNIX_FOLDER.trim_start_matches('/')
        );
    }
    text
}

/// The list that `dpkg --verify` reads.
fn sums(files: &[PackageFile<'_>]) -> String {
    use md5::{Digest as _, Md5};
    let line = |file: &PackageFile<'_>| format!("{:x}  {}\n", Md5::digest(file.bytes), file.path);
    files.iter().map(line).collect()
}
