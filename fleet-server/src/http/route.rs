//! The table of all routes. Dispatch, authentication, limits and the OpenAPI document are folds
//! over it: what is not in it does not exist.

use codex_fleet::{check_in, enrolment, request, rollout, routes};
use hyper::Method;

pub use super::action::Action;
use crate::release::MAX_FILE;
use crate::store::tokens::Role;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; what it takes to be answered is in the request.
    Anybody,
    /// The fleet's machines and administrators, or anybody, as the configuration says.
    Readers,
    /// A machine under a certificate that is good.
    Device,
    /// A machine under a certificate that is good, or ended a short while ago.
    Renewing,
    /// An administrator with this role or a stronger one.
    Admin(Role),
    /// Whoever holds a token of the identity provider.
    Bearer,
    /// Anybody; pages look for a session themselves, and forms must come from pages of this server.
    Session,
}

/// Whether a route is there without TLS, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// With TLS alone.
    Tls,
    /// On both.
    Both,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method. `GET` answers `HEAD`, too.
    pub method: &'static Method,
    /// The path. `{NAME}` is one segment, `{NAME...}` the rest.
    pub path: &'static str,
    /// What it does.
    pub action: Action,
    /// Who may use it.
    pub access: Access,
    /// Where it is there.
    pub surface: Surface,
    /// The most bytes of a request's body; 0 where it has none.
    pub body: usize,
    /// Parameters after the question mark.
    pub query: &'static [(&'static str, &'static str)],
    /// What it does, for people.
    pub summary: &'static str,
    /// What it answers when it does it, and its type.
    pub success: (u16, &'static str),
    /// The other statuses that it can answer.
    pub refusals: &'static [u16],
}

const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";

/// A route for administrators, without a body.
const fn admin(
    method: &'static Method,
    path: &'static str,
    action: Action,
    role: Role,
    summary: &'static str,
) -> Route {
    Route {
        method,
        path,
        action,
        access: Access::Admin(role),
        surface: Surface::Tls,
        body: 0,
        query: &[],
        summary,
        success: (200, JSON),
        refusals: &[401, 403, 503],
    }
}

/// A route for everybody, without a body.
const fn open(
    path: &'static str,
    action: Action,
    kind: &'static str,
    summary: &'static str,
) -> Route {
    Route {
        method: &Method::GET,
        path,
        action,
        access: Access::Anybody,
        surface: Surface::Both,
        body: 0,
        query: &[],
        summary,
        success: (200, kind),
        refusals: &[503],
    }
}

const FILE: Route = Route {
    method: &Method::GET,
    path: "/release/metadata/{file}",
    action: Action::ReleaseFile,
    access: Access::Readers,
    surface: Surface::Both,
    body: 0,
    query: &[],
    summary: "A file of the release's metadata",
    success: (200, JSON),
    refusals: &[304, 401, 403, 404],
};

const CHECK_IN: Route = Route {
    method: &Method::POST,
    path: routes::CHECK_IN,
    action: Action::CheckIn,
    access: Access::Device,
    surface: Surface::Tls,
    body: check_in::MAX_BYTES,
    query: &[],
    summary: "Takes an endpoint's status and tells it what to do, signed over its nonce",
    success: (200, JSON),
    refusals: &[400, 401, 403, 408, 413, 422, 503],
};

const PAGE_ROUTE: Route = Route {
    method: &Method::GET,
    path: "/ui",
    action: Action::Page,
    access: Access::Session,
    surface: Surface::Tls,
    body: 0,
    query: &[],
    summary: "A page of the dashboard",
    success: (200, "text/html"),
    refusals: &[303, 404, 503],
};

const FORM_ROUTE: Route = Route {
    method: &Method::POST,
    path: "/ui",
    action: Action::Form,
    body: 16_384,
    summary: "Takes a form of the dashboard",
    success: (303, "text/html"),
    refusals: &[400, 403, 404, 408, 409, 413, 422, 503],
    ..PAGE_ROUTE
};

/// All of them.
pub const ROUTES: [Route; 38] = [
    FILE,
    Route {
        path: "/release/targets/{file...}",
        summary: "A file that the release names",
        success: (200, OCTETS),
        ..FILE
    },
    Route {
        path: routes::ENROL,
        action: Action::Enrol,
        access: Access::Anybody,
        body: enrolment::MAX_BYTES,
        summary: "Enrols a machine with a one-time token",
        ..CHECK_IN
    },
    Route {
        path: routes::RENEW,
        action: Action::Renew,
        access: Access::Renewing,
        body: enrolment::MAX_BYTES,
        summary: "Renews a machine's certificate",
        ..CHECK_IN
    },
    CHECK_IN,
    Route {
        method: &Method::GET,
        path: routes::PUSH,
        action: Action::Push,
        access: Access::Readers,
        surface: Surface::Both,
        body: 0,
        summary: "Opens a WebSocket on which the server sends hints",
        success: (101, JSON),
        refusals: &[400, 401, 403, 503],
        ..CHECK_IN
    },
    Route {
        method: &Method::GET,
        path: routes::WAIT,
        action: Action::Wait,
        access: Access::Readers,
        surface: Surface::Both,
        body: 0,
        query: &[("revision", "Answers as soon as the revision is higher than this one")],
        summary: "Waits for one hint",
        refusals: &[400, 401, 403, 503],
        ..CHECK_IN
    },
    Route {
        path: "/codex/{token}/codex/config/bundle",
        surface: Surface::Tls,
        refusals: &[404, 503],
        ..open(
            "",
            Action::CodexBundle,
            JSON,
            "A cohort's configuration, for a Codex whose `config_server.base_url` ends before \
             `/codex/config/bundle`",
        )
    },
    Route {
        access: Access::Bearer,
        surface: Surface::Tls,
        refusals: &[401, 403, 404, 503],
        ..open(
            "/codex/config/bundle",
            Action::CodexPull,
            JSON,
            "The configuration of the one cohort of the token's groups, for a Codex that has signed \
             in by `config_server.oauth`",
        )
    },
    Route {
        success: (200, OCTETS),
        refusals: &[401, 403, 404, 503],
        ..admin(
            &Method::GET,
            "/v1/admin/release/{file...}",
            Action::AdminFile,
            Role::Viewer,
            "A file that was handed in, released or not",
        )
    },
    Route {
        body: MAX_FILE,
        refusals: &[400, 401, 403, 404, 408, 409, 413, 422, 503, 507],
        ..admin(
            &Method::PUT,
            "/v1/admin/release/{file...}",
            Action::AdminPut,
            Role::Operator,
            "Hands in a file of the next release. `metadata/timestamp.json` comes last: the server \
             verifies all of the release and publishes it",
        )
    },
    Route {
        query: LIMIT,
        refusals: &[400, 401, 403, 503],
        ..admin(
            &Method::GET,
            "/v1/admin/releases",
            Action::Releases,
            Role::Viewer,
            "The last releases",
        )
    },
    admin(
        &Method::GET,
        "/v1/admin/staged",
        Action::Staged,
        Role::Viewer,
        "What was handed in and is in no release",
    ),
    admin(
        &Method::DELETE,
        "/v1/admin/staged",
        Action::Unstage,
        Role::Operator,
        "Forgets what was handed in and is in no release",
    ),
    Route {
        query: PAGE,
        refusals: &[400, 401, 403, 503],
        ..admin(
            &Method::GET,
            "/v1/admin/devices",
            Action::Devices,
            Role::Viewer,
            "Machines, by number",
        )
    },
    Route {
        refusals: &[401, 403, 404, 503],
        ..admin(
            &Method::GET,
            "/v1/admin/devices/{device}",
            Action::Device,
            Role::Viewer,
            "A machine with its history",
        )
    },
    Route {
        refusals: &[401, 403, 404, 503],
        ..admin(
            &Method::DELETE,
            "/v1/admin/devices/{device}",
            Action::RevokeDevice,
            Role::Admin,
            "Revokes a machine",
        )
    },
    admin(
        &Method::GET,
        "/v1/admin/counters",
        Action::Counters,
        Role::Viewer,
        "How many machines are where",
    ),
    admin(
        &Method::GET,
        "/v1/admin/tokens",
        Action::Tokens,
        Role::Admin,
        "All tokens, not their texts",
    ),
    Route {
        body: 16_384,
        success: (201, JSON),
        refusals: &[400, 401, 403, 408, 413, 422, 503],
        ..admin(
            &Method::POST,
            "/v1/admin/tokens",
            Action::CreateToken,
            Role::Admin,
            "Makes an enrolment token; its text is in this answer and nowhere else",
        )
    },
    Route {
        refusals: &[401, 403, 404, 503],
        ..admin(
            &Method::DELETE,
            "/v1/admin/tokens/{token}",
            Action::RevokeToken,
            Role::Admin,
            "Revokes a token by its number",
        )
    },
    Route {
        query: PAGE,
        refusals: &[400, 401, 403, 503],
        ..admin(&Method::GET, "/v1/admin/audit", Action::Audit, Role::Viewer, "The audit log")
    },
    admin(
        &Method::GET,
        "/v1/admin/rollouts",
        Action::Rollouts,
        Role::Viewer,
        "The last rollout of every cohort",
    ),
    Route {
        refusals: &[401, 403, 404, 503],
        ..admin(
            &Method::GET,
            "/v1/admin/rollouts/{cohort}",
            Action::Rollout,
            Role::Viewer,
            "How a cohort's last rollout stands",
        )
    },
    Route {
        body: rollout::MAX_BYTES,
        success: (201, JSON),
        refusals: &[400, 401, 403, 408, 409, 413, 422, 503],
        ..admin(
            &Method::POST,
            "/v1/admin/rollouts",
            Action::StartRollout,
            Role::Operator,
            "Starts a rollout of a cohort's newest bundle",
        )
    },
    Route {
        body: rollout::MAX_BYTES,
        refusals: &[400, 401, 403, 408, 409, 413, 422, 503],
        ..admin(
            &Method::POST,
            "/v1/admin/rollouts/{cohort}",
            Action::DecideRollout,
            Role::Operator,
            "Pauses, resumes, aborts or promotes a rollout",
        )
    },
    admin(
        &Method::GET,
        "/v1/admin/report",
        Action::Report,
        Role::Viewer,
        "What is true of the fleet; up to a quarter of a minute old",
    ),
    Route {
        success: (200, "text/csv"),
        ..admin(
            &Method::GET,
            "/v1/admin/endpoints.csv",
            Action::EndpointsTable,
            Role::Viewer,
            "All endpoints as a table",
        )
    },
    Route {
        query: &[("number", "That request alone, with the exception file that it asks for")],
        refusals: &[400, 401, 403, 404, 503],
        ..admin(
            &Method::GET,
            routes::FILED,
            Action::Requests,
            Role::Viewer,
            "What people have asked to be allowed, the newest first",
        )
    },
    Route {
        path: routes::REQUESTS,
        action: Action::FileRequest,
        body: request::MAX_BYTES,
        success: (201, JSON),
        summary: "Takes what somebody at a machine asks to be allowed; it loosens nothing",
        refusals: &[400, 401, 403, 408, 413, 422, 429, 503],
        ..CHECK_IN
    },
    PAGE_ROUTE,
    Route { path: "/ui/{page...}", ..PAGE_ROUTE },
    FORM_ROUTE,
    Route { path: "/ui/{page...}", ..FORM_ROUTE },
    Route {
        success: (200, "text/plain; version=0.0.4"),
        refusals: &[401, 403],
        ..admin(&Method::GET, "/metrics", Action::Metrics, Role::Viewer, "Figures, for Prometheus")
    },
    Route { refusals: &[], ..open("/healthz", Action::Health, JSON, "Whether the process lives") },
    open("/readyz", Action::Ready, JSON, "Whether it can do all of its work"),
    Route {
        surface: Surface::Tls,
        refusals: &[],
        ..open("/v1/openapi.json", Action::OpenApi, JSON, "This API, as OpenAPI 3.1")
    },
];

const LIMIT: &[(&str, &str)] = &[("limit", "How many at most: 1 to 1000, 100 if not said")];

const PAGE: &[(&str, &str)] = &[
    ("after", "Begins after this one"),
    ("limit", "How many at most: 1 to 1000, 100 if not said"),
];

impl Route {
    /// The path as the router writes it.
    pub fn pattern(&self) -> String {
        match self.path.split_once("...}") {
            Some((before, after)) => format!("{}}}{after}", before.replacen('{', "{*", 1)),
            None => self.path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_the_router() {
        let patterns: Vec<String> = ROUTES.iter().map(Route::pattern).collect();
        for pattern in ["/release/metadata/{file}", "/release/targets/{*file}", "/v1/check-in"] {
            assert!(patterns.iter().any(|one| one == pattern), "{pattern}");
        }
    }

    #[test]
    fn routes_of_the_wire_types_are_here() {
        for path in [routes::ENROL, routes::RENEW, routes::CHECK_IN, routes::PUSH, routes::WAIT] {
            assert!(ROUTES.iter().any(|route| route.path == path), "{path}");
        }
        assert!(ROUTES[0].path.starts_with(routes::METADATA));
        assert!(ROUTES[1].path.starts_with(routes::TARGETS));
    }

    #[test]
    fn what_takes_a_body_says_what_can_be_wrong_with_it() {
        for route in ROUTES.iter().filter(|route| route.body > 0) {
            for status in [400, 408, 413] {
                assert!(route.refusals.contains(&status), "{} {status}", route.path);
            }
        }
    }
}
