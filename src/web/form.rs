//! The only way in which a handler takes a form: its token is checked before anything is read from it.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use super::error::PageError;
use super::visit::Visit;
use super::{MAX_FIELDS, MAX_FORM_BYTES};
use crate::error::{Error, Invalid, Result};
use crate::view::parts::Problem;

/// The fields of a form, in the order sent.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a field; empty if it was not sent.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field that may be sent several times.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    async fn read(mut payload: Payload) -> Result<Self> {
        use futures_core::Stream as _;
        let mut body = BytesMut::new();
        while let Some(chunk) = std::future::poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
            let chunk = chunk.map_err(|_| Error::invalid("form", "incomplete"))?;
            if body.len() + chunk.len() > MAX_FORM_BYTES {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Self::parse(&body)
    }

    /// Reads a body that is complete.
    ///
    /// # Errors
    /// More than [`MAX_FIELDS`] fields.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let fields: Vec<_> = form_urlencoded::parse(body)
            .take(MAX_FIELDS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if fields.len() > MAX_FIELDS { Err(Error::TooLarge) } else { Ok(Self(fields)) }
    }
}

/// What is wrong with a form, as its page shows it.
pub fn problems(fields: &[Invalid]) -> Vec<Problem> {
    fields.iter().map(|wrong| Problem::at(wrong.field, wrong.code)).collect()
}

/// A form that this browser was shown.
pub struct Form(pub Fields);

impl std::ops::Deref for Form {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl FromRequest for Form {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visit = request.extensions().get::<Visit>().cloned();
        let payload = payload.take();
        Box::pin(async move {
            let visit = visit.ok_or_else(|| PageError(Error::internal("a form without its gate")))?;
            let fields = Fields::read(payload).await?;
            if visit.is_csrf(fields.text("csrf")) {
                Ok(Self(fields))
            } else {
                Err(PageError(Error::Forbidden("form_expired")))
            }
        })
    }
}

/// A form that carries its own seal: the landing's, which may come from a browser without any cookie yet.
pub struct SealedForm(pub Fields);

impl FromRequest for SealedForm {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, PageError>>>>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = payload.take();
        Box::pin(async move { Ok(Self(Fields::read(payload).await?)) })
    }
}
