//! Keys of our own files: `policy.toml`, the manifest of a policy repository, exceptions, tests,
//! `trust.toml`.

mod cases;
mod trust;

pub use cases::{
    CASE_FAMILIES, CASE_SECTIONS, PROPERTY_FAMILIES, PROPERTY_SECTIONS, TEST_FAMILIES,
    TEST_SECTIONS,
};
pub use trust::{TRUST_FAMILIES, TRUST_SECTIONS};

use crate::key::{KEY, Key, SECTION, Section, Ty};
use crate::types::policy::{
    AnyTable, BundleDigest, CodexVersion, Day, Delivery, HostPattern, Identifier, KeyPattern,
    LayerName, Lift, Name, Sentence, System, TargetName,
};

/// Rows of `policy.toml`.
pub static MANIFEST_FAMILIES: &[&[Key]] = &[&[
    Key {
        path: "organisation.name",
        ty: Ty::of::<Sentence>(),
        doc: "The organisation whose policy this is.",
        example: r#""Example Bank""#,
        ..KEY
    },
    Key {
        path: "organisation.contact",
        ty: Ty::of::<Sentence>(),
        doc: "Where people ask about this policy: an address or a channel.",
        example: r##""#codex-policy""##,
        ..KEY
    },
    Key {
        path: "organisation.identifier",
        ty: Ty::of::<Identifier>(),
        doc: "Reverse-domain name that the identifiers of generated profiles begin with.",
        example: r#""example.bank""#,
        ..KEY
    },
    Key {
        path: "codex.versions",
        ty: Ty::of::<Vec<CodexVersion>>(),
        doc: "Versions of Codex in use; policy is checked against each.",
        example: r#"["0.157.1", "0.169.0"]"#,
        ..KEY
    },
    Key {
        path: "endpoints.os",
        ty: Ty::of::<Vec<System>>(),
        doc: "Operating systems of the machines.",
        example: r#"["linux", "macos"]"#,
        ..KEY
    },
    Key {
        path: "endpoints.groups",
        ty: Ty::of::<Vec<Name>>(),
        doc: "Groups that machines are divided into; a machine is in one of them.",
        example: r#"["laptops", "ci"]"#,
        ..KEY
    },
    Key {
        path: "release.fresh_for_days",
        ty: Ty::of::<u16>(),
        doc: "For how many days a machine may use a policy without hearing from the release again.",
        example: "30",
        ..KEY
    },
    Key {
        path: "release.longest_pause_hours",
        ty: Ty::of::<u16>(),
        doc: "For how many hours an administrator of a machine may keep a new policy waiting there \
              (`codex-agent pause`); without it nobody may.",
        example: "24",
        ..KEY
    },
    Key {
        path: "release.floor",
        ty: Ty::of::<Sentence>(),
        doc: "A file of requirements beside `policy.toml` that no policy may be looser than; machines \
              hold every release against it.",
        example: r#""floor.toml""#,
        ..KEY
    },
    Key {
        path: "release.when_stale",
        ty: Ty::of::<LayerName>(),
        doc: "A folder of stricter policy that machines add once they have heard nothing from the \
              release for `fresh_for_days`; without it they keep what they have.",
        example: r#""environments/lost""#,
        ..KEY
    },
    Key {
        path: "release.void",
        ty: Ty::of::<Vec<BundleDigest>>(),
        doc: "Bundles that no machine may install any more, by their digests.",
        example: r#"["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]"#,
        ..KEY
    },
    Key {
        path: "release.minimum_generations.*",
        ty: Ty::of::<u64>(),
        doc: "The generation of a cohort's bundles below which no machine may install one.",
        example: "12",
        ..KEY
    },
    Key {
        path: "delegation.*",
        ty: Ty::of::<Vec<KeyPattern>>(),
        doc: "Keys that an environment or a team (`teams/NAME`, `teams/*`) may also loosen.",
        example: r#"["features.*"]"#,
        ..KEY
    },
    Key {
        path: "environments.*.include",
        ty: Ty::of::<Vec<LayerName>>(),
        doc: "Folders whose policy comes before this environment's own.",
        example: r#"["environments/regulated"]"#,
        ..KEY
    },
    Key {
        path: "teams.*.include",
        ty: Ty::of::<Vec<LayerName>>(),
        doc: "Folders whose policy comes before this team's own.",
        example: r#"["teams/engineering"]"#,
        ..KEY
    },
    Key {
        path: "cohorts.*.description",
        ty: Ty::of::<Sentence>(),
        doc: "Who is in the cohort, in a sentence.",
        example: r#""Laptops of the payments team""#,
        ..KEY
    },
    Key {
        path: "cohorts.*.team",
        ty: Ty::of::<Name>(),
        doc: "The team whose machines are in the cohort, and whose policy applies.",
        example: r#""payments""#,
        ..KEY
    },
    Key {
        path: "cohorts.*.environment",
        ty: Ty::of::<Name>(),
        doc: "The environment whose machines are in the cohort, and whose policy applies.",
        example: r#""production""#,
        ..KEY
    },
    Key {
        path: "cohorts.*.group",
        ty: Ty::of::<Name>(),
        doc: "The group whose machines are in the cohort.",
        example: r#""laptops""#,
        ..KEY
    },
    Key {
        path: "cohorts.*.os",
        ty: Ty::of::<Vec<System>>(),
        doc: "Operating systems of the machines in the cohort.",
        example: r#"["macos"]"#,
        ..KEY
    },
    Key {
        path: "cohorts.*.hosts",
        ty: Ty::of::<Vec<HostPattern>>(),
        doc: "Host name patterns of the machines in the cohort.",
        example: r#"["pay-*"]"#,
        ..KEY
    },
    Key {
        path: "cohorts.*.default",
        ty: Ty::of::<bool>(),
        doc: "Whether the cohort takes every machine that no other cohort selects.",
        example: "true",
        ..KEY
    },
    Key {
        path: "cohorts.*.channels",
        ty: Ty::of::<Vec<Delivery>>(),
        doc: "Ways by which the policy reaches these machines; files of the system when absent.",
        example: r#"["system", "mdm"]"#,
        ..KEY
    },
    Key {
        path: "cohorts.*.codex_versions",
        ty: Ty::of::<Vec<CodexVersion>>(),
        doc: "Versions of Codex on these machines, where they differ from `codex.versions`.",
        example: r#"["0.138.0"]"#,
        ..KEY
    },
]];

/// Tables of `policy.toml`.
pub static MANIFEST_SECTIONS: &[&[Section]] = &[&[
    Section { path: "", required: &["organisation", "cohorts"], ..SECTION },
    Section { path: "organisation", required: &["name"], ..SECTION },
    Section { path: "codex", ..SECTION },
    Section { path: "endpoints", ..SECTION },
    Section { path: "release", ..SECTION },
    Section { path: "release.minimum_generations", ..SECTION },
    Section { path: "delegation", ..SECTION },
    Section { path: "environments", ..SECTION },
    Section { path: "environments.*", ..SECTION },
    Section { path: "teams", ..SECTION },
    Section { path: "teams.*", ..SECTION },
    Section { path: "cohorts", ..SECTION },
    Section { path: "cohorts.*", ..SECTION },
]];

/// Rows of a file in `exceptions/`.
pub static EXCEPTION_FAMILIES: &[&[Key]] = &[&[
    Key {
        path: "target",
        ty: Ty::of::<TargetName>(),
        doc: "Whose policy it changes: `teams/NAME`, `environments/NAME` or `cohorts/NAME`.",
        example: r#""teams/payments""#,
        ..KEY
    },
    Key {
        path: "owner",
        ty: Ty::of::<Sentence>(),
        doc: "Who answers for it.",
        example: r#""kim@bank.example""#,
        ..KEY
    },
    Key {
        path: "reason",
        ty: Ty::of::<Sentence>(),
        doc: "Why it is needed.",
        example: r#""the migration needs unattended runs""#,
        ..KEY
    },
    Key {
        path: "ticket",
        ty: Ty::of::<Sentence>(),
        doc: "Where it was decided.",
        example: r#""SEC-881""#,
        ..KEY
    },
    Key {
        path: "expires",
        ty: Ty::of::<Day>(),
        doc: "The last day on which it counts.",
        example: r#""2027-01-31""#,
        ..KEY
    },
    Key {
        path: "requirements",
        ty: Ty::of::<AnyTable>(),
        doc: "Requirements that replace what stands above, as in `requirements.toml`.",
        example: r#"{ allowed_approval_policies = ["on-request", "never"] }"#,
        ..KEY
    },
    Key {
        path: "config",
        ty: Ty::of::<AnyTable>(),
        doc: "Managed defaults that replace what stands above, as in `config.toml`.",
        example: r#"{ model = "gpt-5" }"#,
        ..KEY
    },
    Key {
        path: "lift",
        ty: Ty::of::<Vec<Lift>>(),
        doc: "Keys, or elements of their lists, that do not count.",
        example: r#"[{ key = "permissions.filesystem.deny_read", value = "~/.aws/**" }]"#,
        ..KEY
    },
]];

/// Tables of an exception.
pub static EXCEPTION_SECTIONS: &[&[Section]] =
    &[&[Section { path: "", required: &["target", "owner", "reason", "expires"], ..SECTION }]];
