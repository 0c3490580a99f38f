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
/// A WebSocket under the certificate, on which the server sends [`crate::push::Hint`]s.
pub const PUSH: &str = "/v1/push";
/// `GET` under the certificate with `?revision=N`: one [`crate::push::Hint`], as soon as there is
/// one with a higher revision, or after the heartbeat: for networks that let no socket live.
pub const WAIT: &str = "/v1/wait";
/// `POST` under the certificate: [`crate::request::Request`].
pub const REQUESTS: &str = "/v1/requests";
/// `GET`, and `POST` of [`crate::rollout::Start`], with an administrator's token.
pub const ROLLOUTS: &str = "/v1/admin/rollouts";
