//! An item for Munki without a package: a check script that compares what is installed, a script
//! that installs, a script that takes away. Recent macOS lets no program install profiles, so this
//! is how Munki delivers policy: as root-owned files.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plist::Value;

use super::deb::PACKAGE;
use super::plists::{dictionary, text, xml};
use super::system::UNIX_FOLDER;
use super::{Artifact, EmitError, Subject};
use crate::digest::sha256_hex;

/// Makes it.
pub(super) fn make(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let stamp = subject.stamp;
    let root = dictionary([
        ("autoremove", Value::Boolean(false)),
        ("catalogs", Value::Array(vec![text("testing")])),
        ("description", text(stamp.sentence())),
        ("display_name", text(format!("Codex policy for {}", stamp.cohort))),
        ("installcheck_script", text(check(subject)?)),
        ("installer_type", text("nopkg")),
        ("minimum_os_version", text("10.15.0")),
        ("name", text(PACKAGE)),
        ("postinstall_script", text(install(subject)?)),
        ("unattended_install", Value::Boolean(true)),
        ("unattended_uninstall", Value::Boolean(true)),
        ("uninstall_method", text("uninstall_script")),
        ("uninstall_script", text(uninstall(subject)?)),
        ("uninstallable", Value::Boolean(true)),
        ("version", text(stamp.package_version())),
    ]);
    Ok(vec![Artifact {
        path: format!("macos/{PACKAGE}-{}.munki.plist", stamp.package_version()),
        bytes: xml(root)?,
        target: "munki",
        installs: Vec::new(),
    }])
}

fn refused(_: std::fmt::Error) -> EmitError {
    EmitError::Format("a Munki item", "out of memory".to_owned())
}

/// Exit 0 asks Munki to install.
fn check(subject: &Subject<'_>) -> Result<String, EmitError> {
    let mut script = "#!/bin/sh\n# Exit 0: something is missing or changed, install.\n\
        is() {\n    \
        [ -f \"$2\" ] && [ ! -L \"$2\" ] || exit 0\n    \
        [ \"$(/usr/bin/stat -f '%Su %Lp' \"$2\")\" = 'root 644' ] || exit 0\n    \
        [ \"$(/usr/bin/shasum -a 256 \"$2\" | /usr/bin/cut -c 1-64)\" = \"$1\" ] || exit 0\n\
        }\n"
    .to_owned();
    for (path, content) in subject.policy_files() {
        let digest = sha256_hex(content.as_bytes());
        writeln!(script, "is {digest} '{UNIX_FOLDER}/{path}'").map_err(refused)?;
    }
    script.push_str("exit 1\n");
    Ok(script)
}

/// Every file is written beside its place and moved there.
fn install(subject: &Subject<'_>) -> Result<String, EmitError> {
    let mut script = "#!/bin/sh\nset -eu\numask 022\n\
        put() {\n    \
        /bin/mkdir -p \"$(/usr/bin/dirname \"$1\")\"\n    \
        aside=\"$(/usr/bin/mktemp \"$1.XXXXXX\")\"\n    \
        /usr/bin/base64 -D >\"$aside\"\n    \
        /usr/sbin/chown root:wheel \"$aside\"\n    \
        /bin/chmod 0644 \"$aside\"\n    \
        /bin/mv -f \"$aside\" \"$1\"\n\
        }\n"
    .to_owned();
    for (path, content) in subject.policy_files() {
        let packed = STANDARD.encode(content);
        write!(script, "put '{UNIX_FOLDER}/{path}' <<'END'\n{packed}\nEND\n").map_err(refused)?;
    }
    Ok(script)
}

fn uninstall(subject: &Subject<'_>) -> Result<String, EmitError> {
    let mut script = "#!/bin/sh\n".to_owned();
    for (path, _) in subject.policy_files() {
        writeln!(script, "/bin/rm -f '{UNIX_FOLDER}/{path}'").map_err(refused)?;
    }
    Ok(script)
}
