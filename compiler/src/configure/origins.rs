//! Which layer each leaf came from, and the fingerprint by which Codex tells versions of a layer
//! apart.

use std::collections::BTreeMap;

use codex_schema::value::{Table, Value};

use super::Configuration;
use crate::digest::sha256_hex;

/// Every leaf of the merged configuration with the index of the layer that gave it, as Codex
/// lists origins: elements of lists by number, tables only through their leaves. Leaves below a
/// table that a higher layer replaced by something else stay listed, as they do in Codex.
pub fn origins(configuration: &Configuration) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (index, layer) in configuration.layers.iter().enumerate() {
        if layer.not_loaded.is_some() {
            continue;
        }
        let mut leaves = Vec::new();
        leaves_of(&layer.layer.root, &mut String::new(), &mut leaves);
        for leaf in leaves {
            found.insert(leaf, index);
        }
    }
    found
}

fn leaves_of(table: &Table, path: &mut String, found: &mut Vec<String>) {
    for entry in table {
        within(path, &entry.key.value, |path| leaf(&entry.node.value, path, found));
    }
}

fn leaf(value: &Value, path: &mut String, found: &mut Vec<String>) {
    match value {
        Value::Table(table) => leaves_of(table, path, found),
        Value::Array(elements) => {
            for (number, element) in elements.iter().enumerate() {
                within(path, &number.to_string(), |path| leaf(&element.value, path, found));
            }
        }
        _ => found.push(path.clone()),
    }
}

fn within(path: &mut String, part: &str, visit: impl FnOnce(&mut String)) {
    let length = path.len();
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(part);
    visit(path);
    path.truncate(length);
}

/// `sha256:` and the digest of the layer as compact JSON with sorted keys.
pub fn fingerprint(root: &Table) -> String {
    let json = serde_json::to_vec(&Value::Table(root.clone())).unwrap_or_default();
    format!("sha256:{}", sha256_hex(&json))
}

#[cfg(test)]
mod tests {
    use codex_schema::reader::read_toml;
    use codex_schema::span::SourceId;

    use super::*;

    #[test]
    fn fingerprints_are_those_of_codex() {
        let of = |text| fingerprint(&read_toml(text, SourceId(0)).root);
        assert_eq!(
            of(""),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        // From the conformance vector config-version-fingerprint.
        assert_eq!(
            of("z=1\nmodel=\"é\"\n[b]\nd=2024-01-02\nf=1e3\n"),
            "sha256:ee9abc1a42327ec03c236563d575ea31df48a63dc3011ca191e70b688e85a357"
        );
    }
}
