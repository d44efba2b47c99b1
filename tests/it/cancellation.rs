//! Calls that are given up, by their caller or by the clock, in either skin.

use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{CallContext, CreateRequest, PluginErrorKind};
use tests::{Plugin, Skin, eventually, store, volume};

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_call_drops_the_plugins_future() {
    for skin in Skin::BOTH {
        let plugin = Arc::new(Plugin::fault(skin).await);
        let calling = {
            let plugin = Arc::clone(&plugin);
            tokio::spawn(async move { plugin.create("hang").await })
        };
        eventually("it began", || plugin.traced("hang began").then_some(()));
        assert!(!plugin.traced("hang dropped"), "{skin:?}");
        calling.abort();
        eventually("it was dropped", || plugin.traced("hang dropped").then_some(()));
        plugin.create("any").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_progress_is_given_up_after_its_window() {
    for skin in Skin::BOTH {
        let plugin = Plugin::fault(skin).await;
        let (started, window) = (Instant::now(), Duration::from_millis(300));
        let error = plugin.create_within("hang", window).await.unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::Timeout, "{skin:?}: {error}");
        assert_eq!(error.operation(), Some("create_async"), "{skin:?}: {error}");
        assert!(error.is_retryable(), "{skin:?}: {error}");
        assert!(started.elapsed() >= window, "{skin:?}: {:?}", started.elapsed());
        eventually("it was dropped", || plugin.traced("hang dropped").then_some(()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_makes_progress_may_take_longer_than_its_window() {
    for skin in Skin::BOTH {
        let plugin = Plugin::fault(skin).await;
        let call = CallContext::new(Uuid::new_v4()).no_progress_window(Duration::from_secs(2));
        let started = Instant::now();
        let request = CreateRequest::new(volume("slow-with-progress", 1 << 20));
        plugin.driver().create_async(&call, &store(), request).await.unwrap();
        assert!(started.elapsed() > Duration::from_millis(3900), "{:?}", started.elapsed());
        assert!(call.progress().reports > 1, "{skin:?}: {:?}", call.progress());
        assert_eq!(call.progress().total_bytes, Some(80), "{skin:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_given_up_may_take_effect_and_describe_tells_the_truth() {
    for skin in Skin::BOTH {
        let plugin = Plugin::fault(skin).await;
        let driver = plugin.driver();
        let object = volume("late", 1 << 20);
        let call = CallContext::new(Uuid::new_v4());
        let patient = call.clone().no_progress_window(Duration::from_millis(300));
        let request = CreateRequest::new(object.clone());
        let error = driver.create_async(&patient, &store(), request).await.unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::Timeout, "{skin:?}: {error}");
        eventually("it takes effect", || plugin.traced("late is done").then_some(()));
        let call = CallContext::new(Uuid::new_v4());
        let found = driver.describe(&call, &store(), object).await.unwrap();
        assert!(found.present, "{skin:?}");
    }
}
