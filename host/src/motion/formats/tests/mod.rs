//! Images made by hand: good ones, and those that were made to mislead.

mod corpus;
mod disks;
mod made;
mod mutated;
mod unpacking;

use super::{Image, ImageLimits, InspectError, RefusalCode, inspect};
use bytes::Bytes;
use storage_plugin_api::CallContext;
use uuid::Uuid;

const LIMITS: ImageLimits = ImageLimits { virtual_bytes: 1 << 40 };

fn call() -> CallContext {
    CallContext::new(Uuid::new_v4())
}

async fn look(image: Vec<u8>) -> Result<Image, InspectError> {
    inspect(&call(), &mut Bytes::from(image), &LIMITS).await
}

async fn taken(image: Vec<u8>) -> Image {
    look(image).await.unwrap()
}

/// Why an image is refused. Its line says something, and nothing in it can steer a terminal.
async fn refused(image: Vec<u8>) -> RefusalCode {
    let refused = look(image).await.unwrap_err();
    let refusal = refused.refusal().unwrap();
    let line = refusal.to_string();
    assert!(line.len() > 20 && !line.contains(char::is_control), "{line}");
    refusal.code()
}
