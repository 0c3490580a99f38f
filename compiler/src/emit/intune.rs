//! Microsoft Intune: a preference file for macOS, a detection and a remediation script for Windows.
//!
//! Codex reads no registry policy of its own that could hold a whole policy, and a text of an ADMX
//! setting ends at 1,023 characters: scripts that keep the file are the way.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Artifact, EmitError, Subject};
use crate::digest::sha256_hex;
use crate::sources::mdm::{DOMAIN, PreferenceKey};

/// The preference file: Intune wants the entries alone, without the document around them.
pub(super) fn macos(subject: &Subject<'_>) -> Vec<Artifact> {
    let value = STANDARD.encode(subject.requirements());
    let key = PreferenceKey::RequirementsToml.name();
    vec![Artifact {
        path: format!("macos/{DOMAIN}.intune.xml"),
        bytes: format!("<key>{key}</key>\n<string>{value}</string>\n").into_bytes(),
        target: "intune-macos",
        installs: Vec::new(),
    }]
}

/// The pair of scripts.
pub(super) fn windows(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let artifact = |name: &str, text: String| Artifact {
        path: format!("windows/{name}.ps1"),
        // PowerShell 5 takes a file without a mark for the machine's own code page.
        bytes: format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes(),
        target: "intune-windows",
        installs: Vec::new(),
    };
    Ok(vec![artifact("detect", detect(subject)?), artifact("remediate", remediate(subject)?)])
}

fn refused(_: std::fmt::Error) -> EmitError {
    EmitError::Format("a script", "out of memory".to_owned())
}

fn head(subject: &Subject<'_>) -> String {
    let facts: String = subject.stamp.lines().iter().map(|line| format!("# {line}\n")).collect();
    format!(
        "{facts}$ErrorActionPreference = 'Stop'\n$folder = \"$env:ProgramData\\OpenAI\\Codex\"\n"
    )
}

/// Who may write: everybody else may only read.
const WRITERS: &str = "$writers = @('S-1-5-18', 'S-1-5-32-544')\n";

fn detect(subject: &Subject<'_>) -> Result<String, EmitError> {
    let mut script = head(subject);
    script.push_str(WRITERS);
    script.push_str(
        "function Wrong($text) { Write-Output $text; exit 1 }\n\
         function Watch($path, $digest) {\n    \
         $file = Join-Path $folder $path\n    \
         if (-not (Test-Path -LiteralPath $file -PathType Leaf)) { Wrong \"$path is missing\" }\n    \
         $item = Get-Item -LiteralPath $file -Force\n    \
         if ($item.Attributes -band [IO.FileAttributes]::ReparsePoint) { Wrong \"$path is a link\" }\n    \
         $found = (Get-FileHash -LiteralPath $file -Algorithm SHA256).Hash\n    \
         if ($found -ne $digest) { Wrong \"$path was changed\" }\n    \
         foreach ($rule in (Get-Acl -LiteralPath $file).GetAccessRules($true, $true, [Security.Principal.SecurityIdentifier])) {\n        \
         $writes = [Security.AccessControl.FileSystemRights]'WriteData, AppendData, Delete, ChangePermissions, TakeOwnership'\n        \
         if ($rule.AccessControlType -eq 'Allow' -and ($rule.FileSystemRights -band $writes) -and $rule.IdentityReference.Value -notin $writers) {\n            \
         Wrong \"$path can be written by $($rule.IdentityReference.Value)\"\n        \
         }\n    \
         }\n\
         }\n",
    );
    for (path, content) in subject.policy_files() {
        let path = path.replace('/', "\\");
        let digest = sha256_hex(content.as_bytes());
        writeln!(script, "Watch '{path}' '{digest}'").map_err(refused)?;
    }
    let stamp = subject.stamp;
    let line = format!("Write-Output '{} revision {}'\nexit 0\n", stamp.policy, stamp.revision);
    script.push_str(&line);
    Ok(script)
}

fn remediate(subject: &Subject<'_>) -> Result<String, EmitError> {
    let mut script = head(subject);
    script.push_str(
        "function Guard($path) {\n    \
         & icacls.exe $path /inheritance:r /grant '*S-1-5-18:F' '*S-1-5-32-544:F' '*S-1-5-32-545:RX' | Out-Null\n    \
         if ($LASTEXITCODE -ne 0) { throw \"icacls failed on $path\" }\n\
         }\n\
         function Put($path, $text) {\n    \
         $file = Join-Path $folder $path\n    \
         $parent = Split-Path -Parent $file\n    \
         New-Item -ItemType Directory -Force -Path $parent | Out-Null\n    \
         $aside = \"$file.$([Guid]::NewGuid())\"\n    \
         [IO.File]::WriteAllBytes($aside, [Convert]::FromBase64String($text))\n    \
         Guard $aside\n    \
         Move-Item -LiteralPath $aside -Destination $file -Force\n\
         }\n",
    );
    for (path, content) in subject.policy_files() {
        let path = path.replace('/', "\\");
        let packed = STANDARD.encode(content);
        writeln!(script, "Put '{path}' '{packed}'").map_err(refused)?;
    }
    script.push_str("exit 0\n");
    Ok(script)
}
