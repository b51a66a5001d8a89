//! Who keeps the audit log: the installation's keys, and chance for those that the log makes.

use std::fmt;
use std::sync::Arc;

use super::{Chance, Keys};

/// A store carries one, so that whatever writes can note who did it.
pub struct Notary {
    keys: Arc<Keys>,
    /// Its own, so that a note draws nothing from a fixture's repeatable sequence.
    chance: Chance,
}

/// A key of 32 bytes that is stored sealed with the master key.
const SEAL: &str = "audit.key";
const KEY_LEN: usize = 32;

impl Notary {
    #[must_use]
    pub fn new(keys: Arc<Keys>) -> Self {
        Self { keys, chance: Chance::system() }
    }

    #[must_use]
    pub fn chance(&self) -> &Chance {
        &self.chance
    }

    /// A new key, and the text that it is stored as.
    #[must_use]
    pub fn fresh(&self) -> (Keys, String) {
        let bytes = self.chance.bytes::<KEY_LEN>();
        (Keys::new(bytes), self.keys.seal(SEAL, &bytes, &self.chance))
    }

    /// A stored key; `None` if it was sealed with another master key.
    #[must_use]
    pub fn open(&self, stored: &str) -> Option<Keys> {
        let bytes: [u8; KEY_LEN] = self.keys.open(SEAL, stored)?.try_into().ok()?;
        Some(Keys::new(bytes))
    }

    /// The same stored key for another master key; `None` if it was sealed with neither of ours.
    #[must_use]
    pub fn reseal(&self, stored: &str, next: &Keys) -> Option<String> {
        let bytes = self.keys.open(SEAL, stored)?;
        Some(next.seal(SEAL, &bytes, &self.chance))
    }
}

impl fmt::Debug for Notary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notary")
    }
}
