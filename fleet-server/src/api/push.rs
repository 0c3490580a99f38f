//! Telling machines that something is new: over a socket, or by letting a request wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use codex_fleet::identity::DeviceId;
use hyper::StatusCode;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::{Call, Caller, query};
use crate::fleet::{Fleet, Phase, Pulse};
use crate::http::answer::{Answer, Refusal, bytes_of};
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

/// The most bytes of what a client may send: there is nothing to say.
const MAX_HEARD: usize = 1_024;

/// How many bytes are read at once. Every idle channel keeps so many, and all that is ever heard are
/// answers to pings.
const READ: usize = 128;

/// Who listens, as far as a channel must remember it: a hundred thousand of them are idle.
enum Listener {
    /// Whoever may read the release.
    Reader,
    /// A machine, until its certificate ends.
    Machine(DeviceId, Timestamp),
}

impl Listener {
    fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Device(shown) => Self::Machine(shown.identity.device.clone(), shown.ends),
            Caller::Anybody | Caller::Admin(_) => Self::Reader,
        }
    }

    /// Whether it may still be told anything.
    fn is_welcome(&self, fleet: &Fleet) -> bool {
        match self {
            Self::Reader => true,
            Self::Machine(device, ends) => {
                now() <= *ends && !fleet.snapshot().revoked.contains(device)
            }
        }
    }
}

/// Opens a push channel.
pub(super) async fn open(mut call: Call) -> Result<Answer, Refusal> {
    let listener = Listener::of(&call.caller);
    let most = call.fleet.config.limits.push_channels;
    let one = One::of(&call.fleet, |fleet| &fleet.metrics.push_channels, most)?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut call.request, &()).await;
    let upgrade = upgrade.map_err(|_| Refusal::malformed("this is no request for a WebSocket"))?;
    let fleet = call.fleet;
    let upgrade = upgrade.max_message_size(MAX_HEARD).max_frame_size(MAX_HEARD);
    // Every hint goes out at once, so that nothing waits in a buffer of its own.
    let upgrade = upgrade.write_buffer_size(0).read_buffer_size(READ);
    Ok(upgrade.on_upgrade(async move |socket| {
        let ended = channel(&fleet, socket, &listener).await;
        tracing::debug!(?ended, "a push channel ended");
        drop(one);
    }))
}

async fn channel(
    fleet: &Fleet,
    mut socket: WebSocket,
    listener: &Listener,
) -> Result<(), axum::Error> {
    let heartbeat = Duration::from_secs(fleet.config.pace.heartbeat_seconds);
    let mut pulse = fleet.pulse();
    let beat = sleep(heartbeat);
    tokio::pin!(beat);
    while listener.is_welcome(fleet) {
        // The first one tells where things stand; all others that they have changed, or that the
        // channel lives.
        let Pulse { text, phase, .. } = pulse.borrow_and_update().clone();
        if phase == Phase::Draining {
            let reason = Utf8Bytes::from_static("this server ends: look for another one");
            return socket.send(Message::Close(Some(CloseFrame { code: AWAY, reason }))).await;
        }
        socket.send(Message::Text(text)).await?;
        fleet.metrics.hints.fetch_add(1, Ordering::Relaxed);
        // The clock of the heartbeat is not touched for a hint: very many channels hear one at once.
        let next = Instant::now() + heartbeat;
        loop {
            tokio::select! {
                biased;
                changed = pulse.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return Ok(()),
                },
                // Pings and the end are answered by the library; there is nothing else to say.
                heard = socket.recv() => match heard {
                    Some(heard) => drop(heard?),
                    None => return Ok(()),
                },
                () = &mut beat => {
                    let is_due = Instant::now() >= next;
                    beat.as_mut().reset(if is_due { Instant::now() + heartbeat } else { next });
                    if is_due {
                        break;
                    }
                }
            }
        }
    }
    socket.send(Message::Close(None)).await
}

/// The code that says that the server ends and that another one may be there.
const AWAY: u16 = axum::extract::ws::close_code::AWAY;

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
    let json = pulse.borrow().text.to_string();
    Ok(bytes_of(StatusCode::OK, "application/json", json))
}
