//! The objects of a store, page by page.

use crate::layout::{Key, prefix};
use crate::s3::{Bucket, Listed};
use std::ops::ControlFlow;
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::install_path::KINDS;
use storage_plugin_api::prelude::*;

/// How many objects a page has where the host leaves it to us.
const PAGE: usize = 1000;

/// The page that a request asks for. What lies elsewhere in the bucket is not looked at.
pub(crate) async fn page(bucket: &Bucket, of: &ListObjectsRequest) -> Result<ObjectPage> {
    let limit = if of.limit == 0 { PAGE } else { of.limit as usize };
    let marker = of.marker.as_deref().unwrap_or_default();
    let mut objects = Vec::new();
    for kind in KINDS {
        let prefix = prefix(kind);
        if marker > prefix.as_str() && !marker.starts_with(&prefix) {
            continue;
        }
        let after = if marker > prefix.as_str() { marker } else { "" };
        let take = |one| match listed(&one) {
            Some(_) if objects.len() == limit => ControlFlow::Break(()),
            object => {
                objects.extend(object);
                ControlFlow::Continue(())
            }
        };
        if bucket.walk(&prefix, after, take).await?.is_some() {
            return Ok(of_more(objects));
        }
    }
    Ok(ObjectPage::new(objects))
}

fn of_more(objects: Vec<ListedObject>) -> ObjectPage {
    let last = objects.last().map(|one| one.path.clone());
    let mut page = ObjectPage::new(objects);
    page.next_marker = last;
    page
}

/// A key as an object. What is in the making is not there yet; what is nobody's is listed as such.
fn listed(one: &Listed) -> Option<ListedObject> {
    let mut object = ListedObject::new(one.key.as_str());
    match Key::parse(&one.key) {
        Key::Object(name, format) => {
            object.uuid = Some(name.name.uuid);
            object.installation_id = Some(name.name.installation);
            object.object_type = Some(name.folder.kind);
            // Of any other format the size of the disk in it is not known by its length.
            object.size_bytes = (format == ImageFormat::Raw).then_some(one.size);
        }
        Key::Foreign => object.size_bytes = Some(one.size),
        Key::Record(_) => return None,
    }
    Some(object)
}
