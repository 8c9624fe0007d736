//! The wire: JSON messages over one WebSocket, answers matched to calls, events kept until somebody takes them.

use crate::Fault;
use serde_json::{Value, json};
use std::{
    io::ErrorKind,
    net::TcpStream,
    time::{Duration, Instant},
};
use tungstenite::{Error, Message, WebSocket, protocol::WebSocketConfig};

/// Longest wait for one answer. A browser that starts on a busy machine takes seconds, a hung one would take for ever.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Most events kept; a page that floods its console is told, not stored.
const EVENTS_MAX: usize = 100_000;

pub(crate) struct Connection {
    socket: WebSocket<TcpStream>,
    last_id: u64,
    events: Vec<Event>,
}

/// Something the browser told unasked.
pub(crate) struct Event {
    /// The page or worker it is about; empty for the browser itself.
    pub session: String,
    pub method: String,
    pub params: Value,
}

impl Connection {
    /// Opens `path` of the browser that listens on `port`.
    pub fn open(port: u16, path: &str) -> Result<Connection, Fault> {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .map_err(|error| Fault::new(format!("port {port}: {error}")))?;
        let url = format!("ws://127.0.0.1:{port}{path}");
        // Pictures and long pages come as one message.
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (socket, _) = tungstenite::client::client_with_config(url, stream, Some(config))
            .map_err(|error| Fault::new(format!("DevTools handshake: {error}")))?;
        Ok(Connection {
            socket,
            last_id: 0,
            events: Vec::new(),
        })
    }

    /// Calls `method` in `session` (empty: the browser itself) and waits for its answer.
    pub fn call(&mut self, session: &str, method: &str, params: &Value) -> Result<Value, Fault> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        self.socket
            .send(Message::text(message.to_string()))
            .map_err(|error| Fault::new(format!("{method}: the browser is gone: {error}")))?;
        let deadline = Instant::now() + ANSWER_WITHIN;
        loop {
            let Some(message) = self.read(deadline)? else {
                return Err(Fault::new(format!(
                    "{method}: no answer within {} s",
                    ANSWER_WITHIN.as_secs()
                )));
            };
            if message["id"] != id {
                self.keep(message);
            } else if let Some(error) = message["error"]["message"].as_str() {
                return Err(Fault::new(format!("{method}: {error}")));
            } else {
                return Ok(message["result"].clone());
            }
        }
    }

    /// The events about `session` so far, in order; they are not given twice.
    pub fn take_events(&mut self, session: &str) -> Vec<Event> {
        self.events
            .extract_if(.., |event| event.session == session)
            .collect()
    }

    fn keep(&mut self, message: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if message["id"].is_null() && self.events.len() < EVENTS_MAX {
            self.events.push(Event {
                session: text(&message["sessionId"]),
                method: text(&message["method"]),
                params: message["params"].clone(),
            });
        }
    }

    /// The next message; `None` when the deadline passes first.
    fn read(&mut self, deadline: Instant) -> Result<Option<Value>, Fault> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let wait = self.socket.get_ref().set_read_timeout(Some(left));
            wait.map_err(|error| Fault::new(format!("read timeout: {error}")))?;
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let parsed = serde_json::from_str(&text);
                    return parsed.map(Some).map_err(|error| {
                        Fault::new(format!("not JSON from the browser: {error}"))
                    });
                }
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(Fault::new(format!("the browser is gone: {error}"))),
            }
        }
    }
}
