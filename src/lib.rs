//! Marketgate: the self-hosted gateway between a SaaS product and Alibaba Cloud Marketplace.
//!
//! # The map
//!
//! A call of the marketplace, a click of a buyer and a job of our own take the same way: in through [`web`] or
//! [`jobs`], decided by a use case in one transaction, by rules that know nothing of the world.
//!
//! | module | answers |
//! |---|---|
//! | [`domain`] | what is allowed, and what follows: pure functions, each tested as a table |
//! | [`market`] | how the marketplace says things: tokens, calls, replies, signatures; pure |
//! | [`store`] | what is written: all SQL; one writer thread with group commit, one that folds its log in, a few readers |
//! | [`usecase`] | who may, and in what order: load, decide, save, enqueue, in one transaction |
//! | [`jobs`] | what is done later, at least once |
//! | [`web`] | how HTTP says it: the route table, the gate in front of it, a handler per route |
//! | [`view`] | how people see it: pages as pure functions from one struct to markup, all words in two languages |
//! | [`simulator`] | the marketplace's side, a stranger that speaks HTTP only; never part of `serve` |
//! | [`control`] | clocks, faults and mail of demos and fixtures; `serve` has none of it |
//! | [`certify`] | what anybody's interface is asked before a listing, and a recorded log made again |
//! | [`demo`] | the demo product, which uses only the public API |
//! | [`outbound`] | the only outgoing HTTP |
//! | [`metrics`] | what the gateway counts of itself, without a lock on the hot path |
//! | [`app`], [`config`], [`clock`], [`crypto`], [`error`] | what every request and job is given |
//! | [`cli`] | one command per file; the only module that sees all the others |
//!
//! # The arrows
//!
//! `cli` sees everything. `web` and `jobs` see `app`, `usecase` and what those hand out; `usecase` sees `domain`, `market`
//! and `store`; `view` and `store` see `domain`; `store` carries the audit log's keys of `crypto`; `domain` sees nothing.
//! `simulator` and `demo` never see the gateway: they talk to it over HTTP. A test reads the sources and enforces this.
//!
//! # Four ideas to know before reading on
//!
//! * **The link proves the subscription, never the person.** [`usecase::landing`] spends a login-free token once and opens a
//!   claim; [`domain::claim::next_step`] decides which page of it is true now, whoever reloads it from wherever.
//! * **Whatever can arrive twice changes nothing the second time.** [`usecase::provision`] keeps every call with its verdict;
//!   unique indexes in `schema.sql` hold what code might forget.
//! * **An answer comes after its COMMIT.** [`store`] groups many small writes into one, so that this costs little.
//!
//! * **Every unit of usage has one fate.** [`usecase::usage`] puts each event into one record, [`domain::usage`] says when it
//!   is closed, `jobs::push` sends it at most once; what nobody can know is held for a person instead of being sent again.
//!
//! # Deliberately absent
//!
//! Traits with one implementation, repository interfaces, mocks of the store (a temporary file is fast enough), global state,
//! SQL outside `store`, status codes outside `web`, an `await` while a transaction is open, a private door for the simulator.

#![forbid(unsafe_code)]

pub mod app;
pub mod certify;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod crypto;
pub mod demo;
pub mod domain;
pub mod error;
pub mod jobs;
pub mod market;
pub mod metrics;
pub mod outbound;
pub mod simulator;
pub mod store;
pub mod usecase;
pub mod view;
pub mod web;
