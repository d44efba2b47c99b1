//! A client of the host's API that costs next to nothing: one connection, requests signed, answers
//! taken as text. Clients that people use cost more than the host does, and would be what is
//! measured.

use anyhow::{Context, bail};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;
use storage_host::api::credentials::Credentials;
use storage_host::api::sign;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a job may take.
const DEADLINE: Duration = Duration::from_secs(600);
/// How often a job is asked for at first; each time half as often.
const FIRST_POLL: Duration = Duration::from_millis(1);
/// How seldom at last: what is measured must not be how long nobody asked.
const LAST_POLL: Duration = Duration::from_millis(20);

/// A client with its connection.
#[derive(Debug)]
pub struct ApiClient {
    stream: TcpStream,
    credentials: Credentials,
    buffer: Vec<u8>,
}

impl ApiClient {
    /// Connects.
    ///
    /// # Errors
    /// The connection's.
    pub async fn connect(address: SocketAddr, credentials: &Credentials) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, credentials: credentials.clone(), buffer: Vec::new() })
    }

    /// Calls a command; the answer's text.
    ///
    /// # Errors
    /// The connection's; the host's refusal, as it is written.
    pub async fn call(&mut self, command: &str, params: &[(&str, &str)]) -> anyhow::Result<String> {
        let mut all = vec![
            ("apiKey", self.credentials.apikey.as_str()),
            ("command", command),
            ("response", "json"),
        ];
        all.extend_from_slice(params);
        let signature = sign(&all, &self.credentials.secretkey);
        let mut request = String::from("GET /client/api?");
        for (name, value) in &all {
            write!(request, "{name}={}&", encode(value))?;
        }
        write!(request, "signature={} HTTP/1.1\r\nHost: x\r\n\r\n", encode(&signature))?;
        self.stream.write_all(request.as_bytes()).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> anyhow::Result<String> {
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the host closed the connection");
            }
            let Some(head) = find(&self.buffer, b"\r\n\r\n") else {
                continue;
            };
            let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
            let length: usize = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                .context("an answer without a length")?;
            if self.buffer.len() < head + 4 + length {
                continue;
            }
            let body = String::from_utf8_lossy(&self.buffer[head + 4..]).into_owned();
            if !text.starts_with("http/1.1 200") {
                bail!("{body}");
            }
            return Ok(body);
        }
    }

    /// Calls an async command and waits for its job; the object's id.
    ///
    /// # Errors
    /// Those of [`call`](Self::call); a job that failed.
    pub async fn create(
        &mut self,
        command: &str,
        params: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let begun = self.call(command, params).await?;
        let id = field(&begun, "id").context("no id")?.to_owned();
        self.finish(&begun).await?;
        Ok(id)
    }

    /// Waits for the job that an async command began.
    ///
    /// # Errors
    /// A job that failed, or took too long.
    pub async fn finish(&mut self, begun: &str) -> anyhow::Result<String> {
        let job = field(begun, "jobid").context("no job")?.to_owned();
        let mut wait = FIRST_POLL;
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let answer = self.call("queryAsyncJobResult", &[("jobid", &job)]).await?;
            if answer.contains("\"jobstatus\":1") {
                return Ok(answer);
            }
            if answer.contains("\"jobstatus\":2") || tokio::time::Instant::now() > deadline {
                bail!("{answer}");
            }
            // sleeps because the API has no way to be told of the end of a job
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_POLL);
        }
    }
}

/// The text of a field of an answer.
pub fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = answer.split_once(&format!("\"{name}\":\""))?;
    rest.split('"').next()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").unwrap_or_default(),
        }
    }
    encoded
}
