//! The engines that the suite runs on: each opens an empty repository.

use std::sync::Arc;

use crate::store::{Repository, Store};

mod sqlite {
    use super::super::suite::suite;

    suite!(super::open_sqlite);
}

fn open_sqlite() -> (tempfile::TempDir, Arc<dyn Repository>) {
    let directory = super::temporary();
    let repository = Store::open(directory.path()).unwrap().repository();
    (directory, repository)
}
