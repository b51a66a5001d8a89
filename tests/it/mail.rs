//! Mails as a mail server gets them: production with a server of the test's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;

use crate::browserlike::{Browser, Page};
use crate::cli::{KEY, Serving, configure_with, marketgate, says};
use crate::world::{listen, silent, until};

/// A mail server that keeps what it is told.
pub struct Sink {
    pub port: u16,
    /// Every line, by connection.
    heard: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Sink {
    /// Answers RCPT for addresses that contain `refused` with 550.
    pub fn start(refused: &'static str) -> Self {
        Self::on(&TcpListener::bind("127.0.0.1:0").unwrap(), refused)
    }

    fn on(listener: &TcpListener, refused: &'static str) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (port, log) = (listener.local_addr().unwrap().port(), Arc::clone(&heard));
        let listener = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that goes away in the middle has nothing more to say.
                let _gone = converse(&stream.unwrap(), refused, &log);
            }
        });
        Self { port, heard }
    }

    /// The mails that were taken, as sent.
    pub fn mails(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard.iter().map(|lines| lines.join("\n")).filter(|text| text.contains("\nDATA\n")).collect()
    }
}

fn converse(stream: &TcpStream, refused: &str, log: &Mutex<Vec<Vec<String>>>) -> std::io::Result<()> {
    let at = {
        let mut log = log.lock().unwrap();
        log.push(Vec::new());
        log.len() - 1
    };
    let mut out = stream;
    let mut is_data = false;
    out.write_all(b"220 sink\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        log.lock().unwrap()[at].push(line.clone());
        let answer = match line.as_str() {
            "." if is_data => {
                is_data = false;
                "250 taken"
            }
            _ if is_data => continue,
            "DATA" => {
                is_data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            line if line.starts_with("EHLO") => "250-sink\r\n250 AUTH PLAIN",
            line if line.starts_with("AUTH") => "235 welcome",
            // As mail servers do, it repeats what it refuses.
            line if line.starts_with("RCPT") && line.contains(refused) => &format!("550 no mailbox {}", &line[8..]),
            _ => "250 ok",
        };
        out.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

/// Production with a mail server at this port.
struct Production {
    serving: Serving,
    database: PathBuf,
    _place: tempfile::TempDir,
}

impl Production {
    fn start(port: u16, tls: &str) -> Self {
        Self::with(port, tls, "accept")
    }

    /// With a word on addresses that nobody has checked.
    fn with(port: u16, tls: &str, unverified: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let smtp = format!(
            "[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"{tls}\"\nfrom = \"Example <no-reply@gate.example.com>\"\n"
        );
        let file = configure_with(place.path(), "https://gate.example.com", KEY, &smtp);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("\"accept\"", &format!("\"{unverified}\""))).unwrap();
        assert_eq!(says(marketgate(&["init", "--config", &file])).0, Some(0));
        Self { serving: Serving::start(&file), database: place.path().join("gate.db"), _place: place }
    }

    /// Registers, and asks for a new password.
    fn forget_password(&self, email: &str) -> Page {
        let browser = Browser::new(&self.serving.1);
        let form = browser.get("/register").form("/register");
        let filled =
            form.set("name", "Yue Lin").set("email", email).set("password", "correct horse 7").set("agree", "yes");
        let page = browser.submit(&filled);
        assert_eq!(page.status, 200, "{}", page.h1());
        browser.submit(&browser.get("/password/forgot").form("/password/forgot").set("email", email))
    }

    /// The first row of a query, if there is any, its columns as one text.
    fn row(&self, sql: &str) -> Option<String> {
        let db = rusqlite::Connection::open(&self.database).unwrap();
        db.busy_timeout(crate::world::PATIENCE).unwrap();
        db.query_row(sql, (), |row| row.get(0)).ok()
    }
}

/// What a reader gets: the plain text, and the same as HTML.
pub struct Parts {
    pub text: String,
    html: String,
}

pub fn parts(mail: &str) -> Parts {
    let boundary = mail.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let sections: Vec<&str> = mail.split(&format!("--{boundary}")).collect();
    // What stands before the first boundary are the mail's headers, the last has nothing but the end.
    assert_eq!(sections.len(), 4, "{mail}");
    let decode = |section: &str, kind: &str| {
        let (headers, rest) = section.trim_start().split_once("\n\n").unwrap();
        assert!(headers.contains(&format!("Content-Type: {kind}; charset=utf-8")), "{headers}");
        let base64: String = rest.lines().collect();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(base64).unwrap()).unwrap()
    };
    Parts { text: decode(sections[1], "text/plain"), html: decode(sections[2], "text/html") }
}

#[test]
fn production_with_a_mail_server_asks_who_registers_for_the_code_that_it_mails() {
    let sink = Sink::start("nobody");
    let production = Production::with(sink.port, "none", "refuse");
    let browser = Browser::new(&production.serving.1);
    let form = browser.get("/register").form("/register");
    let filled = form.set("name", "Yue Lin").set("email", "yue@example.com").set("password", "correct horse 7");
    let page = browser.submit(&filled.set("agree", "yes"));
    assert!(page.path.starts_with("/register/code?"), "{}", page.path);
    let mail = until("the mail", || sink.mails().pop().filter(|mail| mail.lines().any(|line| line == ".")));
    let text = parts(&mail).text;
    let code = text.lines().map(str::trim).find(|line| line.len() == 6 && line.parse::<u32>().is_ok());
    let done = browser.submit(&page.form("/register/code").set("code", code.unwrap_or_else(|| panic!("{text}"))));
    assert_eq!(done.path, "/orgs");
    let verified = production.row("SELECT email FROM user WHERE email_verified_at IS NOT NULL");
    assert_eq!(verified.as_deref(), Some("yue@example.com"));
}

#[test]
fn a_forgotten_password_is_mailed_by_the_server_that_is_configured() {
    let sink = Sink::start("nobody");
    let production = Production::start(sink.port, "none");
    let page = production.forget_password("yue@example.com");
    assert!(page.has("yue@example.com"), "{}", page.h1());
    let mail = until("the mail", || sink.mails().pop().filter(|mail| mail.lines().any(|line| line == ".")));
    assert!(
        mail.contains("MAIL FROM:<no-reply@gate.example.com>") && mail.contains("RCPT TO:<yue@example.com>"),
        "{mail}"
    );
    for header in
        ["Date: ", "Message-ID: <mail-1-", "Auto-Submitted: auto-generated", "Content-Type: multipart/alternative;"]
    {
        assert!(mail.contains(&format!("\n{header}")), "{header} in {mail}");
    }
    let Parts { text, html } = parts(&mail);
    assert!(text.contains("https://gate.example.com/password/reset/") && text.contains("Yue Lin"), "{text}");
    let page = scraper::Html::parse_document(&html);
    let select = |what: &str| page.select(&scraper::Selector::parse(what).unwrap()).next().unwrap();
    assert!(text.contains(select("a").attr("href").unwrap()), "{html}");
    assert!(select("body").text().collect::<String>().contains("Yue Lin"), "{html}");
    until("the record", || production.row("SELECT 'sent' FROM mail WHERE sent_at IS NOT NULL"));
    assert_eq!(
        production.row("SELECT 'done' FROM job WHERE kind = 'mail.send' AND done_at IS NOT NULL").as_deref(),
        Some("done")
    );
    // The link of the mail is the one that works.
    let link = text.split("https://gate.example.com").nth(1).unwrap().split_whitespace().next().unwrap();
    assert_eq!(Browser::new(&production.serving.1).get(link).status, 200);
}

#[test]
fn a_mailbox_that_does_not_exist_costs_nobody_else_a_mail_and_is_shown() {
    let sink = Sink::start("nobody");
    let production = Production::start(sink.port, "none");
    production.forget_password("nobody@example.com");
    production.forget_password("yue@example.com");
    let mail = until("the other mail", || sink.mails().pop());
    assert!(mail.contains("RCPT TO:<yue@example.com>"), "{mail}");
    let why =
        until("the alarm", || production.row("SELECT subject || ' ' || detail FROM alarm WHERE kind = 'dead_job'"));
    assert!(why.starts_with("mail.send 1 ") && why.contains("550"), "{why}");
    assert_eq!(
        production.row("SELECT attempts || last_error FROM job WHERE dead_at IS NOT NULL").unwrap().chars().next(),
        Some('1')
    );
}

#[test]
fn a_server_that_is_down_gets_the_mail_when_it_is_back() {
    let listener = silent();
    let production = Production::start(listener.local_addr().unwrap().port(), "none");
    production.forget_password("yue@example.com");
    until("the failure", || production.row("SELECT last_error FROM job WHERE kind = 'mail.send' AND attempts >= 1"));
    assert_eq!(
        production.row("SELECT 'open' FROM job WHERE done_at IS NULL AND dead_at IS NULL").as_deref(),
        Some("open")
    );
    listen(&listener);
    let sink = Sink::on(&listener, "nobody");
    until("the mail", || sink.mails().pop().filter(|mail| mail.lines().any(|line| line == ".")));
}

#[test]
fn a_server_without_the_encryption_that_is_asked_for_gets_no_mail() {
    let sink = Sink::start("nobody");
    let production = Production::start(sink.port, "starttls");
    production.forget_password("yue@example.com");
    until("the failure", || {
        production
            .row("SELECT last_error FROM job WHERE kind = 'mail.send' AND attempts >= 1 AND last_error IS NOT NULL")
    });
    let heard = sink.heard.lock().unwrap().concat();
    assert!(
        heard.iter().any(|line| line.starts_with("EHLO")) && !heard.iter().any(|line| line.starts_with("MAIL")),
        "{heard:?}"
    );
}
