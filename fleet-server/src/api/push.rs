//! Telling machines that something is new: over a socket, or by letting a request wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use hyper::upgrade::{Upgraded, on};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::sleep;

use super::{Call, Caller, no_certificate, query};
use crate::authority::Shown;
use crate::fleet::{Fleet, Phase};
use crate::http::answer::{Answer, Refusal, bytes_of, empty};
use crate::http::connection::{Io, Steady};
use crate::websocket::{Heard, Inbox, accept, going_away};
use crate::world::now;

/// One more of something, until it is dropped.
struct One(Arc<Fleet>, fn(&Fleet) -> &AtomicI64);

impl One {
    /// One more, where there is room for it.
    fn of(
        fleet: &Arc<Fleet>,
        counter: fn(&Fleet) -> &AtomicI64,
        most: usize,
    ) -> Result<Self, Refusal> {
        let before = counter(fleet).fetch_add(1, Ordering::Relaxed);
        let one = Self(Arc::clone(fleet), counter);
        if usize::try_from(before).unwrap_or(0) < most {
            Ok(one)
        } else {
            Err(Refusal::unavailable("full", "there are too many of these: come back later"))
        }
    }
}

impl Drop for One {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens a push channel.
pub(super) fn open(mut call: Call) -> Result<Answer, Refusal> {
    let Caller::Device(shown) = &call.caller else { return Err(no_certificate()) };
    let shown = Arc::clone(shown);
    let accepted = accept(call.request.headers());
    let accepted =
        accepted.ok_or_else(|| Refusal::malformed("this is no request for a WebSocket"))?;
    let most = call.fleet.config.limits.push_channels;
    let one = One::of(&call.fleet, |fleet| &fleet.metrics.push_channels, most)?;
    let upgrade = on(&mut call.request);
    let fleet = Arc::clone(&call.fleet);
    tokio::spawn(async move {
        let one = one;
        // The other side may be gone before the channel is there.
        if let Ok(upgraded) = upgrade.await
            && let Some((io, early)) = stream(upgraded)
        {
            let ended = channel(&fleet, io, &early, &shown).await;
            tracing::debug!(device = %shown.identity.device, ?ended, "a push channel ended");
        }
        drop(one);
    });
    let mut answer = empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    Ok(answer)
}

/// The stream itself, so that nothing of HTTP stays in memory, and what was read too early.
fn stream(upgraded: Upgraded) -> Option<(Steady, Vec<u8>)> {
    let parts = upgraded.downcast::<Io>().ok()?;
    Some((parts.io.into_inner(), parts.read_buf.to_vec()))
}

/// Whether a machine may still be told anything.
fn is_welcome(fleet: &Fleet, shown: &Shown) -> bool {
    now() <= shown.ends && !fleet.snapshot().revoked.contains(&shown.identity.device)
}

async fn channel(
    fleet: &Fleet,
    mut io: Steady,
    early: &[u8],
    shown: &Shown,
) -> std::io::Result<()> {
    let heartbeat = Duration::from_secs(fleet.config.pace.heartbeat_seconds);
    let mut pulse = fleet.pulse();
    let mut phase = fleet.phase();
    let mut inbox = Inbox::default();
    inbox.add(early);
    while is_welcome(fleet, shown) {
        // The first one tells where things stand; all others that they have changed, or that the
        // channel lives.
        let frame = pulse.borrow_and_update().frame.clone();
        io.write_all(&frame).await?;
        io.flush().await?;
        fleet.metrics.hints.fetch_add(1, Ordering::Relaxed);
        let beat = sleep(heartbeat);
        tokio::pin!(beat);
        loop {
            if *phase.borrow_and_update() == Phase::Draining {
                io.write_all(&going_away()).await?;
                return io.shutdown().await;
            }
            let mut bytes = [0; 256];
            tokio::select! {
                () = &mut beat => break,
                changed = pulse.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return Ok(()),
                },
                _ = phase.changed() => {}
                read = io.read(&mut bytes) => match read? {
                    0 => return Ok(()),
                    count => inbox.add(bytes.get(..count).unwrap_or_default()),
                },
            }
            if hear(&mut io, &mut inbox).await? == Talk::Over {
                return io.shutdown().await;
            }
        }
    }
    io.shutdown().await
}

#[derive(PartialEq, Eq)]
enum Talk {
    GoesOn,
    Over,
}

async fn hear(io: &mut Steady, inbox: &mut Inbox) -> std::io::Result<Talk> {
    loop {
        match inbox.next()? {
            Heard::Nothing => return Ok(Talk::GoesOn),
            Heard::Ignored => {}
            Heard::Ping(pong) => {
                io.write_all(&pong).await?;
                io.flush().await?;
            }
            Heard::Close(answer) => {
                io.write_all(&answer).await?;
                return Ok(Talk::Over);
            }
        }
    }
}

/// Answers as soon as there is something new, or after the heartbeat.
pub(super) async fn wait(call: &Call) -> Result<Answer, Refusal> {
    let known: u64 = query(call, "revision")
        .unwrap_or("0")
        .parse()
        .map_err(|_| Refusal::malformed("`revision` must be a number"))?;
    let fleet = &call.fleet;
    let _one = One::of(fleet, |fleet| &fleet.metrics.waiting, fleet.config.limits.waiting)?;
    let heartbeat = sleep(Duration::from_secs(fleet.config.pace.heartbeat_seconds));
    tokio::pin!(heartbeat);
    let mut pulse = fleet.pulse();
    let mut phase = fleet.phase();
    let is_draining = *phase.borrow_and_update() == Phase::Draining;
    while !is_draining && pulse.borrow_and_update().revision <= known {
        tokio::select! {
            () = &mut heartbeat => break,
            changed = pulse.changed() => if changed.is_err() { break },
            _ = phase.changed() => break,
        }
    }
    let json = pulse.borrow().json.clone();
    Ok(bytes_of(StatusCode::OK, "application/json", json))
}
