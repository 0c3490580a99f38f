//! What a profile and its payloads say about themselves, with places.

use super::model::{PayloadHead, Text};
use super::problem::{ByteRange, Place};
use super::tree::{Data, Node};

/// The keys that Apple defines at the top of a profile.
const PROFILE_KEYS: [&str; 18] = [
    "ConsentText",
    "DurationUntilRemoval",
    "EncryptedPayloadContent",
    "HasRemovalPasscode",
    "IsEncrypted",
    "PayloadContent",
    "PayloadDescription",
    "PayloadDisplayName",
    "PayloadEnabled",
    "PayloadExpirationDate",
    "PayloadIdentifier",
    "PayloadOrganization",
    "PayloadRemovalDisallowed",
    "PayloadScope",
    "PayloadType",
    "PayloadUUID",
    "PayloadVersion",
    "RemovalDate",
];

/// The heads of a profile and of its payloads.
pub(super) fn heads(root: &Node) -> Vec<PayloadHead> {
    let payloads = root.find("PayloadContent").and_then(Node::items).unwrap_or_default();
    let of_payloads = payloads.iter().enumerate().map(|(index, node)| head(node, Some(index)));
    std::iter::once(head(root, None)).chain(of_payloads).collect()
}

fn head(node: &Node, payload: Option<usize>) -> PayloadHead {
    let text = |key: &str| node.find(key).and_then(text_of);
    let version = node.find("PayloadVersion").and_then(|node| match node.data {
        Data::Integer(number) => Some((number, Place::file(node.range.clone()))),
        _ => None,
    });
    let entries = node.entries().unwrap_or_default().iter();
    let unknown = entries
        .filter(|entry| payload.is_none() && !PROFILE_KEYS.contains(&entry.key.as_str()))
        .map(|entry| of(&entry.key, &entry.key_range))
        .collect();
    PayloadHead {
        payload,
        identifier: text("PayloadIdentifier"),
        uuid: text("PayloadUUID"),
        version,
        scope: text("PayloadScope"),
        removal: text("RemovalDate").or_else(|| text("PayloadExpirationDate")),
        unknown,
        place: Place::file(node.range.clone()),
    }
}

fn text_of(node: &Node) -> Option<Text> {
    match &node.data {
        Data::String(text) | Data::Date(text) => Some(of(text, &node.range)),
        Data::Dictionary(_) | Data::Array(_) | Data::Integer(_) | Data::Other(_) => None,
    }
}

fn of(text: &str, range: &ByteRange) -> Text {
    Text { value: text.to_owned(), place: Place::file(range.clone()) }
}
