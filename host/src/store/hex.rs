//! Bytes as hexadecimal text, for keys, checksums and records that people may have to read.
//!
//! **Invariant:** what `decode` takes is what `encode` made, in either letter case.

use zeroize::Zeroizing;

/// Lower-case digits, two a byte.
pub(super) fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Long enough from the start: growing would leave copies behind, and some texts are keys.
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes of a text; `None` when it is not hexadecimal.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.as_bytes().chunks(2) {
        let &[high, low] = pair else {
            return None;
        };
        bytes.push(digit(high)? << 4 | digit(low)?);
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    let value = char::from(character).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(*decode(&encode(&bytes)).unwrap(), bytes);
        assert_eq!(*decode("0aFF").unwrap(), [0x0a, 0xff]);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["a", "0g", "0x", "ää"] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
