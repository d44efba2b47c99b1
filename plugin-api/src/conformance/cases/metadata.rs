//! Level 1: what a provider answers from memory.

use super::super::failure::{Checked, Doing, Failure, ensure, equal};
use super::super::scene::Scene;
use super::super::stage::Stage;
use crate::{DataStoreProviderType, Driver, ImageFormat, LifeCycle, ScopeType};
use std::collections::BTreeSet;
use std::sync::Arc;

const MAX_NAME_CHARACTERS: usize = 63;

/// The name is what stores are kept under, so it may not change.
pub(in super::super) async fn name_is_stable(stage: Arc<Stage>) -> Checked {
    let name = stage.provider.get_name();
    equal("the name after configure", stage.first_name.clone(), name.clone())?;
    equal("the name when asked again", name.clone(), stage.provider.get_name())?;
    ensure(!name.trim().is_empty(), || {
        format!("the name: expected some characters, got {name:?}")
    })?;
    let characters = name.chars().count();
    ensure(characters <= MAX_NAME_CHARACTERS, || {
        format!("the name: expected at most {MAX_NAME_CHARACTERS} characters, got {characters}")
    })?;
    ensure(!name.chars().any(char::is_control), || {
        format!("the name: expected printable characters, got {name:?}")
    })
}

pub(in super::super) async fn types_are_declared(stage: Arc<Stage>) -> Checked {
    let types = stage.provider.get_types();
    ensure(!types.is_empty(), || "the types: expected at least one, got none".to_owned())?;
    let different: BTreeSet<_> = types.iter().collect();
    ensure(different.len() == types.len(), || {
        format!("the types: expected none twice, got {types:?}")
    })?;
    ensure(!types.contains(&DataStoreProviderType::Unknown), || {
        "the types: expected words of the contract, got Unknown".to_owned()
    })
}

pub(in super::super) async fn some_scope_is_supported(stage: Arc<Stage>) -> Checked {
    let supported = ScopeType::ALL.iter().any(|scope| stage.provider.is_scope_supported(*scope));
    ensure(supported, || "the scopes: expected at least one that is supported, got none".to_owned())
}

pub(in super::super) async fn every_type_has_a_driver(stage: Arc<Stage>) -> Checked {
    if let Some(why) = stage.unconfigured.get() {
        return Err(Failure::new(why.clone()));
    }
    let types = stage.provider.get_types();
    for one in DataStoreProviderType::ALL {
        // The driver of object stores is not part of the contract yet.
        if *one == DataStoreProviderType::Object {
            continue;
        }
        let declared = types.contains(one);
        check_parts(&stage, *one, declared).doing(format_args!("type {one}"))?;
    }
    if stage.configured_before {
        return Ok(());
    }
    let mut registered = stage.host.registered();
    let mut expected = types;
    registered.sort();
    expected.sort();
    equal("the types registered by configure", expected, registered)
}

fn check_parts(stage: &Stage, one: DataStoreProviderType, declared: bool) -> Checked {
    let driver = stage.provider.get_data_store_driver(one);
    let life_cycle = stage.provider.get_data_store_life_cycle(one);
    equal("whether there is a driver", declared, driver.is_some())?;
    equal("whether there is a life cycle", declared, life_cycle.is_some())?;
    let is_primary = one == DataStoreProviderType::Primary;
    if let Some(driver) = driver {
        let primary = matches!(driver, Driver::Primary(_));
        equal("whether the driver is a primary one", is_primary, primary)?;
    }
    if let Some(life_cycle) = life_cycle {
        let primary = matches!(life_cycle, LifeCycle::Primary(_));
        equal("whether the life cycle is a primary one", is_primary, primary)?;
    }
    Ok(())
}

pub(in super::super) async fn limits_are_sensible(scene: Arc<Scene>) -> Checked {
    let can = scene.get_capabilities().await;
    let limits = can.doing("asking the driver what it can do")?.limits;
    let granularity = limits.size_granularity_bytes;
    ensure(granularity > 0, || "the granularity of sizes: expected at least 1, got 0".to_owned())?;
    ensure(limits.concurrent_calls > 0, || {
        "the concurrent calls: expected at least 1, got 0".to_owned()
    })?;
    ensure(limits.max_size_bytes > limits.min_size_bytes, || {
        format!(
            "the largest size: expected more than the smallest, {}, got {}",
            limits.min_size_bytes, limits.max_size_bytes
        )
    })?;
    ensure(limits.round_up(limits.min_size_bytes).is_some(), || {
        format!(
            "the smallest size: expected a multiple of {granularity} up to {}, got none",
            limits.max_size_bytes
        )
    })?;
    // A uuid takes 32, and something must tell installations apart.
    ensure(limits.name_bytes > 32, || {
        format!("the length of names: expected more than 32 bytes, got {}", limits.name_bytes)
    })
}

pub(in super::super) async fn primary_takes_raw(scene: Arc<Scene>) -> Checked {
    let can = scene.get_capabilities().await;
    let can = can.doing("asking the driver what it can do")?;
    ensure(can.takes(ImageFormat::Raw), || {
        format!("the formats: expected RAW among them, got {:?}", can.formats)
    })
}
