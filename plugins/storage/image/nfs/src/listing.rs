//! The objects of a store, page by page.

use crate::layout::File;
use crate::tree::{self, Entry};
use std::ops::ControlFlow;
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::files::Directory;
use storage_plugin_api::prelude::*;

/// How many objects a page has where the host leaves it to us.
const PAGE: usize = 1000;

/// The page that a request asks for. Folders before its marker are not opened.
pub(crate) fn page(store: &Directory, of: &ListObjectsRequest) -> Result<ObjectPage> {
    let limit = if of.limit == 0 { PAGE } else { of.limit as usize };
    let after = of.marker.as_deref().unwrap_or_default();
    let (mut objects, mut is_more) = (Vec::new(), false);
    tree::walk(store, after, |entry| {
        if let Some(object) = listed(entry) {
            is_more = objects.len() == limit;
            if is_more {
                return Ok(ControlFlow::Break(()));
            }
            objects.push(object);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let last = objects.last().map(|one| one.path.clone());
    let mut page = ObjectPage::new(objects);
    page.next_marker = last.filter(|_| is_more);
    Ok(page)
}

/// A file as an object. What is in the making is not there yet; what is nobody's is listed as
/// such.
fn listed(entry: &Entry<'_>) -> Option<ListedObject> {
    let mut object = ListedObject::new(entry.folder.path(entry.file));
    match &entry.kind {
        File::Object(name, format) => {
            object.uuid = Some(name.uuid);
            object.installation_id = Some(name.installation.clone());
            object.object_type = Some(entry.folder.kind);
            // Of any other format the size of the disk in it is not known by the file.
            let size = entry.look()?.size;
            object.size_bytes = (*format == ImageFormat::Raw).then_some(size);
        }
        File::Foreign => object.size_bytes = Some(entry.look()?.size),
        File::Unfinished(_) | File::Record => return None,
    }
    Some(object)
}
