//! Marketgate: the self-hosted gateway between a SaaS product and Alibaba Cloud Marketplace.

#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod error;
pub mod jobs;
pub mod market;
pub mod store;
pub mod usecase;
pub mod view;
pub mod web;
