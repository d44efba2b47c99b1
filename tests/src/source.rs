//! Where images are downloaded from: an HTTP server of one file.

use crate::fail::OrFail;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// As much is sent at a time, counted, and followed by a look whether to hold.
const PIECE: usize = 1 << 20;

/// A server that gives one file under every name, or the rest of it from where it is asked to; it
/// counts what it sent. It serves until the process ends.
#[derive(Debug)]
pub struct Source {
    url: String,
    file: Arc<File>,
}

#[derive(Debug)]
struct File {
    bytes: Vec<u8>,
    sending: Mutex<Sending>,
    let_go: Condvar,
}

#[derive(Debug)]
struct Sending {
    sent: u64,
    hold_at: u64,
}

impl Source {
    /// Serves these bytes.
    pub fn of(bytes: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").or_fail("listen");
        let url = format!("http://{}/disk.raw", listener.local_addr().or_fail("listen"));
        let sending = Mutex::new(Sending { sent: 0, hold_at: u64::MAX });
        let file = Arc::new(File { bytes, sending, let_go: Condvar::new() });
        let served = Arc::clone(&file);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let file = Arc::clone(&served);
                // Whoever hangs up has what it wanted.
                std::thread::spawn(move || file.serve(&connection).ok());
            }
        });
        Self { url, file }
    }

    /// Its URL; the file's name says that it is raw.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many bytes of the file it has sent so far, by all requests.
    pub fn sent(&self) -> u64 {
        self.file.lock().sent
    }

    /// Once so many bytes were sent, to the next mebibyte, every request stops in its midst until
    /// [`let_go`](Self::let_go).
    pub fn hold_at(&self, sent: u64) {
        self.file.lock().hold_at = sent;
    }

    /// What is held goes on, unless who asked for it is gone; nothing is held any more.
    pub fn let_go(&self) {
        self.hold_at(u64::MAX);
        self.file.let_go.notify_all();
    }
}

impl File {
    fn lock(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request after the other.
    fn serve(&self, mut connection: &TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(connection).lines();
        while let Some(asked) = lines.next().transpose()? {
            let mut from = None;
            for header in lines.by_ref() {
                let header = header?.to_ascii_lowercase();
                if header.is_empty() {
                    break;
                }
                let range = header.strip_prefix("range: bytes=").and_then(|it| it.split_once('-'));
                from = range.and_then(|(from, _)| from.parse().ok()).or(from);
            }
            let length = self.bytes.len();
            let body = self.bytes.get(from.unwrap_or(0)..).unwrap_or_default();
            let (status, range) = match from {
                Some(from) if from >= length => {
                    let range = format!("Content-Range: bytes */{length}\r\n");
                    ("416 Range Not Satisfiable", range)
                }
                Some(from) => {
                    let range = format!("Content-Range: bytes {from}-{}/{length}\r\n", length - 1);
                    ("206 Partial Content", range)
                }
                None => ("200 OK", String::new()),
            };
            let of_body = format!("Content-Length: {}\r\n{range}", body.len());
            let of_file = "ETag: \"one\"\r\nAccept-Ranges: bytes\r\n";
            write!(connection, "HTTP/1.1 {status}\r\n{of_body}{of_file}\r\n")?;
            if !asked.starts_with("HEAD") {
                self.send(connection, body)?;
            }
        }
        Ok(())
    }

    fn send(&self, mut connection: &TcpStream, body: &[u8]) -> std::io::Result<()> {
        for piece in body.chunks(PIECE) {
            connection.write_all(piece)?;
            let mut sending = self.lock();
            sending.sent += piece.len() as u64;
            let held = |sending: &mut Sending| sending.sent >= sending.hold_at;
            if held(&mut sending) {
                let waited = self.let_go.wait_while(sending, held);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                // What is written to somebody who is gone would count as sent.
                is_listening(connection)?;
            }
        }
        Ok(())
    }
}

/// An error where the other end has closed the connection.
fn is_listening(connection: &TcpStream) -> std::io::Result<()> {
    connection.set_nonblocking(true)?;
    let ended = connection.peek(&mut [0]);
    connection.set_nonblocking(false)?;
    match ended {
        Ok(0) => Err(std::io::ErrorKind::BrokenPipe.into()),
        Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}
