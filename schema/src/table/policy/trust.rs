//! Keys of `trust.toml`: who may sign what.

use crate::key::{KEY, Key, SECTION, Section, Ty};
use crate::types::policy::{LifeDays, Name, PublicKeyText};

/// The rows of one role: whose keys, how many of them, and for how long.
macro_rules! role {
    ($path:literal, $who:literal, [$($life:literal)?]) => {
        &[
            Key {
                path: concat!($path, ".keys"),
                ty: Ty::of::<Vec<Name>>(),
                doc: concat!("Names of the keys that ", $who, "."),
                example: r#"["ana", "ben"]"#,
                ..KEY
            },
            Key {
                path: concat!($path, ".threshold"),
                ty: Ty::of::<u32>(),
                doc: concat!("How many of the keys that ", $who, " must sign together."),
                example: "1",
                ..KEY
            },
            $(Key {
                path: concat!($path, ".expires_days"),
                ty: Ty::of::<LifeDays>(),
                doc: concat!("Days until a signature by the keys that ", $who, " ends."),
                example: $life,
                default: $life,
                ..KEY
            },)?
        ]
    };
}

/// Rows of `trust.toml`.
pub static TRUST_FAMILIES: &[&[Key]] = &[
    &[Key {
        path: "keys.*",
        ty: Ty::of::<PublicKeyText>(),
        doc: "Public keys by names of your choice: a person, a machine, a service.",
        example: r#""ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a""#,
        ..KEY
    }],
    role!("roles.root", "say who holds all other roles", ["365"]),
    role!("roles.targets", "say which teams there are, and what holds for all of them", ["120"]),
    role!("roles.snapshot", "say which versions belong together", ["7"]),
    role!("roles.timestamp", "say which release is in force", ["2"]),
    role!("roles.loosen", "approve what loosens policy", []),
    role!("roles.organisation", "sign policy of cohorts without a team", ["90"]),
    role!("teams.*", "sign the policy of the team", ["90"]),
];

/// Tables of `trust.toml`.
pub static TRUST_SECTIONS: &[&[Section]] = &[&[
    Section { path: "", required: &["keys", "roles"], ..SECTION },
    Section { path: "keys", ..SECTION },
    Section { path: "roles", ..SECTION },
    Section { path: "roles.root", required: REQUIRED, ..SECTION },
    Section { path: "roles.targets", required: REQUIRED, ..SECTION },
    Section { path: "roles.snapshot", required: REQUIRED, ..SECTION },
    Section { path: "roles.timestamp", required: REQUIRED, ..SECTION },
    Section { path: "roles.loosen", required: REQUIRED, ..SECTION },
    Section { path: "roles.organisation", required: REQUIRED, ..SECTION },
    Section { path: "teams", ..SECTION },
    Section { path: "teams.*", required: REQUIRED, ..SECTION },
]];

/// Nobody is to guess who signs, or how many.
const REQUIRED: &[&str] = &["keys", "threshold"];
