//! A web server that does what it is told, on a real socket: it breaks off, lies, changes, leads
//! elsewhere, stands still.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) line: String,
    headers: HashMap<String, String>,
    /// How many came before it.
    pub(super) number: usize,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Where the range begins that it wants.
    pub(super) fn from(&self) -> usize {
        let range = self.header("range").and_then(|range| range.strip_prefix("bytes="));
        range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap())
    }
}

/// What is sent for a request, and what happens then.
pub(super) enum Reply {
    /// These bytes, and the end of the connection.
    Close(Vec<u8>),
    /// These bytes, and nothing more for as long as the client stays.
    Stall(Vec<u8>),
    /// A proxy's tunnel.
    Tunnel(SocketAddr),
}

/// A head and a body, as they are written.
pub(super) fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let headers: String = headers.lines().map(|line| format!("{}\r\n", line.trim())).collect();
    [format!("HTTP/1.1 {status}\r\n{headers}\r\n").as_bytes(), body].concat()
}

/// A file as a good server sends it, with ranges; `cut` bytes of the body at most.
pub(super) fn file(asked: &Asked, bytes: &[u8], tag: &str, cut: usize) -> Reply {
    let from = asked.from();
    let is_same = asked.header("if-range").is_none_or(|wanted| wanted == tag);
    let (status, range, part) = if from > 0 && is_same {
        let range = format!("Content-Range: bytes {from}-{}/{}\n", bytes.len() - 1, bytes.len());
        ("206 Partial Content", range, &bytes[from..])
    } else {
        ("200 OK", String::new(), bytes)
    };
    let headers = format!("{range}ETag: {tag}\nContent-Length: {}", part.len());
    Reply::Close(http(status, &headers, &part[..cut.min(part.len())]))
}

pub(super) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(None, reply).await
    }

    pub(super) async fn encrypted(
        tls: TlsAcceptor,
        reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::with(Some(tls), reply).await
    }

    async fn with(
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, reply) = (Arc::clone(&asked), Arc::new(reply));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, seen, reply) = (tls.clone(), Arc::clone(&seen), Arc::clone(&reply));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &seen, reply.as_ref()).await,
                        // A client that does not trust us goes away here.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &seen, reply.as_ref()).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, asked, task }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request on one connection; `None` when the client went away, which it may.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Mutex<Vec<Asked>>,
    reply: &(impl Fn(&Asked) -> Reply + Send + Sync),
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let asked = {
        let mut seen = seen.lock().unwrap();
        let asked = Asked { line: line.trim().to_owned(), headers, number: seen.len() };
        seen.push(asked.clone());
        asked
    };
    match reply(&asked) {
        Reply::Close(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            stream.shutdown().await.ok()
        }
        Reply::Stall(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            stream.flush().await.ok()?;
            // Until the client goes away.
            stream.read_line(&mut line).await.ok().map(drop)
        }
        Reply::Tunnel(address) => {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
            let mut other = TcpStream::connect(address).await.ok()?;
            tokio::io::copy_bidirectional(&mut stream, &mut other).await.ok().map(drop)
        }
    }
}
