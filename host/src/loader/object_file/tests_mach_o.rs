//! Inspection of Mach-O files, on any machine: the libraries are put together by hand.

use super::{
    Architecture, Format, Host,
    fixture::{Bench, JSON, Random},
};
use crate::loader::{metadata::MAGIC, refusal::RefusalCode::*};

const ARM64: u32 = 0x0100_000c;
const X86_64: u32 = 0x0100_0007;
const POWERPC: u32 = 18;
const DYLIB: u32 = 6;
const EXECUTE: u32 = 2;

fn apple() -> Host {
    let (format, architecture) = (Format::MachO, Architecture::Aarch64);
    Host { format, architecture, bits: 64, big_endian: false, glibc: None }
}

/// A library: header, one segment with the metadata section, one dependency, the symbol table.
fn library(cpu: u32, file_type: u32, symbol: &str) -> Vec<u8> {
    let record = [MAGIC, JSON.as_bytes(), b"\0"].concat();
    let names = [b"\0_", symbol.as_bytes(), b"\0"].concat();
    let dependency = b"/usr/lib/libSystem.B.dylib\0\0\0\0\0\0";
    let (segment, load, table) = (72 + 80, 24 + dependency.len(), 24);
    let data = 32 + segment + load + table;
    let symbols = data + record.len();
    let total = symbols + 16 + names.len();
    let mut bytes = Vec::new();
    let words = |bytes: &mut Vec<u8>, words: &[usize]| {
        words.iter().for_each(|&word| bytes.extend((word as u32).to_le_bytes()));
    };
    let long = |bytes: &mut Vec<u8>, longs: &[usize]| {
        longs.iter().for_each(|&long| bytes.extend((long as u64).to_le_bytes()));
    };
    let name = |bytes: &mut Vec<u8>, name: &str| {
        let mut padded = [0; 16];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        bytes.extend(padded);
    };
    let commands = segment + load + table;
    words(&mut bytes, &[0xfeed_facf, cpu as usize, 0, file_type as usize, 3, commands, 0, 0]);
    words(&mut bytes, &[0x19, segment]);
    name(&mut bytes, "__DATA");
    long(&mut bytes, &[0, total, 0, total]);
    words(&mut bytes, &[3, 3, 1, 0]);
    name(&mut bytes, "__storage_plugin");
    name(&mut bytes, "__DATA");
    long(&mut bytes, &[data, record.len()]);
    words(&mut bytes, &[data, 0, 0, 0, 0, 0, 0, 0]);
    words(&mut bytes, &[0xc, load, 24, 0, 0, 0]);
    bytes.extend(dependency);
    words(&mut bytes, &[2, table, symbols, 1, symbols + 16, names.len()]);
    bytes.extend(&record);
    // One symbol, defined in section 1 and external.
    words(&mut bytes, &[1]);
    bytes.extend([0x0f, 1, 0, 0]);
    long(&mut bytes, &[0]);
    bytes.extend(&names);
    assert_eq!(bytes.len(), total);
    bytes
}

/// A universal file of libraries, each for its machine.
fn fat(slices: &[(u32, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let words = |bytes: &mut Vec<u8>, words: &[usize]| {
        words.iter().for_each(|&word| bytes.extend((word as u32).to_be_bytes()));
    };
    words(&mut bytes, &[0xcafe_babe, slices.len()]);
    let mut offset = 8 + 20 * slices.len();
    for (cpu, slice) in slices {
        words(&mut bytes, &[*cpu as usize, 0, offset, slice.len(), 0]);
        offset += slice.len();
    }
    slices.iter().for_each(|(_, slice)| bytes.extend(*slice));
    bytes
}

fn plugin(cpu: u32) -> Vec<u8> {
    library(cpu, DYLIB, super::ROOT_SYMBOL)
}

#[test]
fn library_is_read_and_is_a_plugin() {
    let bench = Bench::new();
    let file = bench.inspect(&plugin(ARM64), &apple()).unwrap();
    assert_eq!((file.format, file.architecture), (Format::MachO, Architecture::Aarch64));
    assert_eq!(file.needed, ["/usr/lib/libSystem.B.dylib"]);
    let metadata = file.check_plugin(&bench.path("libtried.so"), &apple()).unwrap();
    assert_eq!(metadata.crate_name, "storage-volume-fixture");
}

#[test]
fn universal_file_is_read_in_the_slice_for_this_machine() {
    let bench = Bench::new();
    let (other, own) = (library(X86_64, DYLIB, "other"), plugin(ARM64));
    let both = fat(&[(X86_64, &other), (ARM64, &own)]);
    let file = bench.inspect(&both, &apple()).unwrap();
    assert!(file.exports_root_module);
    assert_eq!(file.metadata.unwrap().version, "1.2.3");
    bench.refused(&both[..both.len() - 1], &apple(), Truncated, &["slice for this machine"]);
    let lacking = fat(&[(X86_64, &other), (POWERPC, &other)]);
    let texts = ["built for X86_64, machine 0x12, this host is AARCH64", "for AARCH64 (Mach-O"];
    bench.refused(&lacking, &apple(), WrongArchitecture, &texts);
    bench.refused(&fat(&[(ARM64, &other)]), &apple(), WrongArchitecture, &["built for X86_64"]);
    bench.refused(&fat(&[(ARM64, &[b'x'; 64])]), &apple(), Malformed, &["not a Mach-O file"]);
}

#[test]
fn library_for_another_machine_is_refused() {
    let bench = Bench::new();
    let texts = ["built for X86_64, this host is AARCH64"];
    bench.refused(&plugin(X86_64), &apple(), WrongArchitecture, &texts);
    let linux = Host { format: Format::Elf, ..apple() };
    let texts = ["Mach-O format, this host loads ELF"];
    bench.refused(&plugin(ARM64), &linux, WrongArchitecture, &texts);
    bench.refused(&fat(&[(ARM64, &plugin(ARM64))]), &linux, WrongArchitecture, &texts);
    let mut narrow = plugin(ARM64);
    narrow[0] = 0xce;
    bench.refused(&narrow, &apple(), WrongArchitecture, &["32-bit", "this host is 64-bit"]);
}

#[test]
fn executable_and_library_that_is_no_plugin_are_refused() {
    let bench = Bench::new();
    let program = library(ARM64, EXECUTE, super::ROOT_SYMBOL);
    bench.refused(&program, &apple(), NotASharedLibrary, &["not a shared library", "cdylib"]);
    let other = library(ARM64, DYLIB, "something_else");
    bench.refused(&other, &apple(), NoRootSymbol, &["does not export", "export_plugin!"]);
    let mut bare = plugin(ARM64);
    super::fixture::replace(&mut bare, b"__storage_plugin", b"__storage_nothin");
    bench.refused(&bare, &apple(), NoMetadata, &["built without export_plugin!"]);
}

#[test]
fn library_that_was_copied_in_part_is_refused() {
    let bench = Bench::new();
    let whole = plugin(ARM64);
    for length in [20, 31, 64, 200, whole.len() / 2, whole.len() - 1] {
        let has = format!("has only {length}");
        bench.refused(&whole[..length], &apple(), Truncated, &[&has, "then rename"]);
    }
}

#[test]
fn no_damage_makes_the_reader_panic() {
    let bench = Bench::new();
    let universal = fat(&[(X86_64, &plugin(X86_64)), (ARM64, &plugin(ARM64))]);
    let mut random = Random(7);
    for whole in [plugin(ARM64), universal] {
        for round in 0..500 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] = random.next() as u8;
            }
            if round % 5 == 0 {
                let start = 8 + random.below(bytes.len() - 8);
                let end = bytes.len();
                random.fill(&mut bytes, start..end);
            }
            if let Err(refusal) = bench.inspect(&bytes, &apple()) {
                assert!(refusal.what.contains("libtried.so"), "round {round}: {refusal}");
            }
        }
    }
}
