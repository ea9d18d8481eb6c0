//! Files that settings name.

use std::{fs, path::Path};

use zeroize::Zeroizing;

use super::error::SettingsError;
use crate::session::Key;

/// Keys, one in base64 a line. Blank lines do not count.
pub(super) fn keys(key: &str, path: &Path) -> Result<Vec<Key>, SettingsError> {
    let bytes = Zeroizing::new(read(key, path)?);
    let wrong = |what: String| SettingsError::new(key, format!("{what} {}", path.display()));
    let mut keys = Vec::new();
    for (line, number) in bytes.split(|&byte| byte == b'\n').zip(1..) {
        let text = str::from_utf8(line).unwrap_or("is not base64").trim();
        if text.is_empty() {
            continue;
        }
        let read = Key::from_base64(text)
            .map_err(|error| wrong(format!("{error}: line {number} of the key file")))?;
        keys.push(read);
    }
    if keys.is_empty() {
        return Err(wrong("there is no key in the file".to_owned()));
    }
    Ok(keys)
}

pub(super) fn read(key: &str, path: &Path) -> Result<Vec<u8>, SettingsError> {
    fs::read(path).map_err(|error| SettingsError::file(key, path, error))
}
