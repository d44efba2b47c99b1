//! What only image stores do.

use super::super::failure::{Checked, Doing, ensure};
use super::super::scene::{Named, Scene};
use crate::{DeleteUrlRequest, ExtractUrlRequest};
use std::sync::Arc;

const HOUR_SECS: u64 = 3600;

pub(in super::super) async fn extract_url_is_made_and_ended(scene: Arc<Scene>) -> Checked {
    let object = scene.whole().await?;
    let request = ExtractUrlRequest::new(object.clone(), HOUR_SECS);
    let link = scene.create_entity_extract_url(request).await;
    let link = link.doing(format_args!("making a link to {}", Named(&object)))?;
    // The link itself is a secret: it is not shown.
    ensure(link.url.contains("://"), || {
        "a link for download: expected a URL, got something else".to_owned()
    })?;
    for time in ["once", "twice"] {
        let request = DeleteUrlRequest::new(object.clone(), link.url.clone());
        let ended = scene.delete_entity_extract_url(request).await;
        ended.doing(format_args!("ending the link {time}"))?;
    }
    scene.delete(&object).await
}
