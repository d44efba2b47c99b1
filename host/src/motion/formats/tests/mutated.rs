//! Images changed at random: taken or refused, and nothing worse.

use super::made::{
    CLUSTER, Cluster, DESCRIPTOR, VHDX_METADATA, iso, qcow2, tar, vdi, vhd_dynamic, vhdx, vmdk,
    vmdk_stream,
};
use super::{LIMITS, call};
use crate::motion::formats::{Conversion, Image, ImageLimits, ToRaw, inspect};
use bytes::Bytes;
use storage_plugin_api::PluginResult;
use tar::EntryType;

const ROUNDS: usize = 300;

/// The same every time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Changes up to four bytes: to anything, or to what breaks arithmetic.
    fn change(&mut self, image: &mut [u8], parts: &[(usize, usize)]) {
        for _ in 0..self.next() % 4 + 1 {
            let (from, to) = parts[self.next() as usize % parts.len()];
            let at = from + self.next() as usize % (to - from);
            let odd = [0, 1, 0x7f, 0x80, 0xff];
            let value = self.next();
            image[at] = match value % 2 {
                0 => odd[(value >> 8) as usize % odd.len()],
                _ => (value >> 8) as u8,
            };
        }
    }
}

#[tokio::test]
async fn no_change_of_a_header_does_worse_than_a_refusal() {
    let entries: &[_] =
        &[(EntryType::XHeader, "x", &b"9 a=b\xff\xff\n"[..]), (EntryType::Regular, "a", b"bytes")];
    for (image, parts) in [
        (vhd_dynamic(), vec![(0, 2048)]),
        (vhdx(), vec![(196_608, 196_704), (VHDX_METADATA, VHDX_METADATA + 96)]),
        (vmdk(DESCRIPTOR), vec![(0, 800)]),
        (vmdk_stream(), vec![(0, 800), (65_536, 66_048)]),
        (vdi(), vec![(64, 512)]),
        (iso(32), vec![(0x8000, 0x8100)]),
        (tar(entries), vec![(0, 1600)]),
    ] {
        let mut chance = Chance(0x9e37_79b9);
        for _ in 0..ROUNDS {
            let mut changed = image.clone();
            chance.change(&mut changed, &parts);
            // Taken or not: what counts is that there is an answer.
            inspect(&call(), &mut Bytes::from(changed), &LIMITS).await.ok();
        }
    }
}

#[tokio::test]
async fn no_change_of_a_table_does_worse_than_an_error() {
    // The whole disk is read: a small one keeps that quick.
    let limits = ImageLimits { virtual_bytes: 32 << 20 };
    let image =
        qcow2(3, &[(0, Cluster::Stored(vec![1; CLUSTER])), (1, Cluster::Packed(vec![2; CLUSTER]))]);
    let parts = [(0, 112), (3 * CLUSTER, 3 * CLUSTER + 8), (4 * CLUSTER, 4 * CLUSTER + 32)];
    let mut chance = Chance(0x9e37_79b9);
    let mut converted = 0;
    for _ in 0..ROUNDS {
        let mut changed = image.clone();
        chance.change(&mut changed, &parts);
        let mut source = Bytes::from(changed);
        let Ok(image) = inspect(&call(), &mut source, &limits).await else {
            continue;
        };
        if image.to_raw == ToRaw::Converted {
            converted += 1;
            if let Err(error) = read(&mut source, &image).await {
                assert!(!error.to_string().contains("panic"), "{error}");
            }
        }
    }
    // Or nothing was tried.
    assert!(converted > ROUNDS / 4, "{converted}");
}

async fn read(source: &mut Bytes, image: &Image) -> PluginResult<()> {
    let mut conversion = Conversion::new(source, image)?;
    let mut at = 0;
    while let Some(chunk) = conversion.next(&call()).await? {
        assert_eq!(chunk.offset(), at);
        at += chunk.length();
    }
    assert_eq!(at, image.virtual_bytes);
    Ok(())
}
