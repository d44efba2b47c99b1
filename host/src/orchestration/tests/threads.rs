//! Many worlds at once: most of their time they wait, for the disk or for the next attempt.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

const THREADS: usize = 12;

/// Does a thing with each of many, and gives what came of it in their order.
///
/// # Panics
/// After the last one, with what every one said that failed.
pub(super) fn in_threads<T: Send, R: Send>(many: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let todo = Mutex::new(many.into_iter().enumerate());
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = todo.lock().unwrap().next();
                    let Some((number, one)) = next else {
                        return;
                    };
                    let result = catch_unwind(AssertUnwindSafe(|| work(one)));
                    let result = result.map_err(|panic| told_by(panic.as_ref()));
                    results.lock().unwrap().push((number, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(number, _)| *number);
    let (done, failed): (Vec<_>, Vec<_>) =
        results.into_iter().map(|(_, result)| result).partition(Result::is_ok);
    let failed: Vec<String> = failed.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    done.into_iter().filter_map(Result::ok).collect()
}

/// What a panic said.
pub(super) fn told_by(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
