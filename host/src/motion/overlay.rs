//! What changed of an object, written over what was there before.
//!
//! What it is not: the check that the result is the object; whoever asks for this compares the two
//! afterwards, for a driver that names too little would make a copy of neither moment.

use super::digest::check_next;
use super::end::End;
use storage_plugin_api::{
    CallContext, DataObject, DataWriter, Extent, OpenWriterRequest, PluginError, PluginResult,
    WriteResult,
};

/// Writes some runs of an object of `size_bytes` onto another one, which was created before and
/// begins with the bytes of `base`, an object of its store. Progress is reported in bytes that are
/// moved.
///
/// # Errors
/// Those of either end's streams; `Corrupt` for runs that are not sorted or not within the object,
/// and where the source gives other than these bytes; `Cancelled`.
pub async fn overlay(
    call: &CallContext,
    source: &End<'_>,
    destination: &End<'_>,
    (base, size_bytes): (DataObject, u64),
    runs: &[Extent],
) -> PluginResult<WriteResult> {
    expect_sorted(runs, size_bytes)?;
    let total = runs.iter().map(|run| run.length).sum();
    call.report_progress(0, Some(total));
    let mut ask = OpenWriterRequest::new(destination.object.clone(), size_bytes);
    ask.base = Some(base);
    let opened = destination.driver.open_writer(call, destination.store, ask);
    let opened = destination.guarded(call, opened).await?;
    if opened.offset != 0 {
        return Err(PluginError::corrupt(format!(
            "a writer over a base wants to begin at {}",
            opened.offset
        )));
    }
    let mut to = Over { call, destination, writer: opened.writer, moved: 0, total };
    for run in runs {
        to.move_run(source, run).await?;
    }
    to.destination.guarded(call, to.writer.finish()).await
}

struct Over<'a> {
    call: &'a CallContext,
    destination: &'a End<'a>,
    writer: Box<dyn DataWriter>,
    moved: u64,
    total: u64,
}

impl Over<'_> {
    async fn move_run(&mut self, source: &End<'_>, run: &Extent) -> PluginResult<()> {
        let call = self.call;
        let mut reader = source.reader_at(call, run.offset, run.length).await?;
        let (mut at, end) = (run.offset, run.offset + run.length);
        while let Some(chunk) = source.next(call, reader.as_mut()).await? {
            if call.is_cancelled() {
                return Err(PluginError::cancelled(format!(
                    "cancelled after {} of {} changed bytes",
                    self.moved, self.total
                )));
            }
            check_next(&chunk, at)?;
            at += chunk.length();
            self.moved += chunk.length();
            self.destination.spend(call, &chunk).await?;
            self.destination.guarded(call, self.writer.write(chunk)).await?;
            call.report_progress(self.moved, Some(self.total));
        }
        if at != end {
            return Err(PluginError::corrupt(format!(
                "a reader of the bytes up to {end} ended at {at}"
            )));
        }
        Ok(())
    }
}

fn expect_sorted(runs: &[Extent], size_bytes: u64) -> PluginResult<()> {
    let mut at = 0;
    for run in runs {
        let end = run.offset.checked_add(run.length).filter(|end| *end <= size_bytes);
        match end {
            Some(end) if run.offset >= at && run.length > 0 => at = end,
            _ => {
                return Err(PluginError::corrupt(format!(
                    "a driver names {} changed bytes from {} on, after those up to {at}, of an \
                     object of {size_bytes}",
                    run.length, run.offset
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_in_order_and_within_the_object() {
        let sorted = |runs: &[(u64, u64)]| {
            let runs: Vec<_> = runs.iter().map(|(at, length)| Extent::new(*at, *length)).collect();
            expect_sorted(&runs, 100).is_ok()
        };
        assert!(sorted(&[]));
        assert!(sorted(&[(0, 10), (10, 5), (90, 10)]));
        assert!(!sorted(&[(0, 0)]));
        assert!(!sorted(&[(0, 10), (9, 5)]));
        assert!(!sorted(&[(91, 10)]));
        assert!(!sorted(&[(u64::MAX, 2)]));
    }
}
