//! What a file is for, by its name and by its content.

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// `requirements.toml`.
    Requirements,
    /// `config.toml`, of a system, a user or a project.
    Config,
    /// `managed_config.toml`, the older form of managed policy.
    ManagedConfig,
    /// The JSON answer of the cloud or of a configuration server.
    Bundle,
    /// A property list or a configuration profile of macOS.
    Preferences,
    /// Command rules.
    Rules,
}

impl FileKind {
    /// The name used on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requirements => "requirements",
            Self::Config => "config",
            Self::ManagedConfig => "managed-config",
            Self::Bundle => "bundle",
            Self::Preferences => "preferences",
            Self::Rules => "rules",
        }
    }

    /// What a file probably is. The name decides first: a broken file must not become another
    /// kind of file.
    pub fn guess(name: &str, bytes: &[u8]) -> Option<Self> {
        Self::by_name(name).or_else(|| Self::by_content(bytes))
    }

    fn by_name(name: &str) -> Option<Self> {
        let base = name.rsplit(['/', '\\']).next().unwrap_or(name).to_lowercase();
        let base = base.as_str();
        let (stem, extension) = base.rsplit_once('.').unwrap_or((base, ""));
        match extension {
            "mobileconfig" | "plist" => return Some(Self::Preferences),
            "rules" => return Some(Self::Rules),
            "json" => return Some(Self::Bundle),
            "toml" => {}
            _ => return None,
        }
        if stem.contains("requirements") {
            return Some(Self::Requirements);
        }
        if stem.contains("managed_config") || stem.contains("managed-config") {
            return Some(Self::ManagedConfig);
        }
        (stem == "config" || stem.ends_with(".config")).then_some(Self::Config)
    }

    fn by_content(bytes: &[u8]) -> Option<Self> {
        const SEQUENCE_OF_LONG_FORM: &[u8] = &[0x30, 0x82];
        let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(1 << 16))?);
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let is_list = bytes.starts_with(b"bplist")
            || bytes.starts_with(SEQUENCE_OF_LONG_FORM)
            || ["<?xml", "<plist", "<!DOCTYPE", "-----BEGIN"]
                .iter()
                .any(|tag| start.starts_with(tag));
        if is_list {
            return Some(Self::Preferences);
        }
        if start.starts_with('{') {
            return Some(Self::Bundle);
        }
        if ["prefix_rule(", "host_executable(", "network_rule("]
            .iter()
            .any(|call| start.contains(call))
        {
            return Some(Self::Rules);
        }
        Self::by_keys(&text)
    }

    /// TOML whose name says nothing: the top-level keys decide, if they agree.
    fn by_keys(text: &str) -> Option<Self> {
        use codex_schema::lookup::{CONFIG, REQUIREMENTS};
        let document = codex_schema::reader::read_toml(text, codex_schema::span::SourceId(0));
        let mut votes = (0_usize, 0_usize);
        for entry in &document.root {
            let name = &entry.key.value;
            let (required, configured) =
                (REQUIREMENTS.root().child(name).is_some(), CONFIG.root().child(name).is_some());
            votes.0 += usize::from(required && !configured);
            votes.1 += usize::from(configured && !required);
        }
        match votes.0.cmp(&votes.1) {
            std::cmp::Ordering::Greater => Some(Self::Requirements),
            std::cmp::Ordering::Less => Some(Self::Config),
            std::cmp::Ordering::Equal => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_before_content() {
        for (name, content, expected) in [
            ("/etc/codex/requirements.toml", "", Some(FileKind::Requirements)),
            ("team.codex-requirements.toml", "{", Some(FileKind::Requirements)),
            ("managed_config.toml", "", Some(FileKind::ManagedConfig)),
            (".codex/config.toml", "", Some(FileKind::Config)),
            ("work.config.toml", "", Some(FileKind::Config)),
            ("a.mobileconfig", "", Some(FileKind::Preferences)),
            ("x", "bplist00", Some(FileKind::Preferences)),
            ("x", " {\"requirements_toml\":", Some(FileKind::Bundle)),
            ("default.rules", "", Some(FileKind::Rules)),
            ("base.toml", "allowed_sandbox_modes = []", Some(FileKind::Requirements)),
            ("base.toml", "", None),
        ] {
            assert_eq!(FileKind::guess(name, content.as_bytes()), expected, "{name} {content}");
        }
    }
}
