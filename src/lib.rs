//! Marketgate: the self-hosted gateway between a SaaS product and Alibaba Cloud Marketplace.

#![forbid(unsafe_code)]

pub mod clock;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod error;
pub mod market;
pub mod store;
pub mod view;
