//! The objects of a store, page by page.

use crate::layout::{KINDS, Key, root};
use crate::s3::{Bucket, Listed};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::prelude::*;

/// How many objects a page has where the host leaves it to us.
const PAGE: usize = 1000;

/// The page that a request asks for. What lies elsewhere in the bucket is not looked at.
pub(crate) async fn page(bucket: &Bucket, of: &ListObjectsRequest) -> Result<ObjectPage> {
    let limit = if of.limit == 0 { PAGE } else { of.limit as usize };
    let marker = of.marker.as_deref().unwrap_or_default();
    let mut objects = Vec::new();
    for kind in KINDS {
        let prefix = root(kind);
        if marker > prefix && !marker.starts_with(prefix) {
            continue;
        }
        let mut after = if marker > prefix { marker.to_owned() } else { String::new() };
        loop {
            let page = bucket.list(prefix, &after, 1000).await?;
            for one in &page.objects {
                let Some(object) = listed(one) else {
                    continue;
                };
                if objects.len() == limit {
                    return Ok(of_more(objects));
                }
                objects.push(object);
            }
            match page.objects.last().filter(|_| page.is_more) {
                Some(last) => after.clone_from(&last.key),
                None => break,
            }
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
            object.uuid = Some(name.uuid);
            object.installation_id = Some(name.installation);
            object.object_type = Some(name.kind);
            // Of any other format the size of the disk in it is not known by its length.
            object.size_bytes = (format == ImageFormat::Raw).then_some(one.size);
        }
        Key::Foreign => object.size_bytes = Some(one.size),
        Key::Record(_) => return None,
    }
    Some(object)
}
