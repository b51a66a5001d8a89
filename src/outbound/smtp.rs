//! Mails, handed to one mail server. Blocking, like everything outgoing.
//!
//! A connection per mail: there are few, and one that a server has closed meanwhile would leave open whether a mail
//! was taken. A mail that is handed over twice carries the same `Message-ID`, by which mailboxes show it once.

mod html;

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport as _};

/// How long the server may take for each of its answers.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How the connection is encrypted. There is no "if it can": that is no protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte.
    Tls,
    /// By STARTTLS; a server without it gets no mail.
    StartTls,
    /// Not at all; for a relay on this machine.
    None,
}

/// Which server, and as whom.
pub struct Server<'a> {
    pub host: &'a str,
    pub port: u16,
    pub encryption: Encryption,
    /// User and password.
    pub credentials: Option<(&'a str, &'a str)>,
    /// `Name <address>` or an address alone.
    pub from: &'a str,
}

/// The way to the mail server.
pub struct Post {
    transport: SmtpTransport,
    from: Mailbox,
}

/// One mail; what is sent has its text as HTML beside it.
pub struct Letter<'a> {
    /// Unique and the same whenever this mail is handed over again.
    pub id: &'a str,
    pub to: &'a str,
    pub subject: &'a str,
    /// Plain text: paragraphs with blank lines between them.
    pub body: &'a str,
    /// Of the text, as `lang` attributes have it.
    pub lang: &'a str,
    /// What the button of an address says.
    pub open: &'a str,
    /// Milliseconds since the Unix epoch.
    pub written_at_ms: u64,
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// It may be taken another time; it may even have been taken.
    #[error("not delivered yet: {0}")]
    Later(String),
    /// This mail to this address never will be.
    #[error("undeliverable: {0}")]
    Never(String),
}

impl Post {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// A sentence about a sender or a host that cannot be one.
    pub fn new(server: &Server<'_>) -> Result<Self, String> {
        let from: Mailbox = server.from.parse().map_err(|e| format!("{} is no sender: {e}", server.from))?;
        let parameters = || TlsParameters::new(server.host.to_owned()).map_err(|e| e.to_string());
        let tls = match server.encryption {
            Encryption::Tls => Tls::Wrapper(parameters()?),
            Encryption::StartTls => Tls::Required(parameters()?),
            Encryption::None => Tls::None,
        };
        let mut builder = SmtpTransport::builder_dangerous(server.host)
            .port(server.port)
            .tls(tls)
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(TIMEOUT));
        if let Some((user, password)) = server.credentials {
            builder = builder.credentials(Credentials::new(user.to_owned(), password.to_owned()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// Signs in and says good-bye.
    ///
    /// # Errors
    /// Why that did not work.
    pub fn try_out(&self) -> Result<(), String> {
        match self.transport.test_connection() {
            Ok(true) => Ok(()),
            Ok(false) => Err("it answers, and takes no commands".to_owned()),
            Err(cause) => Err(cause.to_string()),
        }
    }

    /// Hands a mail over.
    pub fn send(&self, letter: &Letter<'_>) -> Result<(), Undelivered> {
        // Servers repeat the address when they refuse it; what is said of a failure is logged and kept.
        let told = |cause: &dyn std::fmt::Display| without(&cause.to_string(), letter.to);
        let never = |cause: &dyn std::fmt::Display| Undelivered::Never(told(cause));
        let to: Mailbox = letter.to.parse().map_err(|e: lettre::address::AddressError| never(&e))?;
        let auto = HeaderName::new_from_ascii_str("Auto-Submitted");
        let message = MessageBuilder::new()
            .date(UNIX_EPOCH + Duration::from_millis(letter.written_at_ms))
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject)
            // Nobody's holiday notice should answer it (RFC 3834).
            .raw_header(HeaderValue::new(auto, "auto-generated".to_owned()))
            // The best comes last (RFC 2046, 5.1.4).
            .multipart(
                MultiPart::alternative().singlepart(part(ContentType::TEXT_PLAIN, letter.body.to_owned())).singlepart(
                    part(ContentType::TEXT_HTML, html::page(letter.lang, letter.subject, letter.body, letter.open)),
                ),
            )
            .map_err(|e| never(&e))?;
        match self.transport.send(&message) {
            Ok(_) => Ok(()),
            Err(cause) if is_final(&cause) => Err(never(&cause)),
            Err(cause) => Err(Undelivered::Later(told(&cause))),
        }
    }
}

/// A text in which an address is not named, however it is written there.
fn without(text: &str, address: &str) -> String {
    let (lower, address) = (text.to_ascii_lowercase(), address.to_ascii_lowercase());
    let mut rest = text;
    let mut clean = String::new();
    while let Some(at) = (!address.is_empty()).then(|| lower[text.len() - rest.len()..].find(&address)).flatten() {
        clean.push_str(&rest[..at]);
        clean.push_str("[recipient]");
        rest = &rest[at + address.len()..];
    }
    clean + rest
}

/// Relays cut lines of Chinese that are sent as they are.
fn part(kind: ContentType, text: String) -> SinglePart {
    SinglePart::builder().header(kind).header(ContentTransferEncoding::Base64).body(text)
}

/// Whether the server has spoken its last word on this mailbox. Other refusals, of a password or a sender for
/// instance, are about our settings, which somebody will mend.
fn is_final(cause: &lettre::transport::smtp::Error) -> bool {
    cause.status().is_some_and(|code| matches!(code.to_string().as_str(), "550" | "551" | "553"))
}
