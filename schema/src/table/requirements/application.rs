//! The network and the folders of Codex itself.

use crate::checks;
use crate::key::{Effect, KEY, Key, Order, SECTION, Section, Text, Tighter, Ty, Unknown, Unset};
use crate::types::choice::AllowDeny;
use crate::types::text::AbsolutePath;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "application.network.enabled",
        ty: Ty::of::<bool>(),
        tighter: Tighter::True,
        effect: Effect::Adds,
        since: Version::of(154),
        doc: "Whether Codex itself reaches only listed hosts.",
        example: "false",
        ..KEY
    },
    Key {
        path: "application.network.domains.*",
        ty: Ty::of::<AllowDeny>(),
        order: Order::Free,
        tighter: Tighter::Order(&["deny", "allow"]),
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(154),
        doc: "Whether Codex itself may reach this host.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "application.storage.default_project_parent",
        ty: Ty::of::<AbsolutePath>(),
        effect: Effect::Adds,
        text: Text::Path,
        since: Version::of(164),
        doc: "Folder new projects are made in.",
        example: r#""/srv/projects""#,
        ..KEY
    },
    Key {
        path: "application.storage.projectless_workspace_root",
        ty: Ty::of::<AbsolutePath>(),
        effect: Effect::Adds,
        text: Text::Path,
        since: Version::of(164),
        doc: "Folder sessions without a project work in.",
        example: r#""/srv/scratch""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "application",
        expecting: "struct ApplicationRequirementsToml",
        unknown: Unknown::Refused,
        ..SECTION
    },
    Section {
        path: "application.network",
        expecting: "struct Network",
        defaulted: &["domains"],
        check: checks::application_domains,
        unknown: Unknown::Refused,
        ..SECTION
    },
    Section { path: "application.network.domains", ..SECTION },
    Section {
        path: "application.storage",
        expecting: "struct ApplicationStorageRequirementsToml",
        defaulted: &["default_project_parent", "projectless_workspace_root"],
        unknown: Unknown::Refused,
        ..SECTION
    },
];
