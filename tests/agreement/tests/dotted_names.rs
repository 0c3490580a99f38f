//! Names that hold dots: what Codex takes for one name, on the command line too, and that `explain`
//! tells of them what Codex does.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "an answer that cannot be read fails the test"
)]

use codex_agreement::predict::evaluation;
use codex_compiler::explain::{Scope, Status, VersionOrigin, explain};
use codex_compiler::gather::arguments::given;
use codex_oracle::{World, WorldSpec, install, isolated, require_or_announce};
use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::version::Version;
use serde_json::Value as Json;

const CONFIG: &str = "[mcp_servers.\"docs.internal\"]\ncommand = \"/opt/mcp/docs\"\n\
                      [mcp_servers.\"docs.public\"]\ncommand = \"/opt/mcp/public\"\n";
const POLICY: &str = "[mcp_servers.\"docs.internal\".identity]\ncommand = \"/opt/mcp/other\"\n\
                      [mcp_servers.\"docs.public\".identity]\ncommand = \"/opt/mcp/public\"\n";

/// The servers of Codex, with whether they may run and their programs.
fn servers(world: &World<'_>, arguments: &[String]) -> Option<Vec<(String, bool, String)>> {
    let words = ["mcp", "list", "--json"].map(str::to_owned);
    let words: Vec<&str> = words.iter().chain(arguments).map(String::as_str).collect();
    let finished = world.run(&words).unwrap();
    let list = serde_json::from_str::<Vec<Json>>(&finished.stdout).ok()?;
    let text = |one: &Json| one.as_str().unwrap_or_default().to_owned();
    let server = |one: &Json| {
        (text(&one["name"]), one["enabled"] == true, text(&one["transport"]["command"]))
    };
    Some(list.iter().map(server).collect())
}

#[test]
fn a_name_with_dots_is_one_name() {
    let Some(binary) = require_or_announce(install("0.169.0")) else { return };
    let spec = WorldSpec::new()
        .file("/etc/codex/requirements.toml", POLICY)
        .file("$CODEX_HOME/config.toml", CONFIG);
    let wish = read_toml("mcp_servers.\"docs.public\".command = \"/opt/mine\"", SourceId(0)).root;
    let answers = isolated(|isolation| {
        let world = World::build(isolation, &binary, &spec).unwrap();
        let quoted = ["-c", "mcp_servers.\"docs.public\".command=\"/opt/mine\""].map(str::to_owned);
        [servers(&world, &[]), servers(&world, &given(&wish)), servers(&world, &quoted)]
    });
    let Some([plain, given, quoted]) = require_or_announce(answers) else { return };
    let server = |name: &str, runs, program: &str| (name.to_owned(), runs, program.to_owned());
    let internal = server("docs.internal", false, "/opt/mcp/docs");
    let public = server("docs.public", true, "/opt/mcp/public");
    assert_eq!(plain, Some(vec![internal.clone(), public]));
    // A table as the value reaches the server; quotes in the key do not.
    assert_eq!(given, Some(vec![internal, server("docs.public", false, "/opt/mine")]));
    assert_eq!(quoted, None, "Codex refuses a server that is called `\"docs`");

    let ours = evaluation(&spec, Version::NEWEST);
    for (name, status, runs) in [
        ("mcp_servers.\"docs.internal\"", Some(Status::Disabled), false),
        ("mcp_servers.\"docs.public\"", None, true),
    ] {
        let told = explain(&ours, VersionOrigin::Given, Scope::Key(name)).settings;
        let whole = told.iter().find(|one| one.key == name);
        assert_eq!(whole.map(|one| one.status), status, "{name}");
        let program = told.iter().find(|one| one.key == format!("{name}.command")).unwrap();
        let known = plain.iter().flatten().find(|one| name.contains(&one.0)).unwrap();
        assert_eq!(program.effective, Some(Json::from(known.2.as_str())));
        assert_eq!(known.1, runs);
    }
}
