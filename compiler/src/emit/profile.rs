//! Configuration profiles.
//!
//! Apple's rules that shape them: a device replaces a profile by one with the same identifier, and
//! updates payloads whose identifier and UUID are both the same, so neither may depend on what the
//! policy says; and several payloads for one domain on one device give no defined result, so there
//! is exactly one.

use plist::{Dictionary, Value};

use super::plists::{dictionary, preferences, text, xml};
use super::{Artifact, EmitError, Subject};
use crate::sources::mdm::DOMAIN;

/// The older payload type for managed preferences.
const MCX: &str = "com.apple.ManagedClient.preferences";

/// The profile whose payload is of Codex's own domain.
pub(super) fn direct(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let mut payload = payload_head(subject, DOMAIN);
    payload.extend(preferences(subject));
    made(subject, payload, DOMAIN, "profile")
}

/// The profile in the older form. A fleet uses one of the two, never both.
pub(super) fn mcx(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let mut payload = payload_head(subject, MCX);
    let settings = dictionary([("mcx_preference_settings", preferences(subject).into())]);
    let forced = dictionary([("Forced", Value::Array(vec![settings.into()]))]);
    let domain = dictionary([(DOMAIN, forced.into())]);
    payload.insert("PayloadContent".to_owned(), domain.into());
    made(subject, payload, MCX, "profile-mcx")
}

/// The identifier of the profile in one of the two forms.
fn identifier(subject: &Subject<'_>, kind: &str) -> String {
    let policy = &subject.stamp.policy;
    if kind == MCX { format!("{policy}.mcx") } else { policy.clone() }
}

fn payload_head(subject: &Subject<'_>, kind: &str) -> Dictionary {
    let identifier = format!("{}.preferences", identifier(subject, kind));
    dictionary([
        ("PayloadType", text(kind)),
        ("PayloadVersion", Value::Integer(1.into())),
        ("PayloadUUID", text(subject.stamp.uuid(&identifier))),
        ("PayloadIdentifier", text(identifier)),
        ("PayloadEnabled", Value::Boolean(true)),
        ("PayloadDisplayName", text("Codex policy")),
        ("PayloadOrganization", text(&*subject.stamp.organisation)),
    ])
}

fn made(
    subject: &Subject<'_>,
    payload: Dictionary,
    kind: &str,
    target: &'static str,
) -> Result<Vec<Artifact>, EmitError> {
    let stamp = subject.stamp;
    let identifier = identifier(subject, kind);
    let root = dictionary([
        ("PayloadType", text("Configuration")),
        ("PayloadVersion", Value::Integer(1.into())),
        ("PayloadUUID", text(stamp.uuid(&identifier))),
        ("PayloadIdentifier", text(identifier)),
        ("PayloadScope", text("System")),
        ("PayloadRemovalDisallowed", Value::Boolean(true)),
        ("PayloadOrganization", text(&*stamp.organisation)),
        ("PayloadDisplayName", text(format!("Codex policy for {}", stamp.cohort))),
        ("PayloadDescription", text(stamp.sentence())),
        ("PayloadContent", Value::Array(vec![payload.into()])),
    ]);
    let bytes = xml(root)?;
    let name = if kind == MCX { "macos/codex-policy.mcx" } else { "macos/codex-policy" };
    let mut made = Vec::new();
    if let Some(signer) = subject.signer {
        made.push(Artifact {
            path: format!("{name}.signed.mobileconfig"),
            bytes: signer.sign(&bytes, stamp.changed_at)?,
            target,
            installs: Vec::new(),
        });
    }
    made.insert(
        0,
        Artifact { path: format!("{name}.mobileconfig"), bytes, target, installs: Vec::new() },
    );
    Ok(made)
}
