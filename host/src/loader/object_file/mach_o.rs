//! Reads a Mach-O shared library, alone or as one slice of a fat (universal) file.
//!
//! Exports are read from the symbol table, which keeps a library's global symbols also when it
//! is stripped. The invariant is that of ELF: nothing is read that is not inside the file.

use object::{
    Endianness, ReadRef,
    macho::{self, MachHeader32, MachHeader64},
    read::macho::{FatArch, LoadCommandData, MachHeader, MachOFatFile, Nlist, Section, Segment},
};

use super::{Architecture, Fault, Format, Host, ObjectFile, ROOT_SYMBOL, text_at};
use crate::loader::{
    metadata::{MACH_O_SECTION, ParseMetadataError, PluginMetadata, SIZE_LIMIT},
    refusal::RefusalCode,
};

type Header = MachHeader64<Endianness>;

/// Reads and checks a Mach-O file of `size` bytes that is not fat.
pub(super) fn read<'data, R: ReadRef<'data>>(
    data: R,
    size: u64,
    host: &Host,
) -> Result<ObjectFile, Fault> {
    read_slice(data, Slice { start: 0, size }, host)
}

/// Reads and checks the slice for this host of a fat file of `size` bytes.
pub(super) fn read_fat<'data, F: FatArch, R: ReadRef<'data>>(
    data: R,
    size: u64,
    host: &Host,
) -> Result<ObjectFile, Fault> {
    let fat = MachOFatFile::<F>::parse(data)?;
    let mut others = Vec::new();
    for arch in fat.arches() {
        let architecture = Architecture::of_mach_o(arch.cputype());
        if architecture == host.architecture {
            let (start, length) = arch.file_range();
            Fault::check_inside("slice for this machine", (start, length), size)?;
            return read_slice(data, Slice { start, size: length }, host);
        }
        others.push(architecture.to_string());
    }
    // Bounded: a damaged count lists thousands.
    others.truncate(8);
    let (others, host) = (others.join(", "), host.architecture);
    let why = format!("it was built for {others}, this host is {host}");
    Err(Fault::new(RefusalCode::WrongArchitecture, why))
}

/// Where in the file a library lies; its own offsets count from `start`.
#[derive(Clone, Copy)]
struct Slice {
    start: u64,
    size: u64,
}

impl Slice {
    /// Reads bytes of the slice; `what` names them.
    fn bytes<'data, R: ReadRef<'data>>(
        self,
        data: R,
        what: &str,
        (offset, length): (u64, u64),
    ) -> Result<&'data [u8], Fault> {
        Fault::check_inside(what, (offset, length), self.size)?;
        data.read_bytes_at(self.start + offset, length)
            .map_err(|()| Fault::malformed(format!("its {what} cannot be read")))
    }
}

fn read_slice<'data, R: ReadRef<'data>>(
    data: R,
    slice: Slice,
    host: &Host,
) -> Result<ObjectFile, Fault> {
    check_machine(data, slice, host)?;
    slice.bytes(data, "header", (0, size_of::<Header>() as u64))?;
    let header = Header::parse(data, slice.start)?;
    let endian = header.endian()?;
    if !matches!(header.filetype(endian), macho::MH_DYLIB | macho::MH_BUNDLE) {
        let why = "it is a Mach-O file, but not a shared library";
        return Err(Fault::new(RefusalCode::NotASharedLibrary, why));
    }
    let commands = (size_of::<Header>() as u64, header.sizeofcmds(endian).into());
    slice.bytes(data, "load commands", commands)?;
    let mut file = ObjectFile {
        format: Format::MachO,
        architecture: Architecture::of_mach_o(header.cputype(endian)),
        needed: Vec::new(),
        glibc: None,
        metadata: None,
        exports_root_module: false,
    };
    let mut commands = header.load_commands(endian, data, slice.start)?;
    while let Some(command) = commands.next()? {
        take_command(&mut file, command, endian, data, slice)?;
    }
    Ok(file)
}

/// Checks the machine by the header of 32 bits, whose fields are those of the other's start.
fn check_machine<'data, R: ReadRef<'data>>(
    data: R,
    slice: Slice,
    host: &Host,
) -> Result<(), Fault> {
    type Start = MachHeader32<Endianness>;
    slice.bytes(data, "header", (0, size_of::<Start>() as u64))?;
    let magic = slice.bytes(data, "header", (0, 4))?;
    let (bits, big) = match magic {
        [0xfe, 0xed, 0xfa, 0xce] => (32, true),
        [0xce, 0xfa, 0xed, 0xfe] => (32, false),
        [0xfe, 0xed, 0xfa, 0xcf] => (64, true),
        [0xcf, 0xfa, 0xed, 0xfe] => (64, false),
        _ => {
            return Err(Fault::malformed("its slice for this machine is not a Mach-O file"));
        }
    };
    let endian = if big { Endianness::Big } else { Endianness::Little };
    let start = data.read_at::<Start>(slice.start);
    let start = start.map_err(|()| Fault::malformed("its header cannot be read"))?;
    host.check(Architecture::of_mach_o(start.cputype(endian)), bits, big)?;
    if bits == 32 {
        return Err(Fault::malformed("libraries of 32 bits are not read in this format"));
    }
    Ok(())
}

fn take_command<'data, R: ReadRef<'data>>(
    file: &mut ObjectFile,
    command: LoadCommandData<'data, Endianness>,
    endian: Endianness,
    data: R,
    slice: Slice,
) -> Result<(), Fault> {
    if let Some((segment, sections)) = command.segment_64()? {
        Fault::check_inside("segment", segment.file_range(endian), slice.size)?;
        for section in segment.sections(endian, sections)? {
            if section.name() == MACH_O_SECTION.as_bytes() {
                file.metadata = Some(read_metadata(section, endian, data, slice)?);
            }
        }
    } else if let Some(dylib) = command.dylib()? {
        let name = command.string(endian, dylib.dylib.name)?;
        file.needed.push(String::from_utf8_lossy(name).into_owned());
    } else if let Some(table) = command.symtab()? {
        file.exports_root_module |= exports_root_module(table, endian, data, slice)?;
    }
    Ok(())
}

fn read_metadata<'data, R: ReadRef<'data>>(
    section: &macho::Section64<Endianness>,
    endian: Endianness,
    data: R,
    slice: Slice,
) -> Result<PluginMetadata, Fault> {
    let range = (section.offset(endian).into(), section.size(endian));
    if range.1 > SIZE_LIMIT {
        return Err(ParseMetadataError::TooLarge(range.1).into());
    }
    Ok(PluginMetadata::parse(slice.bytes(data, "metadata section", range)?)?)
}

fn exports_root_module<'data, R: ReadRef<'data>>(
    table: &macho::SymtabCommand<Endianness>,
    endian: Endianness,
    data: R,
    slice: Slice,
) -> Result<bool, Fault> {
    type Symbol = macho::Nlist64<Endianness>;
    let texts = (table.stroff.get(endian).into(), table.strsize.get(endian).into());
    let texts = slice.bytes(data, "table of names", texts)?;
    let count = table.nsyms.get(endian);
    let symbols = u64::from(count) * size_of::<Symbol>() as u64;
    let symbols = slice.bytes(data, "symbol table", (table.symoff.get(endian).into(), symbols))?;
    let symbols = object::pod::slice_from_all_bytes::<Symbol>(symbols)
        .map_err(|()| Fault::malformed("its symbol table cannot be read"))?;
    Ok(symbols.iter().any(|symbol| {
        let exported = symbol.is_definition()
            && symbol.n_type().contains(macho::N_EXT)
            && !symbol.n_type().contains(macho::N_PEXT);
        // Names of C bear one more underscore in this format.
        let name = || text_at(texts, symbol.n_strx(endian))?.strip_prefix(b"_");
        exported && name() == Some(ROOT_SYMBOL.as_bytes())
    }))
}
