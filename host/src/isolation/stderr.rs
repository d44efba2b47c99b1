//! What a plugin's process writes to its standard error, as lines of the host's log.
//!
//! A plugin's log and its panics come as frames; here is what no log knows of: `eprintln!`, a C
//! library, the last words of an abort. Each line bears the plugin's name, none can pass for one
//! of the host's, and none is longer than [`LINE`], however much comes without a line's end.

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// The most bytes of a line; what is longer comes in pieces.
const LINE: usize = 4096;

/// Logs every line, until the process and all that it started have closed it.
pub(super) async fn log_stderr(plugin: String, stderr: impl AsyncRead + Unpin) {
    let target = format!("plugin::{plugin}::stderr");
    // As a warning: a program that has a log says there what is in order.
    each_line(stderr, |line| log::warn!(target: &target, "{line}")).await;
}

async fn each_line(stderr: impl AsyncRead + Unpin, mut tell: impl FnMut(&str)) {
    let mut stderr = BufReader::with_capacity(LINE, stderr);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut stderr).take(LINE as u64).read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line).replace(char::is_control, " ");
        if !text.trim().is_empty() {
            tell(text.trim_end());
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(written: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        each_line(written, |line| lines.push(line.to_owned())).await;
        lines
    }

    #[tokio::test]
    async fn each_line_is_told_once_and_empty_ones_are_not() {
        assert_eq!(lines(b"one\r\n\n  two\nunfinished").await, ["one", "  two", "unfinished"]);
        assert!(lines(b"").await.is_empty());
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_and_terminal_commands_do_no_harm() {
        assert_eq!(lines(b"a\x1b[2Jb\rc\xff\n").await, ["a [2Jb c\u{fffd}"]);
    }

    #[tokio::test]
    async fn a_line_without_end_comes_in_pieces() {
        let told = lines(&[b'x'; 2 * LINE + 5]).await;
        assert_eq!(told.iter().map(String::len).collect::<Vec<_>>(), [LINE, LINE, 5]);
    }
}
