//! What every engine must do, as cases over `&dyn Repository`.
//!
//! WHEN CHANGING THIS: a case runs only when it is named in the macro `suite`.

mod capacity;
mod claims;
mod closing;
mod details;
mod epoch;
mod events;
mod operations;
mod rows;
mod transactions;

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use super::{PLUGIN, get, own, set};
pub(crate) use {
    capacity::*, claims::*, closing::*, details::*, epoch::*, events::*, operations::*, rows::*,
    transactions::*,
};

/// One test of each case, on the repository that a function opens.
macro_rules! suite {
    ($open:path) => {
        suite!(
            $open:
            a_kept_value_is_returned,
            a_value_replaces_the_one_before,
            what_was_never_kept_is_not_there,
            a_removed_value_is_gone,
            removing_what_is_not_there_succeeds,
            a_list_has_the_values_of_its_owner_only,
            a_plugin_sees_its_own_values_only,
            every_kind_of_owner_has_its_own_values,
            a_value_at_the_limit_is_kept_and_a_larger_one_refused,
            any_text_is_a_key,
            what_is_no_key_is_refused,
            changes_made_at_once_all_last,
            calls_need_no_runtime,
            the_installation_has_an_id,
            a_new_record_is_found_by_its_uuid_and_its_number,
            a_record_that_may_hold_secrets_comes_back,
            numbers_count_by_kind_and_are_never_used_again,
            a_taken_uuid_is_refused,
            an_update_is_found_and_counts_the_version,
            a_sealed_record_is_updated_under_its_seal,
            an_update_of_what_changed_since_is_refused,
            an_update_of_what_is_gone_is_refused,
            of_two_updates_at_once_one_is_made,
            a_removed_record_stays_as_proof,
            a_forgotten_record_was_never_there,
            a_list_has_what_its_filter_asks_for,
            a_body_that_is_no_json_fails_before_anything_is_done,
            no_changes_are_made_at_once,
            what_is_expected_is_asked,
            an_owner_is_asked_for_what_belongs_to_it,
            a_name_is_had_once_where_it_counts,
            changes_take_effect_in_their_order,
            a_refusal_leaves_nothing_of_its_list,
            a_refusal_harms_no_neighbour,
            a_name_has_one_holder_at_a_time,
            a_name_is_given_back_by_its_holder_only,
            claims_are_listed_by_name,
            of_many_claims_at_once_one_wins,
            promises_add_up_to_the_limit,
            a_promise_ends_once,
            promises_above_a_lowered_limit_stay,
            bytes_beyond_all_numbers_do_no_harm,
            no_promise_is_lost_or_made_twice,
            promises_made_at_once_stay_below_the_limit,
            a_number_that_is_none_is_an_error,
            an_operation_comes_back_as_it_is_now,
            an_operation_is_begun_once,
            an_operation_belongs_to_the_highest_epoch,
            operations_that_do_not_rest_are_listed,
            a_list_of_operations_has_what_is_asked_for,
            an_event_comes_back_with_its_number,
            a_list_of_events_has_what_is_asked_for,
            the_numbers_of_events_have_no_gap,
            the_epoch_is_raised_and_never_lowered,
            an_epoch_that_cannot_be_is_refused,
            a_closed_repository_refuses_every_call,
        );
    };
    ($open:path: $($case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let (_directory, repository) = $open();
                $crate::store::tests::suite::$case(&*repository).await;
            }
        )+
    };
}
pub(super) use suite;

/// Polls on this thread, with no runtime around.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Polls all at once, so that the engine has them together.
async fn join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(move |context| {
        let mut ready = true;
        for (future, output) in &mut futures {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => ready = false,
                }
            }
        }
        match ready {
            true => {
                Poll::Ready(futures.iter_mut().filter_map(|(_, output)| output.take()).collect())
            }
            false => Poll::Pending,
        }
    })
    .await
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        // Knuth's generator; its lower bits repeat soon.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}
