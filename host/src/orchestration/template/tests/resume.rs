//! A download that was killed goes on where its token says, and counts only as a whole.

use crate::model::{ObjectInStore, ObjectInStoreState, Phase, Template};
use crate::orchestration::Started;
use crate::orchestration::template::{CreateTemplate, RegisterTemplate};
use crate::orchestration::tests::faults::Fault;
use crate::orchestration::tests::world::{Life, World, request};
use std::fs::File;
use std::io::Write as _;
use storage_plugin_api::ImageFormat;

const MIB: usize = 1 << 20;
const NAME: &str = "disk.raw";
/// The calls of a download: a place is made, a writer opened, then each mebibyte is written.
const SECOND_WRITE: usize = 3;

/// Three mebibytes that differ.
fn disk() -> Vec<u8> {
    [vec![1; MIB], vec![2; MIB], vec![3; MIB]].concat()
}

/// A host died after the first token of a download.
fn killed(world: &World, checksum: Option<String>) -> Started {
    let life = world.live();
    life.idle();
    life.image_store("i", life.zone());
    let wish = RegisterTemplate {
        template: CreateTemplate { name: NAME.to_owned(), ..CreateTemplate::default() },
        url: world.image(NAME, &disk()),
        format: ImageFormat::Raw,
        checksum,
        follow_redirects: false,
        zone: life.zone(),
    };
    world.faults.plan(SECOND_WRITE, Fault::DieBefore);
    let begun = life.run(life.orchestration.templates.register(&request(), wish)).unwrap();
    life.run(world.faults.died());
    let checkpoint = life.list::<ObjectInStore>().remove(0).checkpoint.unwrap();
    assert_eq!(checkpoint.token.offset, MIB as u64);
    life.die();
    world.faults.none();
    begun
}

fn checksum(bytes: &[u8]) -> String {
    format!("{{BLAKE3}}{}", blake3::hash(bytes).to_hex())
}

/// The source has other bytes at its beginning, and looks as before.
fn secretly_changed(world: &World) {
    let path = world.images.path().join(NAME);
    let modified = path.metadata().unwrap().modified().unwrap();
    let mut file = File::options().write(true).open(&path).unwrap();
    file.write_all(&vec![9; MIB]).unwrap();
    file.set_modified(modified).unwrap();
}

fn stored(world: &World, life: &Life) -> Vec<u8> {
    let one = life.list::<ObjectInStore>().remove(0);
    let bytes = world.memory.with_object(&one.path, |object| {
        let blocks = object.blocks.values().flat_map(|block| block.iter().copied());
        Ok(blocks.collect::<Vec<_>>())
    });
    bytes.unwrap()
}

#[test]
fn it_goes_on_at_its_token_and_its_source_is_read_only_from_there() {
    let world = World::new();
    // Nobody knows the checksum of the whole, who saw a part of it pass.
    let begun = killed(&world, Some(checksum(&disk())));
    secretly_changed(&world);
    let life = world.live();
    life.done(begun);
    assert!(stored(&world, &life) == disk());
    let one = life.list::<ObjectInStore>().remove(0);
    assert_eq!((one.state, one.checkpoint), (ObjectInStoreState::Ready, None));
    assert_eq!(one.digest, Some(checksum(&disk())));
    let writes = world.faults.calls().into_iter().filter(|call| *call == "write").count();
    assert_eq!(writes, 2);
    life.die();
}

#[test]
fn what_came_before_its_token_is_checked_with_the_rest() {
    let world = World::new();
    let begun = killed(&world, Some(checksum(&disk())));
    world.memory.with(|objects| {
        for object in objects.values_mut() {
            object.put(5, b"damaged");
        }
    });
    let life = world.live();
    let operation = life.rests(begun);
    assert_eq!(operation.phase, Phase::Undone);
    let one = life.list::<ObjectInStore>().remove(0);
    assert_eq!((one.state, one.checkpoint), (ObjectInStoreState::Failed, None));
    assert_eq!(one.note, operation.failure.map(|failure| failure.message));
    assert!(one.note.unwrap().contains(blake3::hash(&disk()).to_hex().as_str()));
    assert!(world.memory.with(|objects| objects.is_empty()));
    life.die();
}

#[test]
fn a_source_that_changed_meanwhile_is_downloaded_anew() {
    let world = World::new();
    let begun = killed(&world, None);
    let other = [vec![4; MIB], vec![5; 3 * MIB]].concat();
    world.image(NAME, &other);
    let life = world.live();
    life.done(begun);
    assert!(stored(&world, &life) == other);
    assert_eq!(life.list::<Template>().remove(0).size_bytes, other.len() as u64);
    life.die();
}
