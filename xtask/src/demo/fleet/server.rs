//! The fleet server of a demonstration.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use super::machine::{Service, finished, wait_for};
use crate::demo::Programs;
use crate::talk::{Problem, say};

/// A server on SQLite in `fleet/`, with settings in the place of those that `init` wrote (TOML,
/// tables of values), and a `token` for the people who publish.
pub(crate) fn start_server(
    programs: &Programs,
    place: &Path,
    organisation: &str,
    settings: &str,
) -> Result<Service, Problem> {
    let program = &programs.server;
    let init = ["init", "--dir", "fleet", "--organisation", organisation, "--root", "1.root.json"];
    let names = ["--name", "localhost", "--listen", "127.0.0.1:8443"];
    finished(program, place, &[&init[..], &names].concat())?;
    let config = place.join("fleet/fleet.toml");
    let mut whole: toml::Table = fs::read_to_string(&config)?.parse()?;
    for (name, own) in settings.parse::<toml::Table>()? {
        let table = whole.entry(name).or_insert_with(|| toml::Table::new().into());
        let (Some(table), toml::Value::Table(own)) = (table.as_table_mut(), own) else {
            return Err("a setting of the server stands in no table".into());
        };
        table.extend(own);
    }
    fs::write(&config, toml::to_string(&whole)?)?;
    let words = ["admin-token", "create", "--role", "operator", "--config", "fleet/fleet.toml"];
    fs::write(place.join("token"), finished(program, place, &words)?)?;
    say("$ codex-fleet-server run --config fleet/fleet.toml");
    let mut command = Command::new(program);
    command.args(["run", "--config", "fleet/fleet.toml"]).current_dir(place);
    let server = Service::start("server", command, &place.join("server.log"))?;
    wait_for("the server answers", || TcpStream::connect("127.0.0.1:8443").is_ok())?;
    Ok(server)
}
