//! Where things are on a fleet server.

/// Release metadata; any web server can offer the same tree.
pub const METADATA: &str = "/release/metadata";
/// Release targets.
pub const TARGETS: &str = "/release/targets";
/// `POST`: [`crate::enrolment::Request`].
pub const ENROL: &str = "/v1/enrol";
/// `POST` under the old certificate: [`crate::enrolment::Renewal`].
pub const RENEW: &str = "/v1/renew";
/// `POST` under the certificate: [`crate::check_in::CheckIn`].
pub const CHECK_IN: &str = "/v1/check-in";
/// `POST` under the certificate: [`crate::request::Request`]; the answer is
/// [`crate::request::Kept`].
pub const REQUESTS: &str = "/v1/requests";
/// `GET` with an administrator's token: the newest requests, or with `?number=N` that one with the
/// exception file that it asks for.
pub const FILED: &str = "/v1/admin/requests";
/// `GET` with an administrator's token: [`crate::rollout::List`], the newest rollout of every cohort;
/// `POST`: [`crate::rollout::Start`], answered by its [`crate::rollout::Status`]. Below it, by the
/// cohort's name: `GET` its status, `POST` [`crate::rollout::Ask`], answered by that.
pub const ROLLOUTS: &str = "/v1/admin/rollouts";
/// Files of releases, below their names, with an administrator's token: `GET` and `HEAD` what is
/// published or staged, `PUT` to stage; `PUT` of `metadata/timestamp.json` publishes.
pub const RELEASE_FILES: &str = "/v1/admin/release/";
/// A WebSocket under the certificate, on which the server sends [`crate::push::Hint`]s.
pub const PUSH: &str = "/v1/push";
/// `GET` under the certificate with `?revision=N`: one [`crate::push::Hint`], as soon as there is
/// one with a higher revision, or after the heartbeat: for networks that let no socket live.
pub const WAIT: &str = "/v1/wait";
