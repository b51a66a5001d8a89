//! The rules. No SQL, no HTTP, no clock, no chance: what is allowed, and what follows.

pub mod value;
