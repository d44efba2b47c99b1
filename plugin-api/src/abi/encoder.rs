//! Writes records as MessagePack, structs as maps with field names.
//!
//! What rmp-serde writes, byte for byte, in two thirds of the time: it knows that it writes into
//! memory, so nothing can fail on the way, and a field's name is a constant, so the compiler lays
//! its copy out.
//!
//! **Invariant:** what this writes, `decoder` and any other MessagePack reader read.

use super::codec::RecordError;
use serde::ser::{self, Serialize, Serializer};

type Encoded<T> = Result<T, RecordError>;

/// Writes values behind each other.
pub struct Encoder {
    output: Vec<u8>,
}

impl Encoder {
    pub fn with_capacity(bytes: usize) -> Self {
        Self { output: Vec::with_capacity(bytes) }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.output
    }

    /// A marker with a number behind it, big end first.
    #[inline]
    fn put<const N: usize>(&mut self, marker: u8, number: [u8; N]) {
        self.output.reserve(1 + N);
        self.output.push(marker);
        self.output.extend_from_slice(&number);
    }

    /// Never longer than it must be: most numbers of a record are small.
    #[inline]
    fn unsigned(&mut self, value: u64) {
        if value < 0x80 {
            self.output.push(value as u8);
        } else if let Ok(value) = u8::try_from(value) {
            self.put(0xcc, [value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.put(0xcd, value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.put(0xce, value.to_be_bytes());
        } else {
            self.put(0xcf, value.to_be_bytes());
        }
    }

    fn signed(&mut self, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            self.unsigned(value);
        } else if value >= -0x20 {
            self.output.push(value as u8);
        } else if let Ok(value) = i8::try_from(value) {
            self.put(0xd0, value.to_be_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.put(0xd1, value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.put(0xd2, value.to_be_bytes());
        } else {
            self.put(0xd3, value.to_be_bytes());
        }
    }

    /// The head of a text, bytes or a collection: `short` holds lengths below `limit` in itself;
    /// behind `long` come two bytes of length, behind the marker after it four.
    #[inline]
    fn head(&mut self, length: usize, short: u8, limit: usize, long: u8) {
        if length < limit {
            self.output.push(short | length as u8);
        } else if let Ok(length) = u16::try_from(length) {
            self.put(long, length.to_be_bytes());
        } else {
            self.put(long + 1, long_length(length));
        }
    }

    #[inline]
    fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(length @ 0x20..) => self.put(0xd9, [length]),
            _ => self.head(text.len(), 0xa0, 0x20, 0xda),
        }
        self.output.extend_from_slice(text.as_bytes());
    }

    /// The name of a field: a constant, so that marker and copy are one or two instructions where
    /// this is inlined.
    #[inline(always)]
    fn name(&mut self, name: &'static str) {
        match name.len() {
            length @ ..0x20 => {
                self.output.reserve(1 + length);
                self.output.push(0xa0 | length as u8);
                self.output.extend_from_slice(name.as_bytes());
            }
            _ => self.text(name),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        match u8::try_from(bytes.len()) {
            Ok(length) => self.put(0xc4, [length]),
            Err(_) => self.head(bytes.len(), 0, 0, 0xc5),
        }
        self.output.extend_from_slice(bytes);
    }

    #[inline]
    fn array(&mut self, length: usize) {
        self.head(length, 0x90, 0x10, 0xdc);
    }

    #[inline]
    fn map(&mut self, length: usize) {
        self.head(length, 0x80, 0x10, 0xde);
    }

    /// A variant that holds something: a map of its name to that.
    #[inline]
    fn variant(&mut self, name: &'static str) {
        self.map(1);
        self.text(name);
    }
}

/// No record of ours is four gigabytes long; one that were would be refused by its reader.
fn long_length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

fn no_length() -> RecordError {
    RecordError::new("a collection that does not know its length cannot be written")
}

macro_rules! numbers {
    ($( $method:ident($type:ty) as $kind:ident; )*) => { $(
        #[inline]
        fn $method(self, value: $type) -> Encoded<()> {
            self.$kind(value.into());
            Ok(())
        }
    )* };
}

impl Serializer for &mut Encoder {
    type Ok = ();
    type Error = RecordError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn is_human_readable(&self) -> bool {
        false
    }

    numbers! {
        serialize_i8(i8) as signed;
        serialize_i16(i16) as signed;
        serialize_i32(i32) as signed;
        serialize_i64(i64) as signed;
        serialize_u8(u8) as unsigned;
        serialize_u16(u16) as unsigned;
        serialize_u32(u32) as unsigned;
        serialize_u64(u64) as unsigned;
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Encoded<()> {
        self.output.push(0xc2 | u8::from(value));
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Encoded<()> {
        self.put(0xca, value.to_be_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Encoded<()> {
        self.put(0xcb, value.to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Encoded<()> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Encoded<()> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Encoded<()> {
        self.bytes(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Encoded<()> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Encoded<()> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Encoded<()> {
        self.output.push(0xc0);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Encoded<()> {
        self.array(0);
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Encoded<()> {
        self.text(name);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Encoded<()> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Encoded<()> {
        self.variant(name);
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Encoded<Self> {
        self.array(length.ok_or_else(no_length)?);
        Ok(self)
    }

    fn serialize_tuple(self, length: usize) -> Encoded<Self> {
        self.array(length);
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Encoded<Self> {
        self.array(length);
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        length: usize,
    ) -> Encoded<Self> {
        self.variant(name);
        self.array(length);
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Encoded<Self> {
        self.map(length.ok_or_else(no_length)?);
        Ok(self)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, length: usize) -> Encoded<Self> {
        self.map(length);
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        length: usize,
    ) -> Encoded<Self> {
        self.variant(name);
        self.map(length);
        Ok(self)
    }
}

/// Lists of any kind: their items stand behind each other.
macro_rules! items {
    ($( $trait:ident $method:ident; )*) => { $(
        impl ser::$trait for &mut Encoder {
            type Ok = ();
            type Error = RecordError;

            #[inline]
            fn $method<T: ?Sized + Serialize>(&mut self, item: &T) -> Encoded<()> {
                item.serialize(&mut **self)
            }

            #[inline]
            fn end(self) -> Encoded<()> {
                Ok(())
            }
        }
    )* };
}

items! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// Fields: each name is followed by its value.
macro_rules! fields {
    ($( $trait:ident; )*) => { $(
        impl ser::$trait for &mut Encoder {
            type Ok = ();
            type Error = RecordError;

            #[inline]
            fn serialize_field<T: ?Sized + Serialize>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Encoded<()> {
                self.name(name);
                value.serialize(&mut **self)
            }

            #[inline]
            fn end(self) -> Encoded<()> {
                Ok(())
            }
        }
    )* };
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for &mut Encoder {
    type Ok = ();
    type Error = RecordError;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Encoded<()> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Encoded<()> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Encoded<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::{decode, encode, encode_answer};
    use crate::*;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn theirs<T: Serialize>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map()).unwrap();
        bytes
    }

    /// Both write the same bytes, and both read them.
    fn agree<T>(value: &T)
    where
        T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug,
    {
        let ours = encode(value).unwrap();
        assert_eq!(ours, theirs(value), "{value:?}");
        assert_eq!(&rmp_serde::from_slice::<T>(&ours).unwrap(), value);
        assert_eq!(&decode::<T>(&ours).unwrap(), value);
    }

    #[test]
    fn numbers_are_those_of_rmp_serde() {
        for shift in 0..64 {
            for value in [1_u64 << shift, (1 << shift) - 1, (1 << shift) + 1, !(1 << shift)] {
                agree(&value);
                agree(&(value as i64));
                agree(&(value as i64).wrapping_neg());
                agree(&(value as u8, value as u16, value as u32));
                agree(&(value as i8, value as i16, value as i32));
            }
        }
        agree(&(1.5_f32, -1.5_f64, true, false, 'ä', Some(7_u8), None::<u8>, (3, ())));
    }

    #[test]
    fn texts_and_collections_of_every_length_are_those_of_rmp_serde() {
        for length in [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
            agree(&"x".repeat(length));
            agree(&vec![3_u16; length]);
            agree(&(0..length as u32).map(|key| (key, ())).collect::<BTreeMap<_, _>>());
            agree(&CheckpointToken::new(9, vec![7; length]));
        }
    }

    #[test]
    fn an_answer_is_encoded_like_any_record() {
        for yes in [true, false] {
            assert_eq!(encode_answer(&yes).unwrap().as_ref(), theirs(&yes));
        }
        assert_eq!(encode_answer(&7_u64).unwrap().as_ref(), theirs(&7_u64));
        assert!(encode_answer(&()).unwrap().as_ref().is_empty());
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair(u8, String);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(i32);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Unit,
        Newtype(u8),
        Tuple(u8, u8),
        Struct { a: u8, b: Option<u8> },
    }

    #[test]
    fn every_shape_is_that_of_rmp_serde() {
        agree(&vec![
            Shape::Unit,
            Shape::Newtype(1),
            Shape::Tuple(1, 200),
            Shape::Struct { a: 1, b: None },
        ]);
        agree(&(Pair(1, "p".to_owned()), Wrapped(-70_000)));
        agree::<Value>(&json!({"a": [1, -1, 1.5, null, true, "t"], "b": {"c": i64::MIN}}));
    }

    #[test]
    fn records_are_those_of_rmp_serde() {
        let mut volume = VolumeInfo::new(uuid::Uuid::new_v4(), "v", u64::MAX);
        volume.passphrase = Some(Secret::new("x".repeat(300)));
        volume.details.insert("k", "v".repeat(70_000));
        volume.quality_of_service.bytes_read = Rate::sustained(7);
        let snapshot = SnapshotInfo::new(uuid::Uuid::new_v4(), "s", volume.clone());
        let mut request = CreateRequest::new(snapshot);
        request.source = CreateSource::Volume(volume);
        agree(&request);
        let mut store = DataStore::new(uuid::Uuid::new_v4(), DataStoreRole::Primary);
        store.details.insert("endpoint", "e");
        agree(&store);
        agree(&DataStoreCapabilities::raw_only());
    }
}
