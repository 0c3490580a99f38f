//! What routes do.

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Gives a file of the release.
    ReleaseFile,
    /// Enrols a machine.
    Enrol,
    /// Renews a certificate.
    Renew,
    /// Takes a status and tells what to do.
    CheckIn,
    /// Opens a push channel.
    Push,
    /// Waits for a change.
    Wait,
    /// Gives Codex its configuration.
    CodexBundle,
    /// Gives Codex its configuration by a token of the identity provider.
    CodexPull,
    /// Gives a publisher a file.
    AdminFile,
    /// Takes a file from a publisher; the timestamp publishes.
    AdminPut,
    /// Lists releases.
    Releases,
    /// Lists what is staged.
    Staged,
    /// Forgets what is staged.
    Unstage,
    /// Lists machines.
    Devices,
    /// Shows a machine.
    Device,
    /// Revokes a machine.
    RevokeDevice,
    /// Tells how many machines are where.
    Counters,
    /// Lists tokens.
    Tokens,
    /// Makes an enrolment token.
    CreateToken,
    /// Revokes a token.
    RevokeToken,
    /// Shows the audit log.
    Audit,
    /// Lists rollouts.
    Rollouts,
    /// Shows a rollout.
    Rollout,
    /// Starts a rollout.
    StartRollout,
    /// Pauses, resumes, aborts or promotes a rollout.
    DecideRollout,
    /// Gives the report on the fleet.
    Report,
    /// Gives all endpoints as a table.
    EndpointsTable,
    /// Takes a request from a machine.
    FileRequest,
    /// Lists requests.
    Requests,
    /// Shows a page of the dashboard.
    Page,
    /// Takes a form of the dashboard.
    Form,
    /// Tells figures for Prometheus.
    Metrics,
    /// Tells that the process lives.
    Health,
    /// Tells whether it can do its work.
    Ready,
    /// Gives this table as OpenAPI.
    OpenApi,
}
