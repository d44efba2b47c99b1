//! Uploads and downloads where answers are lost and bytes arrive altered.

use super::stub::{Asked, answer, is, refusing, server};
use super::*;
use std::collections::HashMap;
use storage_plugin_api::PluginErrorKind as Kind;
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::tokio;

const MIB: u64 = 1 << 20;

/// A plan whose object bears a mark.
fn plan(size: u64) -> UploadPlan {
    let mut plan = UploadPlan::new("object", size);
    (plan.part_bytes, plan.in_flight) = (MIB, 1);
    plan.metadata = HashMap::from([("attempt".to_owned(), "this".to_owned())]);
    plan
}

/// What a server says of an object of so many bytes.
fn head_of(size: u64, attempt: &str) -> Option<String> {
    let headers =
        format!("content-length: {size}\r\netag: \"tag\"\r\nx-amz-meta-attempt: {attempt}\r\n");
    answer("200 OK", &headers, "")
}

fn lines(asked: &Asked) -> Vec<(String, usize)> {
    let method = |line: &str| line.split(' ').next().unwrap().to_owned();
    asked.lock().unwrap().iter().map(|(line, body)| (method(line), *body)).collect()
}

#[tokio::test]
async fn one_request_whose_answer_is_lost_is_found_to_have_arrived() {
    let (bucket, asked) = server(|head| if is(head, "HEAD") { head_of(3, "this") } else { None });
    let mut upload = Upload::begin(bucket, plan(3)).await.unwrap();
    upload.write(Bytes::from("abc")).await.unwrap();
    let finished = upload.complete().await.unwrap();
    assert_eq!((finished.size, finished.tag.as_str()), (3, "\"tag\""));
    assert_eq!(lines(&asked), [("PUT".to_owned(), 3), ("HEAD".to_owned(), 0)]);
}

#[tokio::test]
async fn one_request_that_failed_sends_the_same_bytes_again() {
    // What is there is somebody else's.
    let (bucket, asked) = server(|head| if is(head, "HEAD") { head_of(3, "other") } else { None });
    let mut upload = Upload::begin(bucket, plan(3)).await.unwrap();
    upload.write(Bytes::from("abc")).await.unwrap();
    let digest = upload.prepare().await.unwrap();
    for _ in 0..2 {
        let failed = upload.complete().await.unwrap_err();
        assert_eq!(failed.kind(), Kind::Unavailable, "{failed}");
    }
    assert_eq!(upload.prepare().await.unwrap(), digest);
    let puts: Vec<_> = lines(&asked).into_iter().filter(|(method, _)| method == "PUT").collect();
    assert_eq!(puts, [("PUT".to_owned(), 3), ("PUT".to_owned(), 3)]);
}

#[tokio::test]
async fn an_object_of_which_other_bytes_arrived_does_not_stay() {
    let (bucket, asked) = server(|head| match is(head, "PUT") {
        true => answer("200 OK", "etag: \"00000000000000000000000000000000\"\r\n", ""),
        false => head_of(3, "this"),
    });
    let mut upload = Upload::begin(bucket, plan(3)).await.unwrap();
    upload.write(Bytes::from("abc")).await.unwrap();
    let failed = upload.complete().await.unwrap_err();
    assert_eq!(failed.kind(), Kind::Corrupt, "{failed}");
    let methods: Vec<_> = lines(&asked).into_iter().map(|(method, _)| method).collect();
    assert_eq!(methods, ["PUT", "HEAD", "DELETE"]);
}

#[tokio::test]
async fn an_upload_of_which_a_part_failed_ends_instead_of_waiting_for_ever() {
    let (bucket, _) = refusing();
    let mut upload = Upload::begin(bucket, plan(4 * MIB)).await.unwrap();
    let mut errors = Vec::new();
    for _ in 0..4 {
        let written = upload.write(Bytes::from(vec![1; MIB as usize])).await;
        errors.extend(written.err().map(|error| error.kind()));
    }
    assert!(errors.starts_with(&[Kind::PermissionDenied, Kind::Conflict]), "{errors:?}");
    upload.abort().await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_sent_leaves_no_upload() {
    let (bucket, asked) = refusing();
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(4 * MIB).unwrap();
    let failed = bucket.put_file(file.path(), plan(4 * MIB)).await.unwrap_err();
    assert_eq!(failed.kind(), Kind::PermissionDenied, "{failed}");
    let ended = lines(&asked).into_iter().filter(|(method, _)| method == "DELETE").count();
    assert_eq!(ended, 1, "{asked:?}");
}
