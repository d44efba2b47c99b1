//! Images as qemu-img makes them: those that are taken come out as qemu-img itself reads them,
//! those that are not are refused for their reason.
//!
//! qemu-img is the judge here and nowhere else. There is a test only where the variable says that it
//! is there; where it is not set, this says what was left out:
//!
//! ```text
//! STORAGE_TESTS_IMAGES=1 cargo test -p tests --test images
//! ```

mod judge;

use crate::judge::Judge;
use libtest_mimic::{Arguments, Failed, Trial};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::ExitCode;
use storage_host::motion::formats::{
    Conversion, Image, ImageLimits, InspectError, Qcow2File, RefusalCode, ToRaw, inspect,
};
use storage_host::motion::{FileRead, HOLE_BYTES, RandomRead, chunks};
use storage_plugin_api::{Chunk, ImageFormat};
use tests::{OrFail, call, expect, is_set, leave_out, run};

/// Set to 1 by whoever knows that qemu-img is here.
const VARIABLE: &str = "STORAGE_TESTS_IMAGES";

/// Ways to write the same disk as qcow2.
const QCOW2: [&[&str]; 6] = [
    &[],
    &["-o", "compat=0.10"],
    &["-o", "cluster_size=4k"],
    &["-o", "cluster_size=2M,lazy_refcounts=on"],
    &["-c"],
    &["-c", "-o", "cluster_size=512k,compat=0.10"],
];

/// Formats that are taken as they are, with their options, and what they are.
const STORED: [(&str, &str, ImageFormat); 8] = [
    ("vmdk", "subformat=monolithicSparse", ImageFormat::Vmdk),
    ("vmdk", "subformat=streamOptimized", ImageFormat::Vmdk),
    ("vhdx", "subformat=dynamic", ImageFormat::Vhdx),
    ("vhdx", "subformat=fixed", ImageFormat::Vhdx),
    ("vpc", "subformat=dynamic,force_size=on", ImageFormat::Vhd),
    ("vpc", "subformat=fixed,force_size=on", ImageFormat::Vhd),
    ("vdi", "static=off", ImageFormat::Vdi),
    ("vdi", "static=on", ImageFormat::Vdi),
];

/// What `qemu-img create` makes that is never taken: format, arguments, reason. `$` is where.
const REFUSED: [(&str, &[&str], RefusalCode); 11] = [
    ("qcow2", &["-b", "$/disk.raw", "-F", "raw"], RefusalCode::BackingFile),
    ("qcow2", &["-o", "data_file=$/data"], RefusalCode::OtherFiles),
    ("qcow2", &["-o", "data_file=$/data,data_file_raw=on"], RefusalCode::OtherFiles),
    (
        "qcow2",
        &["--object", "secret,id=key,data=k", "-o", "encrypt.format=luks,encrypt.key-secret=key"],
        RefusalCode::Encrypted,
    ),
    (
        "luks",
        &["--object", "secret,id=key,data=k", "-o", "key-secret=key"],
        RefusalCode::ForeignFormat,
    ),
    ("vmdk", &["-o", "subformat=monolithicFlat"], RefusalCode::OtherFiles),
    ("vmdk", &["-o", "subformat=twoGbMaxExtentSparse"], RefusalCode::OtherFiles),
    ("vmdk", &["-o", "backing_file=$/parent.vmdk,backing_fmt=vmdk"], RefusalCode::BackingFile),
    ("qcow", &[], RefusalCode::ForeignFormat),
    ("qed", &[], RefusalCode::ForeignFormat),
    ("parallels", &[], RefusalCode::ForeignFormat),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !is_set(VARIABLE) {
        return leave_out(&arguments, &format!("images against qemu-img; set {VARIABLE}=1"));
    }
    let mut tests = vec![
        Trial::test("a_disk_written_as_qcow2_is_what_qemu_reads", || run(writes_qcow2())),
        Trial::test("a_snapshot_inside_does_no_harm", || run(has_snapshot())),
        Trial::test("features_that_no_library_reads_are_told", || run(tells_features())),
        Trial::test("an_image_that_is_cut_off_is_never_a_disk", || run(is_cut())),
    ];
    for options in QCOW2 {
        let name = format!("qcow2_{}_becomes_the_same_raw", named(&options.join("_")));
        tests.push(Trial::test(name, move || run(converts(options))));
    }
    for (format, options, image_format) in STORED {
        let name = format!("{format}_{}_is_taken", named(options));
        tests.push(Trial::test(name, move || run(is_taken(format, options, image_format))));
    }
    for (format, arguments, code) in REFUSED {
        let name = format!("{format}_{}_is_refused", named(&arguments.join("_")));
        tests.push(Trial::test(name, move || run(is_refused(format, arguments, code))));
    }
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// Options, as a part of a name.
fn named(options: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let text: String = options.chars().map(plain).collect();
    if text.is_empty() { "plain".to_owned() } else { text.trim_matches('_').to_owned() }
}

async fn look(path: &Path) -> (FileRead, Result<Image, InspectError>) {
    let file = File::open(path).or_fail("open an image");
    let mut source = FileRead::new(file).or_fail("read an image");
    let limits = ImageLimits { virtual_bytes: 1 << 40 };
    let image = inspect(&call(), &mut source, &limits).await;
    (source, image)
}

/// Writes the disk of an image as raw bytes, holes kept.
async fn to_raw(source: &mut dyn RandomRead, image: &Image, path: &Path) -> Result<(), Failed> {
    let raw = File::create_new(path).or_fail("create a file");
    raw.set_len(image.virtual_bytes).or_fail("size a file");
    let mut conversion = Conversion::new(source, image)?;
    while let Some(chunk) = conversion.next(&call()).await? {
        if let Chunk::Data { offset, bytes } = chunk {
            raw.write_all_at(&bytes, offset).or_fail("write a file");
        }
    }
    Ok(())
}

async fn converts(options: &[&str]) -> Result<(), Failed> {
    let judge = Judge::new();
    let image = judge.convert("qcow2", options);
    let (mut source, taken) = look(&image).await;
    let taken = taken?;
    taken.expect(ImageFormat::Qcow2)?;
    let raw = judge.file("again.raw");
    to_raw(&mut source, &taken, &raw).await?;
    judge.compare("raw", &raw)?;
    let (own, theirs) = (judge::blocks(&raw), judge::blocks(&judge.file("disk.raw")));
    // At both ends of each run of data a part of a block that could be a hole is none.
    let ends = 2 * judge::RUNS * (HOLE_BYTES as u64 / 512);
    expect(own <= theirs + ends, || format!("{own} blocks where the disk has {theirs}"))
}

async fn writes_qcow2() -> Result<(), Failed> {
    let judge = Judge::new();
    let disk = std::fs::read(judge.file("disk.raw")).or_fail("read a disk");
    let path = judge.file("written.qcow2");
    let file = File::options().read(true).write(true).create_new(true).open(&path);
    let mut written = Qcow2File::create(file.or_fail("create a file"), disk.len() as u64);
    for chunk in chunks(0, disk.into()) {
        written.write(chunk).await?;
    }
    written.finish().await?;
    judge.run(&["check", "-f", "qcow2", &path.display().to_string()])?;
    judge.compare("qcow2", &path)?;
    look(&path).await.1?.expect(ImageFormat::Qcow2)?;
    Ok(())
}

async fn has_snapshot() -> Result<(), Failed> {
    let judge = Judge::new();
    let image = judge.convert("qcow2", &[]);
    judge.run(&["snapshot", "-c", "before", &image.display().to_string()])?;
    let (mut source, taken) = look(&image).await;
    let raw = judge.file("again.raw");
    to_raw(&mut source, &taken?, &raw).await?;
    judge.compare("raw", &raw)
}

async fn tells_features() -> Result<(), Failed> {
    for (options, what) in [
        (&["-o", "extended_l2=on,cluster_size=128k"][..], "extended_l2"),
        (&["-c", "-o", "compression_type=zstd"], "zstd"),
    ] {
        let judge = Judge::new();
        let (_, taken) = look(&judge.convert("qcow2", options)).await;
        let told = matches!(&taken?.to_raw, ToRaw::Not(reason) if reason.contains(what));
        expect(told, || format!("{what} is not told"))?;
    }
    Ok(())
}

async fn is_cut() -> Result<(), Failed> {
    let judge = Judge::new();
    let path = judge.convert("qcow2", &[]);
    let file = File::options().write(true).open(&path).or_fail("open an image");
    let whole = file.metadata().or_fail("stat an image").len();
    for part in 1..8 {
        file.set_len(whole / 8 * (8 - part)).or_fail("cut an image");
        let (mut source, taken) = look(&path).await;
        let raw = judge.file(&format!("{part}.raw"));
        let read = match taken {
            Ok(taken) => to_raw(&mut source, &taken, &raw).await,
            Err(refused) => Err(refused.into()),
        };
        expect(read.is_err(), || format!("{part} eighths are missing, and nobody says so"))?;
    }
    Ok(())
}

async fn is_taken(format: &str, options: &str, expected: ImageFormat) -> Result<(), Failed> {
    let judge = Judge::new();
    let path = judge.convert(format, &["-o", options]);
    let (mut source, taken) = look(&path).await;
    let taken = taken?;
    taken.expect(expected)?;
    let size = judge.virtual_size(format, &path)?;
    expect(taken.virtual_bytes == size, || {
        format!("{} bytes of disk where qemu sees {size}", taken.virtual_bytes)
    })?;
    let raw = judge.file("again.raw");
    match &taken.to_raw {
        ToRaw::Not(_) => {
            let refused = Conversion::new(&mut source, &taken).is_err();
            expect(refused, || "a conversion that cannot be".to_owned())
        }
        _ => {
            to_raw(&mut source, &taken, &raw).await?;
            judge.compare("raw", &raw)
        }
    }
}

async fn is_refused(format: &str, arguments: &[&str], code: RefusalCode) -> Result<(), Failed> {
    let judge = Judge::new();
    let (_, refused) = look(&judge.create(format, arguments)?).await;
    let refused = refused.err().or_fail("it is taken");
    let found = refused.refusal().or_fail("it is not read").code();
    expect(found == code, || format!("refused as {found:?}, not {code:?}: {refused}"))
}
