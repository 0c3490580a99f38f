//! Keys of `*.test.toml`: cases, and properties that must hold.

use crate::key::{KEY, Key, SECTION, Section, Ty};
use crate::types::case::{Access, Decision, Placement, Tables};
use crate::types::policy::{AnyTable, CodexVersion, NameOrAny, Sentence, System};

/// Rows of a file of tests.
pub static TEST_FAMILIES: &[&[Key]] = &[&[
    Key {
        path: "case",
        ty: Ty::of::<Tables>(),
        doc: "Cases: a question each, and the answer that the policy must give.",
        example: r#"[{ name = "n", when = { domain = "a.example" }, expect = { decision = "deny" } }]"#,
        ..KEY
    },
    Key {
        path: "property",
        ty: Ty::of::<Tables>(),
        doc: "Properties: what must hold between policies, whatever is asked.",
        example: r#"[{ assert = "tighter_or_equal(team.*, baseline)" }]"#,
        ..KEY
    },
]];

/// Tables of a file of tests.
pub static TEST_SECTIONS: &[&[Section]] = &[&[Section { path: "", ..SECTION }]];

/// Rows of a case.
pub static CASE_FAMILIES: &[&[Key]] = &[&[
    Key {
        path: "name",
        ty: Ty::of::<Sentence>(),
        doc: "What the case shows, in a few words.",
        example: r#""payments cannot reach the production database""#,
        ..KEY
    },
    Key {
        path: "scope.cohort",
        ty: Ty::of::<NameOrAny>(),
        doc: "The cohort whose policy is asked; every cohort when no scope is given.",
        example: r#""developers""#,
        ..KEY
    },
    Key {
        path: "scope.team",
        ty: Ty::of::<NameOrAny>(),
        doc: "Only cohorts of this team; `*` is any team.",
        example: r#""payments""#,
        ..KEY
    },
    Key {
        path: "scope.environment",
        ty: Ty::of::<NameOrAny>(),
        doc: "Only cohorts of this environment; `*` is any environment.",
        example: r#""production""#,
        ..KEY
    },
    Key {
        path: "scope.group",
        ty: Ty::of::<NameOrAny>(),
        doc: "Only cohorts of this group; `*` is any group.",
        example: r#""laptops""#,
        ..KEY
    },
    Key {
        path: "scope.os",
        ty: Ty::of::<System>(),
        doc: "Only cohorts with machines of this system, and a machine of it is asked about.",
        example: r#""macos""#,
        ..KEY
    },
    Key {
        path: "scope.codex_versions",
        ty: Ty::of::<Vec<CodexVersion>>(),
        doc: "The versions of Codex that are asked about, where not all of the cohort's.",
        example: r#"["0.169.0"]"#,
        ..KEY
    },
    Key {
        path: "when.domain",
        ty: Ty::of::<String>(),
        doc: "A host that a command connects to; a port may stand with it.",
        example: r#""db.prod.example:5432""#,
        ..KEY
    },
    Key {
        path: "when.command",
        ty: Ty::of::<Vec<String>>(),
        doc: "A command that the agent runs, word by word.",
        example: r#"["git", "push", "origin", "main"]"#,
        ..KEY
    },
    Key {
        path: "when.script",
        ty: Ty::of::<String>(),
        doc: "A line of shell that the agent runs.",
        example: r#""cd api && git push origin main""#,
        ..KEY
    },
    Key {
        path: "when.path",
        ty: Ty::of::<String>(),
        doc: "A path that a command touches; `~` is the person's home.",
        example: r#""~/.ssh/id_ed25519""#,
        ..KEY
    },
    Key {
        path: "when.access",
        ty: Ty::of::<Access>(),
        doc: "How the path is touched; it is read when this is absent.",
        example: r#""write""#,
        ..KEY
    },
    Key {
        path: "when.mcp",
        ty: Ty::of::<String>(),
        doc: "The name of an MCP server; the configured one of that name unless it is described.",
        example: r#""tickets""#,
        ..KEY
    },
    Key {
        path: "when.program",
        ty: Ty::of::<Vec<String>>(),
        doc: "The program that the MCP server is, with its arguments.",
        example: r#"["/opt/bank/bin/catalogue-mcp", "--read-only"]"#,
        ..KEY
    },
    Key {
        path: "when.url",
        ty: Ty::of::<String>(),
        doc: "The address that the MCP server is at.",
        example: r#""https://mcp.bank.example/tickets""#,
        ..KEY
    },
    Key {
        path: "when.feature",
        ty: Ty::of::<String>(),
        doc: "The name of a feature of Codex.",
        example: r#""memories""#,
        ..KEY
    },
    Key {
        path: "when.setting",
        ty: Ty::of::<String>(),
        doc: "The dotted key of a setting of `config.toml`.",
        example: r#""approval_policy""#,
        ..KEY
    },
    Key {
        path: "when.value",
        ty: Ty::of::<serde_json::Value>(),
        doc: "The value that somebody wants the setting to have.",
        example: r#""never""#,
        ..KEY
    },
    Key {
        path: "when.requirement",
        ty: Ty::of::<String>(),
        doc: "The dotted key of a requirement, whose value in force is asked for.",
        example: r#""allowed_login_methods""#,
        ..KEY
    },
    Key {
        path: "when.session",
        ty: Ty::of::<AnyTable>(),
        doc: "What the person has configured for the session, as in `config.toml`.",
        example: r#"{ approval_policy = "on-request", sandbox_mode = "workspace-write" }"#,
        ..KEY
    },
    Key {
        path: "expect.decision",
        ty: Ty::of::<Decision>(),
        doc: "What the policy must decide.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "expect.rule",
        ty: Ty::of::<Sentence>(),
        doc: "The entry that must decide it: its file, with `#` and its key, text or reason, or with a line.",
        example: r#""baseline/requirements.toml#**.pastebin.com""#,
        ..KEY
    },
    Key {
        path: "expect.placement",
        ty: Ty::of::<Placement>(),
        doc: "Where a command that may run must run.",
        example: r#""outside-sandbox""#,
        ..KEY
    },
    Key {
        path: "expect.value",
        ty: Ty::of::<serde_json::Value>(),
        doc: "The value that the setting or the requirement must have in the end.",
        example: r#""on-request""#,
        ..KEY
    },
]];

/// Tables of a case.
pub static CASE_SECTIONS: &[&[Section]] = &[&[
    Section { path: "", required: &["name", "when", "expect"], ..SECTION },
    Section { path: "scope", ..SECTION },
    Section { path: "when", ..SECTION },
    Section { path: "expect", ..SECTION },
]];

/// Rows of a property.
pub static PROPERTY_FAMILIES: &[&[Key]] = &[&[
    Key {
        path: "name",
        ty: Ty::of::<Sentence>(),
        doc: "What the property says, in a few words; the assertion itself when absent.",
        example: r#""no team is looser than the baseline""#,
        ..KEY
    },
    Key {
        path: "assert",
        ty: Ty::of::<Sentence>(),
        doc: "`tighter_or_equal(A, B)` or `equal(A, B)`, of `baseline` and of `team.NAME`, `environment.NAME`, `group.NAME` or `cohort.NAME`, where `*` is every name.",
        example: r#""tighter_or_equal(team.*, baseline)""#,
        ..KEY
    },
]];

/// Tables of a property.
pub static PROPERTY_SECTIONS: &[&[Section]] =
    &[&[Section { path: "", required: &["assert"], ..SECTION }]];
