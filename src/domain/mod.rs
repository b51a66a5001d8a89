//! The rules. No SQL, no HTTP, no clock, no chance: what is allowed, and what follows.

pub mod api_key;
pub mod audit;
pub mod backup;
pub mod binding;
pub mod claim;
pub mod email_check;
pub mod hold;
pub mod hook;
pub mod invitation;
pub mod isv_key;
pub mod letter;
pub mod membership;
pub mod network;
pub mod organization;
pub mod reconcile;
pub mod second_factor;
pub mod session;
pub mod subscription;
pub mod usage;
pub mod value;
pub mod zone;
