//! Answers that are written while they are sent, so that their size is no matter of memory.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::Frame;
use tokio::sync::mpsc;

/// Bytes that are sent at a time.
const PART_BYTES: usize = 64 * 1024;
/// Parts that may wait for the network.
const WAITING_MAX: usize = 4;

/// A body that is written on a thread that may wait, as fast as it is taken.
///
/// If the writing fails the connection is cut, so that nobody takes a part for the whole.
pub fn streamed(write: impl FnOnce(&mut Sink) -> io::Result<()> + Send + 'static) -> Body {
    let (sender, parts) = mpsc::channel(WAITING_MAX);
    tokio::task::spawn_blocking(move || {
        let mut sink = Sink {
            sender,
            part: Vec::with_capacity(PART_BYTES),
        };
        if let Err(error) = write(&mut sink).and_then(|()| sink.flush()) {
            tracing::warn!(%error, "answer.cut_off");
            // If nobody takes it any more, nobody has to know.
            drop(sink.sender.blocking_send(Err(error)));
        }
    });
    Body::new(Streamed(parts))
}

/// Where such a body is written to.
pub struct Sink {
    sender: mpsc::Sender<io::Result<Bytes>>,
    part: Vec<u8>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES));
        let sent = self.sender.blocking_send(Ok(part.into()));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

struct Streamed(mpsc::Receiver<io::Result<Bytes>>);

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let part = self.0.poll_recv(cx);
        part.map(|part| part.map(|part| part.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn what_is_written_comes_out_whole() {
        let body = streamed(|sink| {
            for _ in 0..3 {
                sink.write_all(&[b'x'; PART_BYTES - 1])?;
            }
            Ok(())
        });
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        assert_eq!(bytes.len(), 3 * (PART_BYTES - 1));
    }

    #[tokio::test]
    async fn what_cannot_be_written_to_its_end_is_no_answer() {
        let body = streamed(|sink| {
            sink.write_all(&[b'x'; PART_BYTES])?;
            Err(io::Error::other("gone"))
        });
        assert!(to_bytes(body, usize::MAX).await.is_err());
    }
}
