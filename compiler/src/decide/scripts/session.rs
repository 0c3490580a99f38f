//! What a session brings to the question.

use serde_json::Value as Json;

use crate::effective::profiles::grants;
use crate::era::{Era, ShellReading};
use crate::evaluate::Evaluation;
use crate::machine::Os;

/// When Codex asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    Untrusted,
    OnFailure,
    OnRequest,
    Never,
    Granular {
        /// What Codex's own judgement would ask about.
        sandbox: bool,
        /// What rules ask about.
        rules: bool,
    },
}

/// Everything besides rules that decides about a command.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) asking: Asking,
    /// The reviewer, if it is not a person.
    pub(super) reviewed: bool,
    /// There is no sandbox to begin with.
    pub(super) unconfined: bool,
    /// What keeps every command in the sandbox.
    pub(super) reads_denied: Option<&'static str>,
    /// How the version behaves.
    pub(super) era: Era,
    pub(super) reading: ShellReading,
    pub(super) os: Os,
    /// Why no session starts.
    pub(super) refusal: Option<String>,
}

impl Surroundings {
    pub(super) fn of(evaluation: &Evaluation) -> Self {
        let session = evaluation.session();
        let era = Era::of(evaluation.machine.version);
        let sandbox = &session.sandbox.value;
        Self {
            asking: asking(&session.approval_policy.value),
            reviewed: session.approvals_reviewer.value != "user",
            unconfined: sandbox.mode == "danger-full-access",
            reads_denied: reads_denied(evaluation, sandbox.profile.as_deref()),
            era,
            reading: era.shell_reading(),
            os: evaluation.machine.os,
            refusal: session
                .refusal
                .or_else(|| evaluation.refusals.first().map(|refusal| refusal.text.clone())),
        }
    }
}

impl Surroundings {
    /// Whether an approved command that the sandbox stops is run again outside: not where reading
    /// is denied.
    pub(super) fn retries(&self) -> bool {
        let retried = match self.asking {
            Asking::Untrusted | Asking::OnFailure => true,
            Asking::Granular { sandbox, .. } => sandbox,
            Asking::OnRequest | Asking::Never => false,
        };
        retried && !self.unconfined && self.reads_denied.is_none()
    }

    /// Whether dangerous commands run unasked: nobody may be asked, and there is no sandbox.
    pub(super) fn trusts_danger(&self) -> bool {
        self.asking == Asking::Never && self.unconfined && self.era.trusts_outside_sandbox()
    }

    /// Whether the same is offered for a command that nobody was asked about. 0.138.0 does not
    /// under a granular policy.
    pub(super) fn offers_retry(&self) -> bool {
        let granular = matches!(self.asking, Asking::Granular { .. });
        self.retries() && !(granular && self.reading == ShellReading::AsWritten)
    }
}

fn asking(policy: &Json) -> Asking {
    let kind = |name: &str| {
        policy.pointer(&format!("/granular/{name}")).and_then(Json::as_bool).unwrap_or_default()
    };
    match policy.as_str() {
        Some("untrusted") => Asking::Untrusted,
        Some("on-failure") => Asking::OnFailure,
        Some("never") => Asking::Never,
        Some(_) => Asking::OnRequest,
        None => Asking::Granular { sandbox: kind("sandbox_approval"), rules: kind("rules") },
    }
}

/// Paths that must not be read keep every command inside, whoever denies them.
fn reads_denied(evaluation: &Evaluation, profile: Option<&str>) -> Option<&'static str> {
    let inputs = evaluation.inputs();
    let managed = inputs.requirement(&["permissions", "filesystem", "deny_read"]);
    if managed.and_then(|node| node.value.as_array()).is_some_and(|list| !list.is_empty()) {
        return Some("`permissions.filesystem.deny_read`");
    }
    let denied = |right: &String| matches!(right.as_str(), "none" | "deny");
    let grants = grants(&inputs, profile?);
    grants.access.values().any(denied).then_some("the permission profile, which denies paths,")
}
