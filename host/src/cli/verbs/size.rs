//! Sizes as people write them: `10G`, `512M`, in binary units.

use crate::api::{Kind, Param};

/// What a parameter counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// `sizebytes`.
    Bytes,
    /// CloudStack's `size`.
    Gib,
}

/// What a parameter counts in, if it is a size.
pub(super) fn unit_of(param: &Param) -> Option<Unit> {
    match param.kind {
        Kind::Long | Kind::Integer => {}
        _ => return None,
    }
    match param.name {
        "size" | "disksize" => Some(Unit::Gib),
        name if name.ends_with("bytes") => Some(Unit::Bytes),
        _ => None,
    }
}

/// Reads a size with a unit, in bytes; without one, `None` tells that it is a bare number.
pub(super) fn parse(text: &str) -> Result<(u64, Option<char>), String> {
    let wrong =
        || format!("{text:?} is no size; write a number, or one with a unit: 512M, 10G, 1.5T");
    let lower = text.trim().to_ascii_lowercase();
    let short = lower.strip_suffix("ib").or_else(|| lower.strip_suffix('b')).unwrap_or(&lower);
    let unit = short.chars().last().filter(char::is_ascii_alphabetic);
    let Some(unit) = unit else {
        let bytes = lower.strip_suffix('b');
        let bare = bytes.unwrap_or(&lower).parse().map_err(|_| wrong())?;
        return Ok((bare, bytes.map(|_| 'b')));
    };
    let at = "kmgtpe".find(unit).ok_or_else(wrong)?;
    let shift = 10 * u32::try_from(at + 1).unwrap_or_default();
    let digits = &short[..short.len() - 1];
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let too_large = || format!("{text:?} is more than any size that there is");
    let whole: u128 = whole.parse().map_err(|_| too_large())?;
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| wrong())? };
    let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or_default());
    let bytes = whole
        .checked_mul(scale)
        .and_then(|all| all.checked_add(part))
        .and_then(|all| all.checked_mul(1 << shift))
        .map(|all| all / scale);
    let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok()).ok_or_else(too_large)?;
    Ok((bytes, Some(unit)))
}

/// The parameter and the value that a size is sent as. `has_bytes` tells that the command takes
/// `sizebytes` as well.
pub(super) fn wire(
    param: &'static Param,
    unit: Unit,
    text: &str,
    has_bytes: bool,
) -> Result<(&'static str, String), String> {
    const GIB: u64 = 1 << 30;
    let (number, suffix) = parse(text)?;
    match (unit, suffix) {
        (Unit::Bytes, _) | (Unit::Gib, None) => Ok((param.name, number.to_string())),
        (Unit::Gib, Some(_)) if param.name == "size" && has_bytes => {
            Ok(("sizebytes", number.to_string()))
        }
        (Unit::Gib, Some(_)) if number % GIB == 0 => Ok((param.name, (number / GIB).to_string())),
        (Unit::Gib, Some(_)) => {
            Err(format!("{text:?} is no whole number of GiB, which --{} counts in", param.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_are_read_in_binary_units() {
        for (text, bytes) in [
            ("10G", 10 << 30),
            ("10g", 10 << 30),
            ("512M", 512 << 20),
            ("1.5T", 3 << 39),
            ("4KiB", 4096),
            ("2GB", 2 << 30),
            ("7b", 7),
        ] {
            assert_eq!(parse(text).map(|(bytes, _)| bytes), Ok(bytes), "{text}");
        }
        assert_eq!(parse("10"), Ok((10, None)));
    }

    #[test]
    fn other_texts_are_no_size() {
        for text in ["", "G", "-1G", "1.G.", "10X", "ten", "1,5G", "99999999999E"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
