//! The bytes of a request, as they came: pieces that are sent one after the other and never copied.
//!
//! The SDK would want them in one piece to sign them, or wrap each into chunks of its own. Both cost
//! more than the sending. So the SDK sees an empty body, and an interceptor of each request says its
//! length, its checksum, and puts the pieces in its place. Tried again, the pieces are still there.

use super::PartChecksum;
use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::types::ServerSideEncryption;
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use http_body::{Body, Frame, SizeHint};
use md5::Md5;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use storage_plugin_api::bytes::Bytes;

/// The bytes of one object or one part, with what is said of them.
#[derive(Debug, Clone, Default)]
pub struct Payload {
    pieces: Arc<Vec<Bytes>>,
    /// How many bytes.
    pub length: u64,
    /// Lower-case hexadecimal; `None` sends `UNSIGNED-PAYLOAD`.
    sha256: Option<String>,
    /// As the header has it.
    pub(super) crc64: Option<String>,
    pub(super) md5: Option<[u8; 16]>,
}

impl Payload {
    /// Computes what a server is told of the bytes. Takes as long as hashing takes.
    pub fn new(pieces: Vec<Bytes>, signed: bool, checksum: PartChecksum) -> Self {
        let mut sha256 = signed.then(Sha256::new);
        let mut md5 = (checksum == PartChecksum::Md5).then(Md5::new);
        let is_crc = checksum == PartChecksum::Crc64Nvme;
        let mut crc64 = is_crc.then(|| crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme));
        let mut length = 0;
        for piece in &pieces {
            length += piece.len() as u64;
            if let Some(sha256) = &mut sha256 {
                sha256.update(piece);
            }
            if let Some(md5) = &mut md5 {
                md5.update(piece);
            }
            if let Some(crc64) = &mut crc64 {
                crc64.update(piece);
            }
        }
        Self {
            pieces: Arc::new(pieces),
            length,
            sha256: sha256.map(|hasher| hex(&hasher.finalize())),
            crc64: crc64.map(|crc| BASE64_STANDARD.encode(crc.finalize().to_be_bytes())),
            md5: md5.map(|hasher| hasher.finalize().into()),
        }
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// As the header `Content-MD5` has it.
    pub(super) fn content_md5(&self) -> Option<String> {
        self.md5.map(|md5| BASE64_STANDARD.encode(md5))
    }

    /// Whether the tag that a server answers is that of other bytes: a tag that looks like an MD5
    /// is one, where an MD5 was computed. Of what is encrypted with a key of `aws:kms` it is not.
    pub(super) fn contradicts(&self, tag: &str, encrypted: Option<&ServerSideEncryption>) -> bool {
        if encrypted.is_some_and(|by| *by != ServerSideEncryption::Aes256) {
            return false;
        }
        let tag = tag.trim_matches('"');
        let is_md5 = tag.len() == 32 && tag.bytes().all(|one| one.is_ascii_hexdigit());
        is_md5 && self.md5.is_some() && !self.agrees(tag)
    }

    /// Whether a tag is the MD5 of these bytes.
    pub(super) fn agrees(&self, tag: &str) -> bool {
        let tag = tag.trim_matches('"').to_ascii_lowercase();
        self.md5.is_some_and(|md5| hex(&md5) == tag)
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Payload {
    fn name(&self) -> &'static str {
        "Payload"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert("content-length", self.length.to_string());
        config.interceptor_state().store_put(match &self.sha256 {
            Some(hash) => PayloadSigningOverride::Precomputed(hash.clone()),
            None => PayloadSigningOverride::UnsignedPayload,
        });
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let left = self.pieces.iter().filter(|piece| !piece.is_empty()).cloned().collect();
        let pieces = Pieces { left, bytes: self.length };
        *context.request_mut().body_mut() = SdkBody::from_body_1_x(pieces);
        Ok(())
    }
}

/// Pieces on their way.
#[derive(Debug)]
struct Pieces {
    left: VecDeque<Bytes>,
    bytes: u64,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.left.pop_front();
        if let Some(piece) = &next {
            self.bytes -= piece.len() as u64;
        }
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_the_bytes_does_not_depend_on_the_pieces() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        for checksum in [PartChecksum::Crc64Nvme, PartChecksum::Md5, PartChecksum::None] {
            let whole = Payload::new(vec![Bytes::from(bytes.clone())], true, checksum);
            let pieces = bytes.chunks(777).map(Bytes::copy_from_slice).collect();
            let pieces = Payload::new(pieces, true, checksum);
            assert_eq!((whole.length, &whole.sha256), (pieces.length, &pieces.sha256));
            assert_eq!((&whole.crc64, whole.md5), (&pieces.crc64, pieces.md5));
        }
    }

    #[test]
    fn checksums_are_as_published() {
        let payload = |checksum| Payload::new(vec![Bytes::from("123456789")], true, checksum);
        // The check value of CRC-64/NVME is ae8b14860a799888.
        assert_eq!(payload(PartChecksum::Crc64Nvme).crc64.as_deref(), Some("rosUhgp5mIg="));
        let md5 = payload(PartChecksum::Md5);
        assert_eq!(md5.content_md5().as_deref(), Some("JfnnlDI7RTiF9RgfG2JNCw=="));
        assert!(!md5.contradicts("\"25f9e794323b453885f5181f1b624d0b\"", None));
        let other = "25f9e794323b453885f5181f1b624d0c";
        assert!(md5.contradicts(other, None));
        assert!(md5.contradicts(other, Some(&ServerSideEncryption::Aes256)));
        assert!(!md5.contradicts(other, Some(&ServerSideEncryption::AwsKms)));
        assert!(!md5.contradicts("25f9e794323b453885f5181f1b624d0c-2", None));
    }
}
