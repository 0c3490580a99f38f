//! What only the desktop clients read.

use crate::key::{Effect, KEY, Key, Order, SECTION, Section, Tighter, Ty};
use crate::types::choice::AllowDeny;
use crate::types::text::ComputerUseWindowsExeRequirementToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "allow_browser_and_computer_use",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::of(150),
        doc: "Whether browser and computer use are available.",
        example: "true",
        ..KEY
    },
    Key {
        path: "allow_appshots",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::of(134),
        doc: "Whether app screenshots are available.",
        example: "true",
        ..KEY
    },
    Key {
        path: "allow_remote_control",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::of(140),
        doc: "Whether the client may be controlled remotely.",
        example: "true",
        ..KEY
    },
    Key {
        path: "computer_use.allow_locked_computer_use",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::of(133),
        doc: "Whether computer use may go on while the screen is locked.",
        example: "false",
        ..KEY
    },
    Key {
        path: "computer_use.allow_persistent_approval",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Whether an approval for an app may be kept.",
        example: "false",
        ..KEY
    },
    Key {
        path: "computer_use.default_app_access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Access to apps that no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "computer_use.macos.bundle_ids.*",
        ty: Ty::of::<AllowDeny>(),
        order: Order::Free,
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Access to the macOS app with this bundle identifier.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "computer_use.windows.aumids.*",
        ty: Ty::of::<AllowDeny>(),
        order: Order::Free,
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Access to the Windows app with this application user model identifier.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "computer_use.windows.exes",
        ty: Ty::of::<Vec<ComputerUseWindowsExeRequirementToml>>(),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Access to Windows programs by publisher and product.",
        example: r#"[{ publisher_name = "O=Contoso", product_name = "Tool", access = "deny" }]"#,
        ..KEY
    },
    Key {
        path: "in_app_browser.allow_external_browser_settings_import",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::of(150),
        doc: "Whether settings may be imported from another browser.",
        example: "false",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "computer_use", expecting: "struct ComputerUseRequirementsToml", ..SECTION },
    Section {
        path: "computer_use.macos",
        expecting: "struct ComputerUseMacosRequirementsToml",
        ..SECTION
    },
    Section { path: "computer_use.macos.bundle_ids", ..SECTION },
    Section {
        path: "computer_use.windows",
        expecting: "struct ComputerUseWindowsRequirementsToml",
        ..SECTION
    },
    Section { path: "computer_use.windows.aumids", ..SECTION },
    Section { path: "in_app_browser", expecting: "struct InAppBrowserRequirementsToml", ..SECTION },
];
