//! Load over HTTP: so many connections, each sending its next request when it has the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What a stretch of load came to.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Answers for each second.
    pub per_second: f64,
    /// Half of the answers took at most this many milliseconds.
    pub p50_ms: f64,
    /// Ninety-nine of a hundred took at most this.
    pub p99_ms: f64,
    /// Answers that were not 200 or 201.
    pub failed: u64,
}

impl Measured {
    /// From the time of each answer.
    pub fn of(mut taken: Vec<Duration>, wall: Duration, failed: u64) -> Self {
        taken.sort_unstable();
        let at = |part: usize| {
            let index = taken.len() * part / 100;
            taken
                .get(index.min(taken.len().saturating_sub(1)))
                .map_or(0.0, |one| one.as_secs_f64() * 1e3)
        };
        let per_second = taken.len() as f64 / wall.as_secs_f64();
        Self {
            per_second,
            p50_ms: at(50),
            p99_ms: at(99),
            failed,
        }
    }
}

/// Makes the next request of a connection: path and body, a GET if there is no body.
pub type Next = Arc<dyn Fn(u64) -> (&'static str, Option<String>) + Send + Sync>;

/// Sends requests over `connections` for a while.
pub async fn drive(
    address: &str,
    token: &str,
    connections: usize,
    wall: Duration,
    next: Next,
) -> anyhow::Result<Measured> {
    let number = Arc::new(AtomicU64::new(0));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(connect(address).await?);
    }
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for mut sender in open {
        let (address, token) = (address.to_owned(), token.to_owned());
        let (number, next) = (Arc::clone(&number), Arc::clone(&next));
        tasks.spawn(async move {
            let (mut taken, mut failed) = (Vec::new(), 0);
            while begun.elapsed() < wall {
                let (path, body) = next(number.fetch_add(1, Ordering::Relaxed));
                let sent = Instant::now();
                let (status, _) = send(&mut sender, &address, &token, path, body).await?;
                taken.push(sent.elapsed());
                failed += u64::from(!(200..=201).contains(&status));
            }
            anyhow::Ok((taken, failed))
        });
    }
    let (mut taken, mut failed) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (more, wrong) = done??;
        taken.extend(more);
        failed += wrong;
    }
    Ok(Measured::of(taken, begun.elapsed(), failed))
}

async fn connect(address: &str) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address)
        .await
        .context("the server does not answer")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn send(
    sender: &mut SendRequest<Full<Bytes>>,
    address: &str,
    token: &str,
    path: &str,
    body: Option<String>,
) -> anyhow::Result<(u16, Bytes)> {
    let method = if body.is_some() { "POST" } else { "GET" };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::from(body.unwrap_or_default()))?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// One request by itself, for logging in.
pub async fn once(address: &str, path: &str, body: String) -> anyhow::Result<serde_json::Value> {
    let mut sender = connect(address).await?;
    let (status, bytes) = send(&mut sender, address, "", path, Some(body)).await?;
    ensure!(
        (200..=201).contains(&status),
        "{path} answered {status}: {}",
        String::from_utf8_lossy(&bytes)
    );
    Ok(serde_json::from_slice(&bytes)?)
}
