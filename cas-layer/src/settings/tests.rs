mod documented;
mod read;
mod refused;
mod registries;
mod secrets;

use serde_json::{Value, json};

use super::{CasSettings, SettingsError, SettingsRegistry};
use crate::{CasConfig, CasConfigBuilder};

/// A key that can be used.
fn key() -> String {
    "q83v".repeat(22)
}

/// Settings that can be used.
fn good() -> Value {
    json!({
        "url": "https://cas.example.org/cas",
        "app_url": "https://app.example.org",
        "keys": [key()],
    })
}

/// `good()`, changed.
fn with(changes: &Value) -> Value {
    let mut settings = good();
    let (Some(all), Some(changes)) = (settings.as_object_mut(), changes.as_object()) else {
        panic!("two tables");
    };
    all.extend(changes.clone());
    settings
}

fn read(settings: &Value) -> Result<CasSettings, SettingsError> {
    CasSettings::read(settings.clone())
}

fn builder(settings: &Value) -> Result<CasConfigBuilder, SettingsError> {
    read(settings)?.builder(&SettingsRegistry::default())
}
