//! Journeys in a real browser: Chromium without a window, driven by its own driver, everything on loopback.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../it/browserlike.rs"]
#[expect(dead_code, reason = "shared with the socket tests, which use all of it")]
mod browserlike;
mod chrome;
mod console;
mod control;
mod journeys;
mod life;
mod origins;
mod people;
mod pictures;
mod samples;
mod security;
mod usage;
#[path = "../it/world.rs"]
#[expect(dead_code, reason = "shared with the socket tests, which use all of it")]
mod world;
