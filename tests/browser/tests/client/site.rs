//! A web site of a few fixed pages, so that the browser client is proved without the program.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

/// Serves until the test process ends.
pub struct Site {
    origin: String,
}

/// Path, type, body.
pub type File = (&'static str, &'static str, &'static str);

const POLICY: &str = "default-src 'self'; img-src 'self' http://elsewhere.example";

impl Site {
    pub fn serve(files: &'static [File]) -> Site {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A browser may drop a connection it opened in advance.
                thread::spawn(move || drop(answer(&stream, files)));
            }
        });
        Site { origin }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// `GET` gives the file; `POST` gives a page that repeats what was sent.
fn answer(mut stream: &TcpStream, files: &[File]) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    let mut language = String::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_ascii_lowercase();
        match header.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap_or(0),
            Some(("accept-language", value)) => value.clone_into(&mut language),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = request.split(' ').nth(1).unwrap_or("/");
    let file = files.iter().find(|file| file.0 == path);
    let (status, kind, text) = match file {
        _ if request.starts_with("POST ") => ("200 OK", "text/html", echo(&body)),
        _ if path == "/language" => ("200 OK", "text/plain", language),
        Some(&(_, kind, text)) => ("200 OK", kind, text.to_owned()),
        None => ("404 Not Found", "text/plain", "nothing here".to_owned()),
    };
    let length = text.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {length}\r\nContent-Security-Policy: {POLICY}\r\nConnection: close\r\n\r\n{text}"
    )
}

fn echo(body: &[u8]) -> String {
    let mut shown = String::new();
    for letter in String::from_utf8_lossy(body).chars() {
        match letter {
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            letter => write!(shown, "{letter}").unwrap(),
        }
    }
    format!(
        "<!DOCTYPE html><html lang=en><title>Sent</title><main><h1>Sent</h1><pre>{shown}</pre></main>"
    )
}
