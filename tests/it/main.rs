//! Tests through the front door: the real binary, real sockets, a world of their own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod binding;
mod browserlike;
mod chaos;
mod cli;
mod control;
mod heal;
mod journey;
mod landing;
mod mail;
mod people;
mod routes;
mod spi;
mod tidy;
mod world;
