//! A WebSocket of axum that tells everybody the same and does nothing else.

use std::convert::Infallible;
use std::io::BufRead as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use codex_fleet_server::authority::{certificates, private_key};
use codex_fleet_server::http::listen::open;
use codex_fleet_server::tls::provider;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::Problem;
use crate::floor::TEXT;

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Problem> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            certificates(&std::fs::read(certificate)?)?,
            private_key(&std::fs::read(key)?, "server key")?,
        )?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

pub(crate) async fn serve(
    address: SocketAddr,
    tls: Option<&(PathBuf, PathBuf)>,
) -> Result<(), Problem> {
    let tls = tls.map(|(certificate, key)| acceptor(certificate, key)).transpose()?;
    let listener = open(address)?;
    let pulse = watch::Sender::new(Utf8Bytes::from_static(TEXT));
    let told = pulse.clone();
    let router: Router = Router::new().route(
        "/v1/push",
        get(async move |upgrade: WebSocketUpgrade| {
            let pulse = told.subscribe();
            // What it takes by default is a hundred times as much; nobody would.
            let upgrade = upgrade.write_buffer_size(0).read_buffer_size(1_024);
            upgrade.on_upgrade(async move |socket| drop(channel(socket, pulse).await))
        }),
    );
    println!("ready");
    std::thread::spawn(move || {
        for _ in std::io::stdin().lock().lines() {
            pulse.send_replace(Utf8Bytes::from_static(TEXT));
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (router, tls) = (router.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => connection(router, stream).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        connection(router, stream).await;
                    }
                }
            }
        });
    }
}

async fn connection(router: Router, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = service_fn(async |request| {
        Ok::<_, Infallible>(router.clone().oneshot(request).await.unwrap_or_default())
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Whatever ended it, the other side knows.
    drop(served.with_upgrades().await);
}

async fn channel(
    mut socket: WebSocket,
    mut pulse: watch::Receiver<Utf8Bytes>,
) -> Result<(), axum::Error> {
    loop {
        let text = pulse.borrow_and_update().clone();
        socket.send(Message::Text(text)).await?;
        tokio::select! {
            changed = pulse.changed() => if changed.is_err() { return Ok(()) },
            heard = socket.recv() => if heard.is_none() { return Ok(()) },
        }
    }
}
