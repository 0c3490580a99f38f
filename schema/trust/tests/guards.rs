//! Attacks that TUF does not see, each with the guard that answers: without it the test goes red.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]
#![expect(clippy::panic, reason = "a test ends so")]

mod support;

use std::sync::Arc;

use codex_trust::bundle::Bundle;
use codex_trust::document::{Envelope, Target, Targets};
use codex_trust::guards::{Endpoint, Installed, Refusal};
use codex_trust::organisation::{self, Approvers, Organisation};
use codex_trust::refresh::{Limits, Session, refresh};
use codex_trust::store::MemoryStore;
use codex_trust::transport::Transport;
use codex_trust::verify::{Verified, VerifyError, verify};
use codex_trust::write::WriteError;
use support::*;

/// A machine: what it remembers, and what it has in force.
struct Machine {
    store: Arc<MemoryStore>,
    team: Option<&'static str>,
    installed: Option<Installed>,
}

impl Machine {
    fn new(team: Option<&'static str>) -> Self {
        Self { store: Arc::new(MemoryStore::with_root(&root(1, 0))), team, installed: None }
    }

    fn session(&self, mirror: &Arc<Mirror>) -> Session {
        let transport: Arc<dyn Transport> = Arc::<Mirror>::clone(mirror);
        let store = Arc::<MemoryStore>::clone(&self.store);
        refresh(transport, store, now(), Limits::default()).unwrap()
    }

    fn offered(
        &self,
        mirror: &Arc<Mirror>,
        codex: &[&str],
    ) -> Result<Verified<Bundle>, VerifyError> {
        let codex: Vec<_> = codex.iter().map(|version| version.parse().unwrap()).collect();
        let claims = claims(self.team);
        let endpoint =
            Endpoint { claims: &claims, installed: self.installed.as_ref(), codex: &codex };
        verify(&mut self.session(mirror), mirror, &endpoint)
    }

    /// Takes what is offered and has it in force.
    fn takes(&mut self, mirror: &Arc<Mirror>) -> Installed {
        let verified = self.offered(mirror, &["0.169.0"]).unwrap();
        let bundle = verified.value();
        let installed = Installed {
            cohort: bundle.cohort.clone(),
            generation: bundle.generation,
            digest: verified.digest().to_owned(),
            files: bundle.files.clone(),
        };
        self.installed = Some(installed.clone());
        installed
    }

    fn refuses(&self, mirror: &Arc<Mirror>) -> Vec<Refusal> {
        match self.offered(mirror, &["0.169.0"]) {
            Err(VerifyError::Refused(refusals)) => refusals,
            other => panic!("{other:?}"),
        }
    }
}

fn released(payments: &str, platform: &str) -> Arc<Mirror> {
    let mirror = Arc::new(Mirror::default());
    publish(&mirror, &organisation(), bundles(payments, platform));
    mirror
}

#[test]
fn every_machine_gets_the_cohort_that_its_claims_select() {
    let mirror = released(STRICT, LOOSE);
    for (team, cohort) in [
        (Some("payments"), "payments"),
        (Some("platform"), "platform"),
        (None, "developers"),
        (Some("interns"), "developers"),
    ] {
        assert_eq!(Machine::new(team).takes(&mirror).cohort, cohort);
    }
}

#[test]
fn cross_team_by_audience() {
    // Platform's key signs a bundle into platform's own folder, for the machines of payments.
    let mirror = Arc::new(Mirror::default());
    let mut stolen = bundles(STRICT, LOOSE);
    stolen[1].bundle.audience.team = Some("payments".to_owned());
    publish(&mirror, &organisation(), stolen);
    assert_eq!(Machine::new(Some("payments")).takes(&mirror).cohort, "payments");
    // The role's entry says that it is for platform, the bundle that it is for payments.
    let mirror = released(STRICT, LOOSE);
    let published = published(&mirror);
    let mut draft = drafted(&published, &organisation(), bundles(STRICT, STRICT));
    let (path, bytes) = draft.files.iter().find(|(path, _)| path.contains("platform")).unwrap();
    let lying = String::from_utf8(bytes.clone()).unwrap();
    let lying = lying.replace(r#""team":"platform""#, r#""team":"payments""#).into_bytes();
    let path = path.clone();
    let mut role: codex_trust::document::Targets = draft.roles["team-platform"].document().unwrap();
    let entry = role.targets.get_mut(&path).unwrap();
    *entry = codex_trust::document::Target::of(&lying, entry.custom.clone());
    draft.files.insert(path, lying);
    let envelope = codex_trust::document::Envelope::new(&role).unwrap();
    draft.roles.insert("team-platform".to_owned(), envelope);
    sign(&mut draft);
    put(&mirror, &draft, &published, 0);
    let refusals = Machine::new(Some("platform")).refuses(&mirror);
    assert!(refusals.contains(&Refusal::Label { about: "audience" }), "{refusals:?}");
    assert!(refusals.contains(&Refusal::Audience { cohort: "platform".to_owned() }));
}

#[test]
fn cross_team_by_path() {
    // Platform's role lists a path in the folder of payments. Nobody looks for it there.
    let mirror = released(STRICT, LOOSE);
    let published = published(&mirror);
    let mut draft = drafted(&published, &organisation(), bundles(STRICT, STRICT));
    let mut role: codex_trust::document::Targets = draft.roles["team-platform"].document().unwrap();
    let mut entry = role.targets["team-platform/platform.json"].clone();
    let custom = entry.custom.as_mut().unwrap();
    custom["audience"] = serde_json::json!({ "team": "payments" });
    role.targets.insert("team-payments/payments.json".to_owned(), entry);
    let envelope = codex_trust::document::Envelope::new(&role).unwrap();
    draft.roles.insert("team-platform".to_owned(), envelope);
    sign(&mut draft);
    put(&mirror, &draft, &published, 0);
    let mut machine = Machine::new(Some("payments"));
    let installed = machine.takes(&mirror);
    assert_eq!(installed.files["requirements.toml"], STRICT);
    // So does the role of the organisation, which every machine looks at.
    let current = self::published(&mirror);
    let mut draft = drafted(&current, &organisation(), bundles(STRICT, STRICT));
    let mut role = current.roles["organisation"].document.clone();
    role.version += 1;
    let mut entry = role.targets["organisation/developers.json"].clone();
    entry.custom.as_mut().unwrap()["audience"] = serde_json::json!({ "team": "payments" });
    role.targets.insert("team-payments/payments.json".to_owned(), entry);
    let envelope = codex_trust::document::Envelope::new(&role).unwrap();
    draft.roles.insert("organisation".to_owned(), envelope);
    sign(&mut draft);
    put(&mirror, &draft, &current, 0);
    assert_eq!(machine.takes(&mirror).files["requirements.toml"], STRICT);
}

#[test]
fn a_bundle_of_another_form() {
    let mirror = Arc::new(Mirror::default());
    let mut later = bundles(STRICT, LOOSE);
    later[0].bundle.form = "codex-config bundle 2".to_owned();
    publish(&mirror, &organisation(), later);
    let wanted = Refusal::Form { form: "codex-config bundle 2".to_owned() };
    assert_eq!(Machine::new(Some("payments")).refuses(&mirror), [wanted]);
}

#[test]
fn an_enrolment_elsewhere_is_no_enrolment_here() {
    let mirror = released(STRICT, LOOSE);
    let mut elsewhere = claims(Some("payments"));
    elsewhere.organisation = "Other Bank".to_owned();
    let endpoint = Endpoint { claims: &elsewhere, installed: None, codex: &[] };
    let mut session = Machine::new(Some("payments")).session(&mirror);
    let Err(VerifyError::Refused(refusals)) = verify(&mut session, &*mirror, &endpoint) else {
        panic!("taken")
    };
    assert!(matches!(refusals[0], Refusal::Organisation { .. }), "{refusals:?}");
}

#[test]
fn an_older_generation_under_newer_metadata() {
    let mirror = released(LOOSE, LOOSE);
    let old = published(&mirror);
    let mut machine = Machine::new(Some("payments"));
    assert_eq!(machine.takes(&mirror).generation, 1);
    publish(&mirror, &organisation(), bundles(STRICT, LOOSE));
    assert_eq!(machine.takes(&mirror).generation, 2);
    // Whoever has the team's key and the online keys lists the first bundle again.
    let current = published(&mirror);
    let mut draft = drafted(&current, &organisation(), bundles(STRICT, LOOSE));
    let mut role = current.roles["team-payments"].document.clone();
    role.version += 1;
    role.targets.clone_from(&old.roles["team-payments"].document.targets);
    let envelope = codex_trust::document::Envelope::new(&role).unwrap();
    draft.roles.insert("team-payments".to_owned(), envelope);
    sign(&mut draft);
    put(&mirror, &draft, &current, 0);
    let older = Refusal::Generation { cohort: "payments".to_owned(), offered: 1, floor: 2 };
    assert!(machine.refuses(&mirror).contains(&older));
    // The floor holds even where nobody remembers what is installed.
    machine.installed = None;
    assert_eq!(machine.refuses(&mirror), [older]);
}

#[test]
fn two_bundles_of_one_generation() {
    let mirror = released(STRICT, LOOSE);
    let mut machine = Machine::new(Some("payments"));
    machine.takes(&mirror);
    // Another server, with the same keys, that has never heard of the first release.
    let other = released("allowed_sandbox_modes = []\n", LOOSE);
    let current = published(&mirror);
    let mut draft = drafted(&current, &organisation(), bundles(STRICT, LOOSE));
    let foreign = published(&other);
    let mut role = foreign.roles["team-payments"].document.clone();
    role.version = 2;
    let envelope = codex_trust::document::Envelope::new(&role).unwrap();
    draft.roles.insert("team-payments".to_owned(), envelope);
    sign(&mut draft);
    put(&mirror, &draft, &current, 0);
    let files = other.files.lock().unwrap().clone();
    for (name, bytes) in files.into_iter().filter(|(name, _)| name.starts_with("targets/")) {
        mirror.put(name, bytes);
    }
    let refusals = machine.refuses(&mirror);
    let wanted = Refusal::Equivocation { cohort: "payments".to_owned(), generation: 1 };
    assert!(refusals.contains(&wanted), "{refusals:?}");
}

#[test]
fn loosening_without_approval() {
    let mirror = released(STRICT, LOOSE);
    let mut machine = Machine::new(Some("payments"));
    let before = machine.takes(&mirror);
    let draft = publish(&mirror, &organisation(), bundles(LOOSE, LOOSE));
    let change = &draft.changed["payments"];
    assert_eq!(change.from.as_deref(), Some(before.digest.as_str()));
    let refusals = machine.refuses(&mirror);
    assert!(
        matches!(&refusals[..], [Refusal::Loosening { keys, .. }] if keys == &["allowed_sandbox_modes"])
    );
    let name = format!("targets/approvals/{}.json", change.to.strip_prefix("sha256:").unwrap());
    // Of another pair, of another cohort, of a key that may not approve, of nobody.
    for wrong in [
        approval("sha256:00", &change.to, "payments", &[LOOSEN]),
        approval(&before.digest, "sha256:00", "payments", &[LOOSEN]),
        approval(&before.digest, &change.to, "platform", &[LOOSEN]),
        approval(&before.digest, &change.to, "payments", &[PAYMENTS]),
        approval(&before.digest, &change.to, "payments", &[]),
        b"{}".to_vec(),
    ] {
        mirror.put(&name, wrong);
        assert!(matches!(&machine.refuses(&mirror)[..], [Refusal::Loosening { .. }]));
    }
    mirror.put(&name, approval(&before.digest, &change.to, "payments", &[LOOSEN]));
    assert_eq!(machine.takes(&mirror).generation, 2);
    // Tightening needs nobody.
    publish(&mirror, &organisation(), bundles(STRICT, LOOSE));
    assert_eq!(machine.takes(&mirror).generation, 3);
}

#[test]
fn an_approver_counts_once() {
    let two =
        Approvers { keys: vec![public(LOOSEN), public(LOOSEN), public(SHARED)], threshold: 2 };
    let organisation = Organisation { loosen: two, ..organisation() };
    let mirror = Arc::new(Mirror::default());
    publish(&mirror, &organisation, bundles(STRICT, LOOSE));
    let mut machine = Machine::new(Some("payments"));
    let before = machine.takes(&mirror);
    let draft = publish(&mirror, &organisation, bundles(LOOSE, LOOSE));
    let to = &draft.changed["payments"].to;
    let name = format!("targets/approvals/{}.json", to.strip_prefix("sha256:").unwrap());
    mirror.put(&name, approval(&before.digest, to, "payments", &[LOOSEN, LOOSEN]));
    assert!(matches!(&machine.refuses(&mirror)[..], [Refusal::Loosening { .. }]));
    mirror.put(&name, approval(&before.digest, to, "payments", &[LOOSEN, SHARED]));
    assert_eq!(machine.takes(&mirror).generation, 2);
}

#[test]
fn a_rule_file_that_changes_needs_approval() {
    let mirror = released(STRICT, LOOSE);
    let mut machine = Machine::new(Some("payments"));
    machine.takes(&mirror);
    let mut next = bundles(STRICT, LOOSE);
    let rule = "prefix_rule(pattern = [\"sudo\"], decision = \"allow\")\n".to_owned();
    next[0].bundle.files.insert("rules/a.rules".to_owned(), rule);
    publish(&mirror, &organisation(), next);
    assert!(matches!(
        &machine.refuses(&mirror)[..],
        [Refusal::Loosening { keys, .. }] if keys == &["rules/a.rules"]
    ));
}

#[test]
fn below_the_floor() {
    let mirror = released(BELOW_FLOOR, LOOSE);
    let wanted = Refusal::Floor { keys: vec!["allowed_sandbox_modes".to_owned()] };
    assert_eq!(Machine::new(Some("payments")).refuses(&mirror), std::slice::from_ref(&wanted));
    // What is in force once nobody hears from the release any more is not below it either.
    let mirror = Arc::new(Mirror::default());
    let mut stale = bundles(STRICT, LOOSE);
    stale[0].bundle.on_stale = codex_trust::bundle::OnStale::Tighten(
        [("requirements.toml".to_owned(), BELOW_FLOOR.to_owned())].into(),
    );
    publish(&mirror, &organisation(), stale);
    assert_eq!(Machine::new(Some("payments")).refuses(&mirror), [wanted]);
}

#[test]
fn called_off_and_below_the_minimum() {
    let mirror = Arc::new(Mirror::default());
    let draft = publish(&mirror, &organisation(), bundles(STRICT, LOOSE));
    let mut next = organisation();
    next.void.insert(draft.changed["payments"].to.clone());
    next.minimum_generations.insert("platform".to_owned(), 7);
    // Our own writer makes no such release.
    let published = published(&mirror);
    let mut other = organisation();
    other.deleted_teams.insert("nobody".to_owned());
    let mut draft = drafted(&published, &other, bundles(STRICT, LOOSE));
    let mut targets: Targets = draft.roles["targets"].document().unwrap();
    let text = serde_json::to_vec(&next).unwrap();
    targets.targets.insert(organisation::PATH.to_owned(), Target::of(&text, None));
    draft.roles.insert("targets".to_owned(), Envelope::new(&targets).unwrap());
    draft.files.insert(organisation::PATH.to_owned(), text);
    sign(&mut draft);
    put(&mirror, &draft, &published, 0);
    assert_eq!(Machine::new(Some("payments")).refuses(&mirror), [Refusal::Void]);
    let older = Refusal::Generation { cohort: "platform".to_owned(), offered: 1, floor: 7 };
    assert_eq!(Machine::new(Some("platform")).refuses(&mirror), [older]);
}

#[test]
fn nothing_that_is_called_off_is_drafted() {
    let mirror = Arc::new(Mirror::default());
    let draft = publish(&mirror, &organisation(), bundles(STRICT, LOOSE));
    let published = published(&mirror);
    let refused = |change: &dyn Fn(&mut Organisation)| {
        let mut next = organisation();
        change(&mut next);
        let error = try_draft(&published, &next, bundles(STRICT, LOOSE)).unwrap_err();
        let WriteError::CalledOff { cohort, generation: 1, key } = error else { panic!("{error}") };
        (cohort, key)
    };
    let digest = draft.changed["payments"].to.clone();
    let void = refused(&|next| {
        next.void.insert(digest.clone());
    });
    assert_eq!(void, ("payments".to_owned(), "void"));
    let below = refused(&|next| {
        next.minimum_generations.insert("platform".to_owned(), 2);
    });
    assert_eq!(below, ("platform".to_owned(), "minimum_generations"));
}

#[test]
fn a_codex_that_would_ignore_a_key() {
    let mirror = released(
        "allowed_sandbox_modes = ['read-only']\n[permissions.filesystem]\ndeny_read = ['/secret']\n",
        LOOSE,
    );
    let machine = Machine::new(Some("payments"));
    let refused = machine.offered(&mirror, &["0.169.0", "0.98.0"]);
    let Err(VerifyError::Refused(refusals)) = refused else { panic!("taken") };
    assert!(
        matches!(&refusals[..], [Refusal::CodexVersion { version, keys }]
            if version == "0.98.0" && keys.iter().all(|key| key.starts_with("permissions"))),
        "{refusals:?}"
    );
    machine.offered(&mirror, &["0.169.0"]).unwrap();
}

#[test]
fn a_deleted_team_keeps_what_it_has() {
    let mirror = released(STRICT, LOOSE);
    let mut next = organisation();
    next.deleted_teams.insert("payments".to_owned());
    let mut left = bundles(STRICT, LOOSE);
    left.remove(0);
    left.pop();
    publish(&mirror, &next, left);
    let gone = Machine::new(Some("payments")).offered(&mirror, &[]);
    assert!(matches!(gone, Err(VerifyError::NoCohort { team_is_gone: true })), "{gone:?}");
    // The version of its role is never used again.
    publish(&mirror, &organisation(), bundles(STRICT, LOOSE));
    assert_eq!(published(&mirror).roles["team-payments"].document.version, 2);
    Machine::new(Some("payments")).takes(&mirror);
}

#[test]
fn what_did_not_change_is_not_fetched() {
    let mirror = released(STRICT, LOOSE);
    let mut machine = Machine::new(Some("platform"));
    machine.takes(&mirror);
    mirror.asked();
    machine.takes(&mirror);
    assert_eq!(mirror.asked(), ["metadata/2.root.json", "metadata/timestamp.json"]);
    publish(&mirror, &organisation(), bundles("allowed_sandbox_modes = []\n", LOOSE));
    mirror.asked();
    machine.takes(&mirror);
    assert_eq!(
        mirror.asked(),
        ["metadata/2.root.json", "metadata/timestamp.json", "metadata/2.snapshot.json"]
    );
}

#[test]
fn nothing_is_committed_unsigned() {
    let published = published(&Arc::new(Mirror::default()));
    let draft = drafted(&published, &organisation(), bundles(STRICT, LOOSE));
    let refused = draft.signed(&published).unwrap_err().to_string();
    assert_eq!(refused, "`targets` has 0 of 1 signatures");
    let mut draft = drafted(&published, &organisation(), bundles(STRICT, LOOSE));
    for (_, envelope) in draft.roles.iter_mut().filter(|(name, _)| *name != "targets") {
        envelope.sign(&key(PLATFORM)).unwrap();
    }
    draft.roles.get_mut("targets").unwrap().sign(&key(TARGETS)).unwrap();
    let refused = draft.signed(&published).unwrap_err().to_string();
    assert_eq!(refused, "`organisation` has 0 of 1 signatures");
}
