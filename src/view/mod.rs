//! Pages: pure functions from one struct to markup. A struct holds what the page says about the world,
//! [`Frame`] what every page knows (language, person, brand); nothing here asks for anything.
//!
//! * [`frame`]: what surrounds a page; [`parts`], [`mod@icon`], [`when`], [`purchase`]: what it is made of
//! * [`mod@words`]: everything that is said, in Chinese and English
//! * one module per group of pages
//!
//! Every form posts `csrf`; nothing is changed by a link.

pub mod account;
pub mod billing;
pub mod binding;
pub mod chart;
pub mod console;
pub mod docs;
pub mod email_check;
pub mod figures;
pub mod frame;
pub mod icon;
pub mod invitation;
pub mod landing;
pub mod leaving;
pub mod member;
pub mod operator;
pub mod organization;
pub mod parts;
pub mod purchase;
pub mod second_factor;
pub mod security;
pub mod settings;
pub mod trouble;
pub mod unbind;
pub mod usage;
pub mod when;
pub mod words;

pub use frame::{
    Brand, Frame, NavItem, Scope, Side, SimFrame, Theme, Who, account, console, flow, plain, sim, sim_dialog,
};
pub use icon::{Icon, icon};
pub use purchase::{Purchase, Step};
pub use when::{Detail, Zone};
pub use words::{Words, words};

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
