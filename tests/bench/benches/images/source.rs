//! Where images are downloaded from: a server of one file, cheap enough not to be what is measured.
//! The one of the tests is not: it has the file in memory, and sends it in pieces that it counts.

use anyhow::Result;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

/// A server that gives one file under every name.
#[derive(Debug)]
pub(crate) struct Source {
    address: SocketAddr,
}

impl Source {
    /// Serves a file until the process ends.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let path = path.to_owned();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let path = path.clone();
                // Whoever hangs up has what it wanted.
                std::thread::spawn(move || serve(&connection, &path).ok());
            }
        });
        Ok(Self { address })
    }

    /// A name of the file that nobody has asked for yet.
    pub(crate) fn url(&self, round: usize) -> String {
        format!("http://{}/image-{round}", self.address)
    }
}

fn serve(mut connection: &TcpStream, path: &PathBuf) -> Result<()> {
    let mut reader = BufReader::new(connection);
    loop {
        let (mut first, mut from) = (String::new(), None);
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let header = header.trim().to_ascii_lowercase();
            if let Some(range) = header.strip_prefix("range: bytes=") {
                from = range.split('-').next().and_then(|from| from.parse::<u64>().ok());
            }
            if header.is_empty() {
                break;
            }
        }
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let begin = from.unwrap_or(0);
        file.seek(SeekFrom::Start(begin))?;
        let status = match from {
            Some(from) => format!(
                "206 Partial Content\r\nContent-Range: bytes {from}-{}/{length}",
                length - 1
            ),
            None => "200 OK".to_owned(),
        };
        write!(
            connection,
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"one\"\r\n\
             Accept-Ranges: bytes\r\n\r\n",
            length - begin
        )?;
        if !first.starts_with("HEAD") {
            // From file to socket within the kernel.
            std::io::copy(&mut file, &mut connection)?;
        }
    }
}
