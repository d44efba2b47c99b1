//! Reads an ELF shared library: checks its tables, then takes what a plugin is judged by.
//!
//! Sections are followed, not the dynamic segment that the loader uses: a file copied in part
//! loses its section table first, since linkers place it last, and the metadata record is found
//! through it. The invariant: no table is read before it is known to lie inside the file.

use object::{
    Endianness, ReadRef, elf,
    read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym},
};

use super::{
    Architecture, Fault, Format, Host, ObjectFile, ROOT_SYMBOL, glibc::parse_version, text_at,
};
use crate::loader::{
    metadata::{ELF_SECTION, ParseMetadataError, PluginMetadata, SIZE_LIMIT},
    refusal::RefusalCode,
};

/// More needed libraries or versions than any linker writes: the table is damaged.
const ENTRY_LIMIT: usize = 4096;

/// A library whose tables are known to lie inside it.
struct Library<'data, H: FileHeader, R: ReadRef<'data>> {
    endian: Endianness,
    data: R,
    sections: SectionTable<'data, H, R>,
    /// The names of the sections.
    names: &'data [u8],
}

/// Reads and checks an ELF file of `size` bytes.
pub(super) fn read<'data, H, R>(data: R, size: u64, host: &Host) -> Result<ObjectFile, Fault>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    Fault::check_inside("header", (0, size_of::<H>() as u64), size)?;
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let architecture = Architecture::of_elf(header.e_machine(endian));
    let bits = if header.is_class_64() { 64 } else { 32 };
    host.check(architecture, bits, endian == Endianness::Big)?;
    check_type(header.e_type(endian))?;

    check_tables(header, endian, size)?;
    check_segments(header.program_headers(endian, data)?, endian, size)?;
    let library = Library::<H, R>::new(header, endian, data, size)?;
    let dynamic = library.dynamic()?;
    if dynamic.executable {
        return Err(executable("a position-independent executable"));
    }
    Ok(ObjectFile {
        format: Format::Elf,
        architecture,
        needed: dynamic.needed,
        glibc: library.newest_glibc()?,
        metadata: library.metadata()?,
        exports_root_module: library.exports_root_module()?,
    })
}

fn executable(what: &str) -> Fault {
    Fault::new(RefusalCode::NotASharedLibrary, format!("it is {what}, not a shared library"))
}

fn check_type(kind: elf::FileType) -> Result<(), Fault> {
    match kind {
        elf::ET_DYN => Ok(()),
        elf::ET_EXEC => Err(executable("an executable")),
        elf::ET_REL => Err(executable("an object file that was not linked")),
        elf::ET_CORE => Err(executable("a core dump")),
        other => Err(Fault::malformed(format!("its file type {} is not defined", other.0))),
    }
}

/// The two tables that the header names; the section table ends a file, so it goes first.
fn check_tables<H>(header: &H, endian: Endianness, size: u64) -> Result<(), Fault>
where
    H: FileHeader<Endian = Endianness>,
{
    let sections: u64 = header.e_shoff(endian).into();
    if sections == 0 {
        return Err(Fault::malformed("it has no section table: it was stripped of everything"));
    }
    let length = u64::from(header.e_shnum(endian)) * size_of::<H::SectionHeader>() as u64;
    Fault::check_inside("section table", (sections, length), size)?;
    let length = u64::from(header.e_phnum(endian)) * size_of::<H::ProgramHeader>() as u64;
    Fault::check_inside("program header table", (header.e_phoff(endian).into(), length), size)
}

/// What the loader would map must lie in the file, or touching it would raise SIGBUS.
fn check_segments<P>(segments: &[P], endian: Endianness, size: u64) -> Result<(), Fault>
where
    P: ProgramHeader<Endian = Endianness>,
{
    let (mut loads, mut dynamic) = (false, false);
    for segment in segments {
        match segment.p_type(endian) {
            elf::PT_NULL => continue,
            elf::PT_LOAD => loads = true,
            elf::PT_DYNAMIC => dynamic = true,
            _ => {}
        }
        let (offset, length) = segment.file_range(endian);
        Fault::check_inside("segment", (offset, length), size)?;
        if segment.p_type(endian) == elf::PT_LOAD && length > segment.p_memsz(endian).into() {
            return Err(Fault::malformed("one of its segments is larger in the file than loaded"));
        }
    }
    if loads && dynamic {
        return Ok(());
    }
    Err(Fault::malformed("it has nothing that a dynamic loader could load"))
}

/// What the dynamic section says.
struct Dynamic {
    needed: Vec<String>,
    executable: bool,
}

impl<'data, H, R> Library<'data, H, R>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    fn new(header: &'data H, endian: Endianness, data: R, size: u64) -> Result<Self, Fault> {
        let headers = header.section_headers(endian, data)?;
        for section in headers.iter().filter(|section| section.sh_type(endian) != elf::SHT_NULL) {
            if let Some(range) = section.file_range(endian) {
                Fault::check_inside("section", range, size)?;
            }
        }
        let sections = SectionTable::new(headers, header.section_strings(endian, data, headers)?);
        let mut library = Self { endian, data, sections, names: &[] };
        library.names = library.strings(header.section_strings_index(endian, data)?)?;
        Ok(library)
    }

    /// A whole string table; see [`text_at`].
    fn strings(&self, index: object::SectionIndex) -> Result<&'data [u8], Fault> {
        let section = self.sections.section(index)?;
        if section.sh_type(self.endian) != elf::SHT_STRTAB {
            return Err(Fault::malformed("it is damaged: a string table is of another type"));
        }
        Ok(section.data(self.endian, self.data)?)
    }

    fn dynamic(&self) -> Result<Dynamic, Fault> {
        let Some((entries, link)) = self.sections.dynamic(self.endian, self.data)? else {
            return Err(Fault::malformed("it has no dynamic section"));
        };
        let strings = self.strings(link)?;
        let mut dynamic = Dynamic { needed: Vec::new(), executable: false };
        let used = entries.iter().take_while(|entry| entry.tag(self.endian) != elf::DT_NULL);
        for entry in used {
            let value = entry.val(self.endian);
            match entry.tag(self.endian) {
                // Executables only: linkers mark them as such, and leave room for debuggers. An
                // interpreter is no sign: libraries that can also be run have one.
                elf::DT_FLAGS_1 if value & elf::DF_1_PIE.0 != 0 => dynamic.executable = true,
                elf::DT_DEBUG => dynamic.executable = true,
                elf::DT_NEEDED if dynamic.needed.len() < ENTRY_LIMIT => {
                    let name = u32::try_from(value).ok().and_then(|at| text_at(strings, at));
                    let name = name.ok_or_else(|| damaged("the name of a needed library"))?;
                    dynamic.needed.push(String::from_utf8_lossy(name).into_owned());
                }
                elf::DT_NEEDED => return Err(damaged("the list of needed libraries")),
                _ => {}
            }
        }
        Ok(dynamic)
    }

    /// The newest `GLIBC_x.y` that a needed symbol has. Weak needs are left out: the loader
    /// loads a library without them.
    fn newest_glibc(&self) -> Result<Option<(u32, u32)>, Fault> {
        let Some((mut files, link)) = self.sections.gnu_verneed(self.endian, self.data)? else {
            return Ok(None);
        };
        let strings = self.strings(link)?;
        let (mut newest, mut count) = (None, 0);
        while let Some((_, mut versions)) = files.next()? {
            while let Some(version) = versions.next()? {
                count += 1;
                let name = text_at(strings, version.vna_name.get(self.endian));
                let name = name.filter(|_| count <= ENTRY_LIMIT);
                let name = name.ok_or_else(|| damaged("the list of needed versions"))?;
                if !version.vna_flags.get(self.endian).contains(elf::VER_FLG_WEAK) {
                    newest = newest.max(name.strip_prefix(b"GLIBC_").and_then(parse_version));
                }
            }
        }
        Ok(newest)
    }

    fn metadata(&self) -> Result<Option<PluginMetadata>, Fault> {
        let named = |section: &&H::SectionHeader| {
            text_at(self.names, section.sh_name(self.endian)) == Some(ELF_SECTION.as_bytes())
        };
        let Some(section) = self.sections.iter().find(named) else {
            return Ok(None);
        };
        let size = section.sh_size(self.endian).into();
        if size > SIZE_LIMIT {
            return Err(ParseMetadataError::TooLarge(size).into());
        }
        Ok(Some(PluginMetadata::parse(section.data(self.endian, self.data)?)?))
    }

    fn exports_root_module(&self) -> Result<bool, Fault> {
        let symbols = self.sections.symbols(self.endian, self.data, elf::SHT_DYNSYM)?;
        if symbols.is_empty() {
            return Ok(false);
        }
        let strings = self.strings(symbols.string_section())?;
        Ok(symbols.iter().any(|symbol| {
            let exported = !symbol.is_undefined(self.endian)
                && matches!(symbol.st_bind(), elf::STB_GLOBAL | elf::STB_WEAK);
            exported
                && text_at(strings, symbol.st_name(self.endian)) == Some(ROOT_SYMBOL.as_bytes())
        }))
    }
}

fn damaged(what: &str) -> Fault {
    Fault::malformed(format!("it is damaged: {what} cannot be read"))
}
