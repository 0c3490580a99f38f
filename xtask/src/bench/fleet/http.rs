//! Files over HTTP, beside nginx with the same files, the same keys and as many workers.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::process::{Talker, finished};
use super::site::{Servers, Site, port};
use super::{Bound, Verdicts, median};
use crate::talk::{Problem, say};

/// What `wrk` does in every turn.
const TURN: [&str; 3] = ["-t2", "-c64", "-d3s"];

pub(super) fn run(site: &Site, rounds: usize, verdicts: &mut Verdicts) -> Result<(), Problem> {
    say("\nfiles over HTTP, requests a second (median of turns), 64 connections");
    if !is_there("wrk", "-v") || !is_there("nginx", "-v") {
        verdicts
            .unmeasured("throughput beside nginx: it takes `nginx` and `wrk` (both are in Debian)");
        return Ok(());
    }
    let ours = site.fleet("http", 1)?;
    ours.publish()?;
    let nginx = Nginx::start(site, &ours)?;
    let path = format!("/release/{}", largest(&site.release())?);
    for (scheme, our_port, its_port) in
        [("http", ours.plain, nginx.plain), ("https", ours.tls, nginx.tls)]
    {
        let tags = [tag(ours.plain, &path)?, tag(nginx.plain, &path)?];
        for (what, is_conditional) in [("304", true), ("20 KB", false)] {
            let mut rates = [Vec::new(), Vec::new()];
            for _ in 0..rounds {
                for ((port, tag), rates) in [our_port, its_port].iter().zip(&tags).zip(&mut rates) {
                    let tag = is_conditional.then_some(tag.as_str());
                    rates.push(wrk(&format!("{scheme}://127.0.0.1:{port}{path}"), tag)?);
                }
            }
            let [our, its] = rates.map(|rates| median(&rates));
            say(&format!("  {scheme:<5} {what:<6} {our:>9.0} ours, {its:>9.0} nginx"));
            let name = format!("{what} over {scheme}, to nginx");
            verdicts.goal(&name, our / its, Bound::Least(1.0), "x");
        }
    }
    Ok(())
}

fn is_there(program: &str, word: &str) -> bool {
    Command::new(program).arg(word).output().is_ok()
}

/// The name of the largest file of a release: the bundle.
fn largest(release: &Path) -> Result<String, Problem> {
    let mut found = (0, String::new());
    let mut folders = vec![release.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, size) = (entry.path(), entry.metadata()?.len());
            if path.is_dir() {
                folders.push(path);
            } else if size > found.0 {
                found = (size, path.strip_prefix(release)?.to_string_lossy().into_owned());
            }
        }
    }
    say(&format!("  the file has {} bytes", found.0));
    Ok(found.1)
}

/// The tag of a file, as this server writes it.
fn tag(port: u16, path: &str) -> Result<String, Problem> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with("etag:"));
    let line =
        line.ok_or_else(|| format!("no tag: {}", text.lines().next().unwrap_or_default()))?;
    Ok(line.split_once(':').map_or("", |(_, tag)| tag).trim().to_owned())
}

fn wrk(url: &str, tag: Option<&str>) -> Result<f64, Problem> {
    let header = tag.map(|tag| format!("If-None-Match: {tag}"));
    let mut words = TURN.to_vec();
    if let Some(header) = &header {
        words.extend(["-H", header]);
    }
    words.push(url);
    let told = finished(Path::new("wrk"), &words)?;
    // `wrk` counts every status of 400 and more here.
    if told.contains("Non-2xx or 3xx") {
        return Err(format!("{url} was refused: {told}").into());
    }
    let line = told.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    Ok(line.ok_or("`wrk` tells no rate")?.trim().parse()?)
}

/// nginx with the release.
struct Nginx {
    plain: u16,
    tls: u16,
    config: PathBuf,
    running: Talker,
}

impl Nginx {
    fn start(site: &Site, ours: &Servers<'_>) -> Result<Self, Problem> {
        let folder = site.place.join("nginx");
        fs::create_dir_all(&folder)?;
        // Its workers are nobody, and must get there.
        let root = folder.join("root");
        copy(&site.release(), &root.join("release"))?;
        let (plain, tls) = (port()?, port()?);
        let at = |path: PathBuf| path.to_string_lossy().into_owned();
        let config = format!(
            "daemon off; user root; worker_processes 2; pid {pid}; error_log {log};\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;\n\
             open_file_cache max=1000;\n\
             default_type application/json; root {root};\n\
             ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;\n\
             server {{ listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl; }} }}\n",
            pid = at(folder.join("pid")),
            log = at(folder.join("log")),
            root = at(root),
            certificate = at(ours.file("server.pem")),
            key = at(ours.file("server.key")),
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config)?;
        let running = Talker::start(Path::new("nginx"), &["-c", &at(file.clone())])?;
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", plain)).is_err() {
            if began.elapsed() > Duration::from_secs(10) {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(format!("nginx does not start: {log}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { plain, tls, config: file, running })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers outlive a master that is killed: it must end them itself.
        let asked = Command::new("nginx").arg("-c").arg(&self.config).args(["-s", "stop"]).output();
        if asked.is_ok_and(|output| output.status.success()) {
            self.running.ended(Duration::from_secs(5));
        }
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Problem> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
