//! Tests through the front door: the real binary, real sockets, a world of their own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod alone;
mod audit;
mod binding;
mod browserlike;
mod certify;
mod chaos;
mod cli;
mod clients;
mod confirmation;
mod control;
mod crash;
mod demo;
mod documented;
mod email_check;
mod fixture;
mod foreign;
mod full;
mod heal;
mod hooks;
mod hostile;
mod journey;
mod landing;
mod lifecycle;
mod limits;
mod mail;
mod members;
mod month;
mod notices;
mod oracle;
mod people;
mod push;
mod routes;
mod screens;
mod sdk;
mod second_factor;
mod shield;
mod sink;
mod socket;
mod spi;
mod switch;
mod tidy;
mod unbind;
mod usage;
mod world;
