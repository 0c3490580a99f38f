//! Push channels: what an idle one costs, telling all of them, and all of them coming back.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::process::{Talker, Used, used_by};
use super::site::{Servers, Site, port};
use super::{Bound, Verdicts, median};
use crate::talk::{Problem, say};

/// How many connections one process holds: it may open 20,000 files.
const PER_PROCESS: u64 = 17_000;
/// How many connections are there in the smallest measurement.
const FEW: u64 = 10_000;

/// Somebody who tells, and those who listen.
struct Told<'site> {
    name: &'static str,
    teller: Teller<'site>,
    listeners: Vec<Talker>,
    count: u64,
    /// What a connection costs, in KiB.
    memory_kib: f64,
    spans_ms: Vec<f64>,
    cpu_us: Vec<f64>,
}

enum Teller<'site> {
    Processes(Vec<Talker>),
    Ours(Servers<'site>),
}

impl Teller<'_> {
    fn running(&self) -> &[Talker] {
        match self {
            Self::Processes(all) => all,
            Self::Ours(servers) => &servers.running,
        }
    }

    fn tell(&mut self) -> Result<(), Problem> {
        match self {
            Self::Processes(all) => all.iter_mut().try_for_each(Talker::tell),
            Self::Ours(servers) => servers.revise(),
        }
    }
}

/// What a round was: when the first and the last one heard it, in microseconds, and failures.
fn round(line: &str) -> Result<[u64; 3], Problem> {
    let numbers: Vec<u64> = line.split(' ').skip(2).map(str::parse).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| format!("this is no round: {line}").into())
}

/// Waits until all have heard something.
fn heard(listeners: &[Talker]) -> Result<[u64; 3], Problem> {
    let mut sum = [u64::MAX, 0, 0];
    for one in listeners {
        let [first, last, failed] = round(&one.wait("round ")?)?;
        sum = [sum[0].min(first), sum[1].max(last), sum[2] + failed];
    }
    Ok(sum)
}

fn to_f64(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

impl<'site> Told<'site> {
    /// Connects everybody.
    fn new(
        site: &Site,
        name: &'static str,
        teller: Teller<'site>,
        at: &[(String, u64)],
        words: &[&str],
        from: &mut u8,
    ) -> Result<Self, Problem> {
        let count = at.iter().map(|(_, count)| count).sum();
        let before = used_by(teller.running())?;
        let mut listeners = Vec::new();
        for (address, count) in at {
            *from += 1;
            let (count, from) = (count.to_string(), from.to_string());
            let own = ["subscribe", address, &count, "--from", &from];
            listeners.push(Talker::start(&site.load, &[&own[..], words].concat())?);
        }
        let [_, _, failed] = heard(&listeners)?;
        if failed > 0 {
            return Err(format!("{name}: {failed} connections of {count} failed").into());
        }
        std::thread::sleep(Duration::from_secs(1));
        let after = used_by(teller.running())?;
        let memory_kib = (after.memory_kib - before.memory_kib) / to_f64(count);
        let (spans_ms, cpu_us) = (Vec::new(), Vec::new());
        Ok(Self { name, teller, listeners, count, memory_kib, spans_ms, cpu_us })
    }

    /// Tells everybody once.
    fn tell(&mut self) -> Result<(), Problem> {
        let before = used_by(self.teller.running())?;
        self.teller.tell()?;
        let [first, last, _] = heard(&self.listeners)?;
        let after = used_by(self.teller.running())?;
        self.spans_ms.push(to_f64(last - first) / 1_000.0);
        self.cpu_us.push((after.cpu_us - before.cpu_us) / to_f64(self.count));
        Ok(())
    }
}

/// Channels without TLS.
pub(super) fn told<'site>(
    site: &'site Site,
    most: u64,
    rounds: usize,
    verdicts: &mut Verdicts,
) -> Result<(), Problem> {
    for count in [FEW, 50_000, 100_000].into_iter().filter(|count| *count <= most.max(FEW)) {
        let processes = usize::try_from(count.div_ceil(PER_PROCESS))?;
        say(&format!("\n{count} push channels without TLS, {processes} processes each, in turns"));
        let mut all = everybody(site, count, processes)?;
        for _ in 0..rounds {
            all.iter_mut().try_for_each(Told::tell)?;
        }
        for one in &all {
            say(&format!(
                "  {:<22} {:>6.2} KiB each; first to last {:>7.1} ms; {:>5.1} us of the server each",
                one.name,
                one.memory_kib,
                median(&one.spans_ms),
                median(&one.cpu_us)
            ));
        }
        let [floor, bare, ours] = &all;
        let ratio = |part: for<'told> fn(&'told Told<'site>) -> &'told [f64]| {
            median(part(ours)) / median(part(floor))
        };
        let memory = ours.memory_kib / bare.memory_kib;
        verdicts.goal("memory of an idle channel, to bare axum", memory, Bound::Most(1.0), "x");
        let span = ratio(|one| &one.spans_ms);
        verdicts.goal("a hint to the last one, to the floor", span, Bound::Most(1.25), "x");
        let cpu = ratio(|one| &one.cpu_us);
        verdicts.goal("processor time for a hint, to the floor", cpu, Bound::Most(1.4), "x");
    }
    Ok(())
}

fn everybody<'site>(
    site: &'site Site,
    count: u64,
    processes: usize,
) -> Result<[Told<'site>; 3], Problem> {
    let each = count / u64::try_from(processes)?;
    let mut from = 1;
    let mut others = |name, word: &str, words: &[&str]| -> Result<Told<'site>, Problem> {
        let (mut running, mut at) = (Vec::new(), Vec::new());
        for _ in 0..processes {
            let address = format!("127.0.0.1:{}", port()?);
            let one = Talker::start(&site.load, &[word, &address])?;
            one.wait("ready")?;
            running.push(one);
            at.push((address, each));
        }
        Told::new(site, name, Teller::Processes(running), &at, words, &mut from)
    };
    let floor = others("floor", "floor", &["--floor"])?;
    let bare = others("axum WebSocket", "bare", &[])?;
    let servers = site.fleet(&format!("push-{count}"), processes)?;
    let at = vec![(format!("127.0.0.1:{}", servers.plain), each); processes];
    let ours = Told::new(site, "codex-fleet-server", Teller::Ours(servers), &at, &[], &mut from)?;
    Ok([floor, bare, ours])
}

fn now_us() -> Result<u64, Problem> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}

/// Channels with TLS, which lose their server.
pub(super) fn herd(site: &Site, verdicts: &mut Verdicts) -> Result<(), Problem> {
    say(&format!("\n{FEW} push channels with TLS"));
    let mut ours = site.fleet("herd", 1)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (authority, token) = (text(&ours.authority()), text(&ours.token()));
    let count = FEW.to_string();

    // The least: a handshake without a certificate of the client, and a WebSocket.
    let bare_at = format!("127.0.0.1:{}", port()?);
    let (certificate, key) = (text(&ours.file("server.pem")), text(&ours.file("server.key")));
    let words = ["bare", &bare_at, "--certificate", &certificate, "--key", &key];
    let bare = Talker::start(&site.load, &words)?;
    bare.wait("ready")?;
    let before = bare.used()?;
    let words = ["subscribe", &bare_at, &count, "--from", "2", "--authority", &authority];
    let (bare_listener, bare_ms) = connected(site, &words)?;
    std::thread::sleep(Duration::from_secs(1));
    let bare_kib = each(before, bare.used()?);
    drop((bare, bare_listener));

    let at = format!("127.0.0.1:{}", ours.tls);
    let before = used_by(&ours.running)?;
    let own = ["--authority", &authority, "--token", &token];
    let words = [&["subscribe", &at, &count, "--from", "3"][..], &own].concat();
    let (listener, first_ms) = connected(site, &words)?;
    std::thread::sleep(Duration::from_secs(1));
    let steady = used_by(&ours.running)?;
    let kib = each(before, steady);
    ours.running.iter_mut().try_for_each(Talker::kill)?;
    ours.running.clear();
    ours.start()?;
    let began = now_us()?;
    let [_, last, _] = heard(std::slice::from_ref(&listener))?;
    let back_ms = to_f64(last.saturating_sub(began)) / 1_000.0;
    let after = used_by(&ours.running)?;
    say(&format!(
        "  axum over rustls {bare_kib:.2} KiB each, all there in {bare_ms:.0} ms; ours {kib:.2} KiB each, all \
         there in {first_ms:.0} ms, and {back_ms:.0} ms after a new server listens"
    ));
    verdicts.goal("memory of an idle channel with TLS", kib, Bound::Most(8.0), " KiB");
    let ratio = back_ms / bare_ms;
    verdicts.goal("all back after kill -9, to bare rustls", ratio, Bound::Most(2.0), "x");
    let memory = after.memory_kib / steady.memory_kib;
    verdicts.goal("memory with all back, to before", memory, Bound::Most(1.3), "x");
    Ok(())
}

fn each(before: Used, after: Used) -> f64 {
    (after.memory_kib - before.memory_kib) / to_f64(FEW)
}

/// Connects everybody, and tells how many milliseconds that took.
fn connected(site: &Site, words: &[&str]) -> Result<(Talker, f64), Problem> {
    let listener = Talker::start(&site.load, words)?;
    let ready = listener.wait("ready ")?;
    let began: u64 = ready.split(' ').nth(1).unwrap_or_default().parse()?;
    let [_, last, failed] = heard(std::slice::from_ref(&listener))?;
    if failed > 0 {
        return Err(format!("{failed} connections with TLS failed").into());
    }
    Ok((listener, to_f64(last - began) / 1_000.0))
}
