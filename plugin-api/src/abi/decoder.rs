//! Reads MessagePack into records.
//!
//! The reader of rmp-serde is made for any type anywhere: it is compiled into some ten kilobytes for
//! each of our records, which made up a third of every plugin's library. This one asks the bytes
//! only for what the record wants.
//!
//! **Invariant:** no bytes, however wrong, make it panic, overflow the stack or allocate more than
//! they are long.

use super::codec::RecordError;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Deeper than any record, shallower than any stack.
const DEPTH: u32 = 96;

type Decoded<T> = Result<T, RecordError>;

#[cold]
fn cut_off() -> RecordError {
    RecordError::new("the bytes end in the midst of a value")
}

/// What a value is, by its first byte, and how long it is where that byte says so.
enum Head {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(usize),
    Bytes(usize),
    Array(usize),
    Map(usize),
}

/// Reads values off the front of some bytes.
pub struct Decoder<'de> {
    input: &'de [u8],
    depth: u32,
}

impl<'de> Decoder<'de> {
    pub fn new(input: &'de [u8]) -> Self {
        Self { input, depth: 0 }
    }

    #[inline]
    fn take(&mut self, length: usize) -> Decoded<&'de [u8]> {
        let Some((taken, rest)) = self.input.split_at_checked(length) else {
            return Err(cut_off());
        };
        self.input = rest;
        Ok(taken)
    }

    /// The bytes of a number, big end first.
    #[inline]
    fn number<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let Some((taken, rest)) = self.input.split_first_chunk() else { return Err(cut_off()) };
        self.input = rest;
        Ok(*taken)
    }

    #[inline]
    fn length_8(&mut self) -> Decoded<usize> {
        self.number::<1>().map(|[length]| usize::from(length))
    }

    #[inline]
    fn length_16(&mut self) -> Decoded<usize> {
        self.number().map(|length| usize::from(u16::from_be_bytes(length)))
    }

    #[inline]
    fn length_32(&mut self) -> Decoded<usize> {
        self.number().map(|length| u32::from_be_bytes(length) as usize)
    }

    #[expect(clippy::cast_possible_wrap, reason = "the format")]
    fn head(&mut self) -> Decoded<Head> {
        let [marker] = self.number()?;
        Ok(match marker {
            0x00..=0x7f => Head::Unsigned(u64::from(marker)),
            0x80..=0x8f => Head::Map(usize::from(marker & 0x0f)),
            0x90..=0x9f => Head::Array(usize::from(marker & 0x0f)),
            0xa0..=0xbf => Head::Text(usize::from(marker & 0x1f)),
            0xc0 => Head::Nil,
            0xc2 | 0xc3 => Head::Bool(marker == 0xc3),
            0xc4 => Head::Bytes(self.length_8()?),
            0xc5 => Head::Bytes(self.length_16()?),
            0xc6 => Head::Bytes(self.length_32()?),
            0xca => Head::Float(f32::from_be_bytes(self.number()?).into()),
            0xcb => Head::Float(f64::from_be_bytes(self.number()?)),
            0xcc => Head::Unsigned(u8::from_be_bytes(self.number()?).into()),
            0xcd => Head::Unsigned(u16::from_be_bytes(self.number()?).into()),
            0xce => Head::Unsigned(u32::from_be_bytes(self.number()?).into()),
            0xcf => Head::Unsigned(u64::from_be_bytes(self.number()?)),
            0xd0 => Head::Signed(i8::from_be_bytes(self.number()?).into()),
            0xd1 => Head::Signed(i16::from_be_bytes(self.number()?).into()),
            0xd2 => Head::Signed(i32::from_be_bytes(self.number()?).into()),
            0xd3 => Head::Signed(i64::from_be_bytes(self.number()?)),
            0xd9 => Head::Text(self.length_8()?),
            0xda => Head::Text(self.length_16()?),
            0xdb => Head::Text(self.length_32()?),
            0xdc => Head::Array(self.length_16()?),
            0xdd => Head::Array(self.length_32()?),
            0xde => Head::Map(self.length_16()?),
            0xdf => Head::Map(self.length_32()?),
            0xe0..=0xff => Head::Signed(i64::from(marker as i8)),
            _ => return Err(RecordError::new(format!("{marker:#x} begins no value of ours"))),
        })
    }

    #[inline]
    fn text(&mut self, length: usize) -> Decoded<&'de str> {
        let bytes = self.take(length)?;
        if bytes.is_ascii() {
            // SAFETY: ASCII is UTF-8. Nearly every text is, and is known to be in less time.
            return Ok(unsafe { std::str::from_utf8_unchecked(bytes) });
        }
        std::str::from_utf8(bytes).map_err(RecordError::new)
    }

    /// Passes over a value: a field that this side does not know.
    fn skip(&mut self) -> Decoded<()> {
        // Counted, not recursive: depth costs nothing here.
        let mut values = 1_usize;
        while values > 0 {
            values -= 1;
            let inside = match self.head()? {
                Head::Text(length) | Head::Bytes(length) => {
                    self.take(length)?;
                    0
                }
                Head::Array(length) => length,
                Head::Map(length) => length.saturating_mul(2),
                _ => 0,
            };
            values = values.saturating_add(inside);
        }
        Ok(())
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Decoded<T>) -> Decoded<T> {
        if self.depth == DEPTH {
            return Err(RecordError::new("values are nested too deeply"));
        }
        self.depth += 1;
        let outcome = read(self);
        self.depth -= 1;
        outcome
    }

    fn visit<V: Visitor<'de>>(&mut self, head: Head, visitor: V) -> Decoded<V::Value> {
        match head {
            Head::Array(left) => self.nested(|decoder| visitor.visit_seq(Items { decoder, left })),
            Head::Map(left) => self.nested(|decoder| visitor.visit_map(Items { decoder, left })),
            scalar => self.visit_scalar(scalar, visitor),
        }
    }

    fn visit_scalar<V: Visitor<'de>>(&mut self, head: Head, visitor: V) -> Decoded<V::Value> {
        match head {
            Head::Nil => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Unsigned(value) => visitor.visit_u64(value),
            Head::Signed(value) => visitor.visit_i64(value),
            Head::Float(value) => visitor.visit_f64(value),
            Head::Text(length) => visitor.visit_borrowed_str(self.text(length)?),
            Head::Bytes(length) => visitor.visit_borrowed_bytes(self.take(length)?),
            Head::Array(_) | Head::Map(_) => Err(RecordError::new("a collection is out of place")),
        }
    }

    /// Reads a value that is no collection: those want one kind of head, or serde refuses it.
    fn scalar<V: Visitor<'de>>(&mut self, visitor: V) -> Decoded<V::Value> {
        let head = self.head()?;
        self.visit_scalar(head, visitor)
    }
}

impl<'de> Decoder<'de> {
    /// Visits a number. Most are small, and stand in their first byte.
    #[inline]
    fn small_number<V: Visitor<'de>>(&mut self, visitor: V) -> Decoded<V::Value> {
        if let [value @ ..0x80, rest @ ..] = self.input {
            self.input = rest;
            return visitor.visit_u64(u64::from(*value));
        }
        self.scalar(visitor)
    }

    /// Visits a text. Most are short.
    #[inline]
    fn short_text<V: Visitor<'de>>(&mut self, visitor: V) -> Decoded<V::Value> {
        if let [marker @ 0xa0..=0xbf, rest @ ..] = self.input {
            self.input = rest;
            let text = self.text(usize::from(marker & 0x1f))?;
            return visitor.visit_borrowed_str(text);
        }
        self.scalar(visitor)
    }
}

macro_rules! scalars {
    ($kind:ident: $( $method:ident )*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
            self.$kind(visitor)
        }
    )* };
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = RecordError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        let head = self.head()?;
        self.visit(head, visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        if let [marker @ 0xc2..=0xc3, rest @ ..] = self.input {
            self.input = rest;
            return visitor.visit_bool(*marker == 0xc3);
        }
        self.scalar(visitor)
    }

    scalars! { short_text: deserialize_str deserialize_string }

    scalars! {
        small_number:
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    scalars! {
        scalar:
        deserialize_f32 deserialize_f64 deserialize_char deserialize_bytes deserialize_byte_buf
        deserialize_unit
    }

    /// The name of a field: only compared, so whether it is UTF-8 is no matter.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        if let [marker @ 0xa0..=0xbf, rest @ ..] = self.input {
            self.input = rest;
            let name = self.take(usize::from(marker & 0x1f))?;
            return visitor.visit_borrowed_bytes(name);
        }
        self.scalar(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        if self.input.first() == Some(&0xc0) {
            self.input = &self.input[1..];
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Decoded<V::Value> {
        self.scalar(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Decoded<V::Value> {
        self.nested(|decoder| visitor.visit_newtype_struct(decoder))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        match self.head()? {
            Head::Array(left) => self.nested(|decoder| visitor.visit_seq(Items { decoder, left })),
            // A list of bytes may have been written as a byte string.
            Head::Bytes(length) => visitor.visit_borrowed_bytes(self.take(length)?),
            _ => Err(RecordError::new("a list was expected")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Decoded<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Decoded<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        match self.head()? {
            Head::Map(left) => self.nested(|decoder| visitor.visit_map(Items { decoder, left })),
            _ => Err(RecordError::new("fields by name were expected")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        match self.head()? {
            Head::Text(length) => {
                let name = self.text(length)?;
                visitor.visit_enum(BorrowedStrDeserializer::new(name))
            }
            Head::Map(1) => self.nested(|decoder| visitor.visit_enum(Variant { decoder })),
            _ => Err(RecordError::new("a variant by name was expected")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 }
}

/// The items of a list or map that are left.
struct Items<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = RecordError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Decoded<Option<T::Value>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        // An item takes a byte at least: what is claimed beyond that is not allocated for.
        Some(self.left.min(self.decoder.input.len()))
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = RecordError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Decoded<Option<K::Value>> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Decoded<V::Value> {
        seed.deserialize(&mut *self.decoder)
    }

    fn size_hint(&self) -> Option<usize> {
        SeqAccess::size_hint(self)
    }
}

/// A variant that holds something: a map of its name to that.
struct Variant<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = RecordError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Decoded<(V::Value, Self)> {
        Ok((seed.deserialize(&mut *self.decoder)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = RecordError;

    fn unit_variant(self) -> Decoded<()> {
        self.decoder.skip()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Decoded<T::Value> {
        seed.deserialize(self.decoder)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Decoded<V::Value> {
        self.decoder.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        self.decoder.deserialize_map(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use crate::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_written_is_read() {
        let mut volume = VolumeInfo::new(uuid::Uuid::new_v4(), "v", u64::MAX);
        volume.passphrase = Some(Secret::new("x".repeat(300)));
        volume.details.insert("k", "v".repeat(70_000));
        volume.quality_of_service.bytes_read = Rate::sustained(7);
        let snapshot = SnapshotInfo::new(uuid::Uuid::new_v4(), "s", volume.clone());
        for object in [DataObject::Volume(volume), DataObject::Snapshot(snapshot)] {
            let mut request = CreateRequest::new(object.clone());
            request.source = match object {
                DataObject::Volume(volume) => CreateSource::Volume(volume),
                _ => CreateSource::Blank,
            };
            assert_eq!(decode::<CreateRequest>(&encode(&request).unwrap()).unwrap(), request);
        }
        let many: Vec<u64> = (0..70_000).collect();
        assert_eq!(decode::<Vec<u64>>(&encode(&many).unwrap()).unwrap(), many);
        let value = json!({"a": [1, -1, -200, 1.5, null, true, "t"], "b": {"c": i64::MIN}});
        assert_eq!(decode::<Value>(&encode(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn unknown_fields_are_passed_over_and_missing_ones_get_their_default() {
        let later = json!({
            "name": "v", "size_bytes": 5, "later": {"deep": [[{"x": [1, 2]}], "y"]}, "id": 3,
        });
        let volume: VolumeInfo = decode(&encode(&later).unwrap()).unwrap();
        assert_eq!((volume.name.as_str(), volume.size_bytes, volume.id), ("v", 5, 3));
        assert_eq!(volume.format, ImageFormat::Raw);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let good = encode(&CreateRequest::new(VolumeInfo::new(uuid::Uuid::nil(), "v", 9))).unwrap();
        for cut in 0..good.len() {
            decode::<CreateRequest>(&good[..cut]).unwrap_err();
        }
        let mut seed = 0x9e37_79b9_u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut bytes = good.clone();
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] = (seed >> 24) as u8;
            decode::<CreateRequest>(&bytes).ok();
            decode::<Value>(&bytes).ok();
        }
        decode::<Value>(&vec![0x91; 1 << 20]).unwrap_err();
        decode::<Vec<u64>>(&[0xdd, 0xff, 0xff, 0xff, 0xff]).unwrap_err();
        decode::<DataStoreCapabilities>(&[0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1]).unwrap_err();
    }
}
