//! Machines: what a library was built for, and what this host is.
//!
//! One table relates the names of a machine in ELF, in Mach-O and in Rust. The invariant: a
//! library passes only if machine, word size and byte order all are the host's.

use std::{env::consts, fmt};

use object::{elf, macho};
use serde::{Serialize, Serializer};

use super::{fault::Fault, glibc};
use crate::loader::refusal::RefusalCode;

/// The format of an object file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// ELF: Linux and the BSDs.
    Elf,
    /// Mach-O: macOS.
    MachO,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elf => "ELF",
            Self::MachO => "Mach-O",
        })
    }
}

/// A machine that a library can be built for; shown in capitals, `AARCH64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit x86.
    X86,
    /// 32-bit Arm.
    Arm,
    /// RISC-V of either word size.
    Riscv,
    /// 64-bit PowerPC.
    PowerPc64,
    /// IBM Z.
    S390x,
    /// `LoongArch`.
    LoongArch,
    /// Another one, by its number in the format's own register.
    Other(u32),
}

/// A machine; its name; its names in Rust; its numbers in ELF and in Mach-O.
struct Known(Architecture, &'static str, &'static [&'static str], u16, Option<u32>);

const KNOWN: &[Known] = {
    use Architecture as A;
    const X86_64_MACH: u32 = macho::CPU_TYPE_X86_64.0;
    const ARM64_MACH: u32 = macho::CPU_TYPE_ARM64.0;
    &[
        Known(A::X86_64, "X86_64", &["x86_64"], elf::EM_X86_64.0, Some(X86_64_MACH)),
        Known(A::Aarch64, "AARCH64", &["aarch64"], elf::EM_AARCH64.0, Some(ARM64_MACH)),
        Known(A::X86, "X86", &["x86"], elf::EM_386.0, Some(macho::CPU_TYPE_X86.0)),
        Known(A::Arm, "ARM", &["arm"], elf::EM_ARM.0, Some(macho::CPU_TYPE_ARM.0)),
        Known(A::Riscv, "RISCV", &["riscv64", "riscv32"], elf::EM_RISCV.0, None),
        Known(A::PowerPc64, "POWERPC64", &["powerpc64"], elf::EM_PPC64.0, None),
        Known(A::S390x, "S390X", &["s390x"], elf::EM_S390.0, None),
        Known(A::LoongArch, "LOONGARCH", &["loongarch64"], elf::EM_LOONGARCH.0, None),
    ]
};

impl Architecture {
    pub(super) fn of_elf(machine: elf::Machine) -> Self {
        Self::find(|known| known.3 == machine.0).unwrap_or(Self::Other(machine.0.into()))
    }

    pub(super) fn of_mach_o(cpu: macho::CpuType) -> Self {
        Self::find(|known| known.4 == Some(cpu.0)).unwrap_or(Self::Other(cpu.0))
    }

    fn find(is_it: impl Fn(&Known) -> bool) -> Option<Self> {
        KNOWN.iter().find(|known| is_it(known)).map(|known| known.0)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, KNOWN.iter().find(|known| known.0 == *self)) {
            (_, Some(known)) => f.write_str(known.1),
            (Self::Other(number), None) => write!(f, "machine {number:#x}"),
            (other, None) => write!(f, "{other:?}"),
        }
    }
}

impl Serialize for Architecture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a library must have been built for to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The format of its libraries.
    pub format: Format,
    /// Its machine.
    pub architecture: Architecture,
    /// Its word size.
    pub bits: u32,
    /// Its byte order.
    pub big_endian: bool,
    /// The version of glibc it runs with; `None` if it runs without one, or it is not known: then
    /// the dynamic loader has to find out.
    pub glibc: Option<(u32, u32)>,
}

impl Host {
    /// The machine that this process runs on. Reads the C library's version once, then keeps it.
    pub fn this() -> Self {
        let architecture = Architecture::find(|known| known.2.contains(&consts::ARCH));
        Self {
            format: if cfg!(target_vendor = "apple") { Format::MachO } else { Format::Elf },
            architecture: architecture.unwrap_or(Architecture::Other(0)),
            bits: usize::BITS,
            big_endian: cfg!(target_endian = "big"),
            glibc: glibc::running(),
        }
    }

    /// Checks that a library was built for this host.
    pub(super) fn check(
        &self,
        architecture: Architecture,
        bits: u32,
        big_endian: bool,
    ) -> Result<(), Fault> {
        if (architecture, bits, big_endian) == (self.architecture, self.bits, self.big_endian) {
            return Ok(());
        }
        let shown = |architecture: Architecture, word: u32, big: bool| {
            let mut shown = architecture.to_string();
            if self.bits != bits {
                shown = format!("{word}-bit {shown}");
            }
            if self.big_endian != big_endian {
                shown = format!("{} {shown}", if big { "big-endian" } else { "little-endian" });
            }
            shown
        };
        let file = shown(architecture, bits, big_endian);
        let host = shown(self.architecture, self.bits, self.big_endian);
        let why = format!("it was built for {file}, this host is {host}");
        Err(Fault::new(RefusalCode::WrongArchitecture, why))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {}-bit)", self.architecture, self.format, self.bits)
    }
}
