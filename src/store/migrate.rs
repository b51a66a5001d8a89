//! From an older file to today's `schema.sql`, forward only. A newer file is refused, never guessed.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::{Error, Result};

/// The wanted end state, and what a new file is made from.
pub const SCHEMA: &str = include_str!("../../schema.sql");

/// The version of [`SCHEMA`].
pub const VERSION: u32 = version_of(SCHEMA);

/// A forward step for files that exist already.
struct Step {
    /// The version that a file has afterwards; one more than before.
    to: u32,
    /// Its file in `migrations/`.
    name: &'static str,
    sql: &'static str,
}

/// Every step since the first release, oldest first: `000N-<what>.sql` leads to version N.
const STEPS: &[Step] = &[
    Step { to: 2, name: "0002-the-channels-life.sql", sql: include_str!("migrations/0002-the-channels-life.sql") },
    Step {
        to: 3,
        name: "0003-people-and-operations.sql",
        sql: include_str!("migrations/0003-people-and-operations.sql"),
    },
];

/// How long another process that holds the file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most copies of one version that are kept beside the file.
const MOST_COPIES: u32 = 9;

/// What there is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No file, or one without any table.
    Missing,
    /// A file that this program can open.
    Current,
    /// A file of an earlier version; [`migrate`] brings it here.
    Older { from: u32, to: u32 },
    /// A file of a later version.
    Newer { found: u32, known: u32 },
    /// A database, but not one of ours.
    Foreign,
}

/// Why a file cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error(
        "the database has schema version {from}, this program needs {to}: run `marketgate migrate`, or start with `--migrate`"
    )]
    Older { from: u32, to: u32 },
    #[error("the database has schema version {found}, this program knows no more than {known}: use the newer program")]
    Newer { found: u32, known: u32 },
    #[error("the file is a database of another program")]
    Foreign,
    #[error("there is no database")]
    Missing,
}

/// What [`migrate`] did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub from: u32,
    pub to: u32,
    /// The steps that were run, by file name.
    pub steps: Vec<&'static str>,
    /// The copy of the file as it was. None if nothing was changed.
    pub copy: Option<PathBuf>,
}

/// Looks at a file without changing it.
pub fn status(path: &Path) -> Result<Status> {
    status_for(path, VERSION)
}

/// Brings an older file to [`VERSION`]: first a copy beside it, then each step in one transaction of its own. A dry
/// run does all of it on a copy, which it removes again. The caller holds the file's lock.
///
/// Fails with [`Unfit`] for a file that is missing, newer or not ours; a file that is current is left alone.
pub fn migrate(path: &Path, dry_run: bool) -> Result<Report> {
    migrate_with(path, dry_run, STEPS, VERSION)
}

/// Makes a missing file, and refuses one that does not fit.
pub(super) fn prepare(path: &Path) -> Result<()> {
    prepare_with(path, SCHEMA, VERSION)
}

fn prepare_with(path: &Path, schema: &str, version: u32) -> Result<()> {
    match status_for(path, version)? {
        Status::Current => Ok(()),
        Status::Missing => create(path, schema),
        Status::Older { from, to } => Err(Unfit::Older { from, to }.into()),
        Status::Newer { found, known } => Err(Unfit::Newer { found, known }.into()),
        Status::Foreign => Err(Unfit::Foreign.into()),
    }
}

fn status_for(path: &Path, known: u32) -> Result<Status> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        let conn =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.busy_timeout(PATIENCE)?;
        let found: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
        // A replicator may have been there before us: its tables are its own affair.
        let tables: u32 = conn.query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_litestream_*'",
            (),
            |row| row.get(0),
        )?;
        Ok(match found {
            0 if tables == 0 => Status::Missing,
            0 => Status::Foreign,
            _ if found < known => Status::Older { from: found, to: known },
            _ if found > known => Status::Newer { found, known },
            _ => Status::Current,
        })
    } else {
        Ok(Status::Missing)
    }
}

/// Makes the file, readable by its owner only: it is full of personal data. All of the schema or nothing.
fn create(path: &Path, schema: &str) -> Result<()> {
    create_private(path, false)?;
    let mut conn = connect(path)?;
    // Before the first table: it is stored in the file, and cannot be set inside a transaction.
    conn.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(schema)?;
    tx.commit()?;
    Ok(())
}

fn migrate_with(path: &Path, dry_run: bool, steps: &[Step], to: u32) -> Result<Report> {
    let from = match status_for(path, to)? {
        Status::Older { from, .. } => from,
        Status::Current => return Ok(Report { from: to, to, steps: Vec::new(), copy: None }),
        Status::Missing => return Err(Unfit::Missing.into()),
        Status::Newer { found, known } => return Err(Unfit::Newer { found, known }.into()),
        Status::Foreign => return Err(Unfit::Foreign.into()),
    };
    let copy = copy_beside(path, from)?;
    let run = |path: &Path| -> Result<Vec<&'static str>> {
        let mut conn = connect(path)?;
        steps.iter().filter(|step| step.to > from).map(|step| run_step(&mut conn, step).map(|()| step.name)).collect()
    };
    if dry_run {
        let steps = run(&copy);
        remove_copy(&copy)?;
        Ok(Report { from, to, steps: steps?, copy: None })
    } else {
        Ok(Report { from, to, steps: run(path)?, copy: Some(copy) })
    }
}

/// Runs one step: all of it, or nothing.
fn run_step(conn: &mut Connection, step: &Step) -> Result<()> {
    // Tables are rebuilt by renaming; references are checked once, when everything is in place.
    conn.pragma_update(None, "foreign_keys", false)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before: u32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if before + 1 != step.to {
        return Err(Error::internal(format!("{} does not follow version {before}", step.name)));
    }
    tx.execute_batch(step.sql)?;
    let dangling: Option<String> = {
        let mut check = tx.prepare("PRAGMA foreign_key_check")?;
        let mut rows = check.query(())?;
        rows.next()?.map(|row| row.get(0)).transpose()?
    };
    if let Some(table) = dangling {
        return Err(Error::internal(format!("{}: rows of {table} refer to rows that do not exist", step.name)));
    }
    tx.pragma_update(None, "user_version", step.to)?;
    tx.commit()?;
    Ok(())
}

/// Copies the file to `<file>.v<version>` (or `.v<version>-2`, ...): never over a copy that exists.
fn copy_beside(path: &Path, version: u32) -> Result<PathBuf> {
    for number in 1..=MOST_COPIES {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".v{version}"));
        if number > 1 {
            name.push(format!("-{number}"));
        }
        let copy = PathBuf::from(name);
        match create_private(&copy, true) {
            Ok(()) => {}
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => continue,
            Err(cause) => return Err(cause.into()),
        }
        let conn = connect(path)?;
        conn.execute("VACUUM INTO ?1", [copy.to_str().ok_or_else(|| Error::internal("the path is not UTF-8"))?])?;
        return Ok(copy);
    }
    Err(Error::internal(format!("there are {MOST_COPIES} copies of version {version} already: remove some")))
}

fn remove_copy(copy: &Path) -> Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        let mut name = copy.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(cause.into()),
            _ => {}
        }
    }
    Ok(())
}

fn create_private(path: &Path, must_be_new: bool) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).create_new(must_be_new).mode(0o600).open(path)?.sync_all()
}

fn connect(path: &Path) -> Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(PATIENCE)?;
    Ok(conn)
}

/// Reads `PRAGMA user_version = N;` from the end of a schema; does not compile if it is not there.
const fn version_of(schema: &str) -> u32 {
    let text = schema.trim_ascii_end().as_bytes();
    assert!(!text.is_empty() && text[text.len() - 1] == b';', "the schema's last line sets its version");
    let mut at = text.len() - 1;
    let (mut version, mut digit) = (0, 1);
    while text[at - 1].is_ascii_digit() {
        at -= 1;
        version += (text[at] - b'0') as u32 * digit;
        digit *= 10;
    }
    let (before, _) = text.split_at(at);
    let pragma = b"PRAGMA user_version = ";
    assert!(version > 0 && before.len() >= pragma.len(), "the schema's last line sets its version");
    let mut same = 0;
    while same < pragma.len() {
        assert!(before[before.len() - pragma.len() + same] == pragma[same], "the schema's last line sets its version");
        same += 1;
    }
    version
}

impl From<Unfit> for Error {
    fn from(unfit: Unfit) -> Self {
        Self::Internal(Box::new(unfit))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fmt::Write;

    use super::*;
    use crate::domain::value::Instant;
    use crate::store::{Options, Store, call};

    /// What the first release made.
    const FIRST_RELEASE: &str = include_str!("migrations/0001-first.sql");
    const FIRST: &str = "
        CREATE TABLE fruit (name TEXT NOT NULL PRIMARY KEY) STRICT;
        CREATE TABLE crate_of_fruit (id INTEGER PRIMARY KEY, fruit TEXT NOT NULL REFERENCES fruit(name)) STRICT;
        PRAGMA user_version = 1;";
    const STEPS_TO_3: &[Step] = &[
        Step {
            to: 2,
            name: "0002-colour.sql",
            sql: "ALTER TABLE fruit ADD COLUMN colour TEXT NOT NULL DEFAULT 'green';",
        },
        Step {
            to: 3,
            name: "0003-no-fruit-without-colour.sql",
            sql: "CREATE TABLE fruit_new (name TEXT NOT NULL PRIMARY KEY, colour TEXT NOT NULL) STRICT;
                  INSERT INTO fruit_new SELECT name, colour FROM fruit;
                  DROP TABLE fruit;
                  ALTER TABLE fruit_new RENAME TO fruit;",
        },
    ];
    const THIRD: &str = "
        CREATE TABLE fruit (
            name   TEXT NOT NULL PRIMARY KEY,
            colour TEXT NOT NULL -- as the grocer sees it
        ) STRICT;
        CREATE TABLE crate_of_fruit (id INTEGER PRIMARY KEY, fruit TEXT NOT NULL REFERENCES fruit(name)) STRICT;
        PRAGMA user_version = 3;";

    /// What a file's tables look like, without the accidents of spelling.
    fn shape(conn: &Connection) -> String {
        let mut select = conn
            .prepare(
                "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema
                 WHERE name NOT GLOB '_litestream_*' AND name NOT GLOB 'sqlite_stat*' ORDER BY type, name",
            )
            .unwrap();
        let mut rows = select.query(()).unwrap();
        let mut shape = String::new();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..3 {
                write!(shape, "{} ", row.get::<_, String>(column).unwrap()).unwrap();
            }
            let sql: String = row.get(3).unwrap();
            let bare: String =
                sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
            let spaced = bare.replace('"', "").replace('(', " ( ").replace(')', " ) ").replace(',', " , ");
            writeln!(shape, "{}", spaced.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap();
        }
        shape
    }

    fn shape_of_schema(schema: &str) -> String {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(schema).unwrap();
        shape(&conn)
    }

    fn file(dir: &tempfile::TempDir, sql: &str) -> PathBuf {
        let path = dir.path().join("market.db");
        create(&path, sql).unwrap();
        path
    }

    fn cause<T>(result: Result<T>) -> String {
        result.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_first_schema_and_all_steps_make_todays_schema() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, FIRST_RELEASE);
        migrate(&path, false).unwrap();
        assert_eq!(status(&path).unwrap(), Status::Current);
        assert_eq!(shape(&connect(&path).unwrap()), shape_of_schema(SCHEMA));
    }

    #[test]
    fn the_rows_of_the_first_schema_are_kept_and_a_grace_that_counts_down_will_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, FIRST_RELEASE);
        connect(&path)
            .unwrap()
            .execute_batch(
                "INSERT INTO user (id, email, name, password_hash, password_changed_at, created_at) VALUES ('u', 'a@b.example', 'A', '', 1, 1);
                 INSERT INTO organization (id, name, freeze_reason, frozen_at, grace_until, created_at) VALUES ('o', 'O', 'payment', 1, 99, 1);
                 INSERT INTO member VALUES ('o', 'u', 'owner', 1);
                 INSERT INTO subscription (id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, event_sequence, created_at)
                   VALUES (7, 'alibaba', 'i', 'expired', 'p', 's', '1', 'x', 0, 'call', 1, 1);
                 INSERT INTO call (seller_id, instance_id, action, params, verdict, status, reply, received_at, took_us, request_id)
                   VALUES ('alibaba', 'i', 'create', '{}', 'applied', 200, '{}', 1, 1, 'r');
                 INSERT INTO event (type, subscription_id, sequence, subject, data, occurred_at) VALUES ('subscription.activated', 7, 1, 's', '{}', 1);
                 INSERT INTO binding (id, subscription_id, organization_id, state, requested_by, entry_user_id, entry_role, allows_entry, requested_at, live_at)
                   VALUES ('b', 7, 'o', 'live', 'u', 'u', 'owner', 1, 1, 1);",
            )
            .unwrap();
        let report = migrate(&path, false).unwrap();
        assert_eq!((report.from, report.to), (1, VERSION));
        let conn = connect(&path).unwrap();
        let text = |sql: &str| conn.query_row(sql, (), |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(
            text("SELECT state || ' ' || instance_id || ' ' || asked_at FROM subscription WHERE id = 7"),
            "expired i 0"
        );
        assert_eq!(text("SELECT verdict || ' ' || reply FROM call"), "applied {}");
        assert_eq!(
            text("SELECT state || ' ' || subscription_id || ' ' || (undone_at IS NULL) FROM binding"),
            "live 7 1"
        );
        assert_eq!(text("SELECT kind || ' ' || key || ' ' || due_at FROM job"), "organization.end_grace o 99 99");
        assert_eq!(text("PRAGMA integrity_check"), "ok");
        drop(conn);
        Store::open(&path, Options::default()).unwrap();
    }

    #[test]
    fn the_rows_of_the_second_schema_are_kept_and_such_a_file_is_served_and_restored() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, FIRST_RELEASE);
        migrate_with(&path, false, &STEPS[..1], 2).unwrap();
        connect(&path)
            .unwrap()
            .execute_batch(
                "INSERT INTO user (id, email, name, password_hash, password_changed_at, created_at) VALUES ('u', 'a@b.example', 'A', 'h', 1, 1);
                 INSERT INTO organization (id, name, created_at) VALUES ('o', 'O', 1);
                 INSERT INTO member VALUES ('o', 'u', 'owner', 1);
                 INSERT INTO subscription (id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, is_confirmed, created_at)
                   VALUES (7, 'alibaba', 'i', 'active', 'p', 's', '1', 'x', 0, 'call', 1, 1);
                 INSERT INTO binding (id, subscription_id, organization_id, state, requested_by, entry_user_id, entry_role, allows_entry, requested_at, live_at)
                   VALUES ('b', 7, 'o', 'live', 'u', 'u', 'owner', 1, 1, 1);
                 INSERT INTO api_key (id, name, secret_hash, scopes, created_at) VALUES ('k', 'K', x'01', 'usage:write', 1);
                 INSERT INTO event (id, type, subscription_id, sequence, subject, data, occurred_at) VALUES (3, 'binding.live', 7, 1, 's', '{}', 1);
                 INSERT INTO webhook (id, url, secret, cursor, created_at) VALUES ('w', 'https://x.example/', 'sealed', 3, 1);
                 INSERT INTO delivery (webhook_id, event_id, state, created_at, ended_at) VALUES ('w', 3, 'dead', 1, 2);
                 INSERT INTO push (id, seller_id, product_code, nonce, body_digest, records, entities, state, sent_at)
                   VALUES (5, 'alibaba', 'p', 'n', x'02', 1, 1, 'accepted', 1);
                 INSERT INTO record (id, organization_id, binding_id, subscription_id, seller_id, product_code, instance_id, plan_code, item, aggregate, cycle,
                     hour_at, until_at, part, quantity, events, state, seals_at, due_by, push_id, created_at, updated_at)
                   VALUES (9, 'o', 'b', 7, 'alibaba', 'p', 'i', 's', 'Period', 'sum', 'hour', 0, 3600000, 'regular', 60, 1, 'accepted', 1, 2, 5, 1, 1);
                 INSERT INTO usage_event (digest, source, event_id, organization_id, item, quantity, at, received_at, record_id)
                   VALUES (x'03', 'src', '1', 'o', 'Period', 60, 1, 1, 9);
                 INSERT INTO job (kind, key, due_at) VALUES ('usage.forget', '', 99);
                 INSERT INTO mail (recipient, lang, kind, subject, body, created_at) VALUES ('a@b.example', 'en', 'reset', 'S', 'sealed', 1);
                 INSERT INTO alarm (kind, subject, raised_at, last_at) VALUES ('overdue', 's', 1, 1);",
            )
            .unwrap();
        let report = migrate(&path, false).unwrap();
        assert_eq!((report.from, report.to), (2, VERSION));
        let conn = connect(&path).unwrap();
        let text = |sql: &str| conn.query_row(sql, (), |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(shape(&conn), shape_of_schema(SCHEMA));
        assert_eq!(
            text("SELECT email || ' ' || password_hash || ' ' || (deleted_at IS NULL) FROM user"),
            "a@b.example h 1"
        );
        assert_eq!(text("SELECT state || ' ' || quantity || ' ' || push_id FROM record"), "accepted 60 5");
        assert_eq!(text("SELECT event_id || ' ' || quantity || ' ' || record_id FROM usage_event"), "1 60 9");
        assert_eq!(
            text("SELECT w.secret || ' ' || d.state FROM webhook w JOIN delivery d ON d.webhook_id = w.id"),
            "sealed dead"
        );
        assert_eq!(text("SELECT kind || ' ' || due_at FROM job"), "usage.forget 99");
        assert_eq!(text("SELECT m.subject || ' ' || a.kind FROM mail m, alarm a"), "S overdue");
        assert_eq!(text("SELECT state || ' ' || is_confirmed FROM subscription"), "active 1");
        assert_eq!(text("PRAGMA integrity_check"), "ok");
        drop(conn);
        Store::open(&path, Options::default()).unwrap();
    }

    #[test]
    fn what_somebody_typed_is_marked_in_older_calls_and_gone_from_older_alarms() {
        let typed = "{\"action\":\"createInstance\",\"aliUid\":\"1\",\"Address\":\"南京路\"}";
        let calls = [
            (typed, true),
            (r#"{"action":"createInstance","Address":["1","南京路"]}"#, true),
            (r#"{"action":"createInstance","mobile":"13800000000"}"#, true),
            (r#"{"action":"createInstance","email":"a@b.example"}"#, true),
            (r#"{"action":"createInstance","corpId":"c"}"#, true),
            (
                r#"{"action":"createInstance","aliUid":"1","orderBizId":"2","orderId":"3","productCode":"p","skuId":"s","trial":"false","expiredOn":"","template":"t","token":"[hidden]"}"#,
                false,
            ),
            (
                r#"{"action":"x","instanceId":"i","isRefund":"1","ecsInstanceId":"","package_version":"","requestId":"r","timeStamp":"t"}"#,
                false,
            ),
            ("{}", false),
            ("no JSON", false),
        ];
        let protocols = r#"{"action":"createInstance","aliUid":"1"}"#;
        let alarms = [
            ("conflict", "alibaba-i", typed, protocols),
            ("unknown_plan", "alibaba-i", protocols, protocols),
            (
                "repaired",
                "alibaba-i",
                r#"{"before":null,"after":{"plan":"s"}}"#,
                r#"{"before":null,"after":{"plan":"s"}}"#,
            ),
            ("dead_job", "mail.send 5", "550 no mailbox <a@b.example>", ""),
            ("dead_job", "binding.activate b", "no such binding", "no such binding"),
        ];
        for from in [1, 2] {
            let dir = tempfile::tempdir().unwrap();
            let path = file(&dir, FIRST_RELEASE);
            migrate_with(&path, false, &STEPS[..from - 1], u32::try_from(from).unwrap()).unwrap();
            let conn = connect(&path).unwrap();
            for (id, (params, _)) in (1..).zip(calls) {
                conn.execute(
                    "INSERT INTO call (id, seller_id, instance_id, action, params, verdict, status, reply, received_at, took_us, request_id)
                     VALUES (?1, 'alibaba', 'i', 'create', ?2, 'applied', 200, '{}', ?1, 1, 'r')",
                    (id, params),
                )
                .unwrap();
            }
            for (kind, subject, detail, _) in alarms {
                let sql = "INSERT INTO alarm (kind, subject, detail, raised_at, last_at) VALUES (?1, ?2, ?3, 1, 1)";
                conn.execute(sql, (kind, subject, detail)).unwrap();
            }
            conn.execute_batch(
                "INSERT INTO job (kind, key, due_at, last_error) VALUES ('mail.send', '5', 1, 'no mailbox <a@b.example>'), ('x', '', 1, 'why');
                 INSERT INTO subscription (id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, created_at, released_at)
                   VALUES (7, 'alibaba', 'i', 'released', 'p', 's', '1', 'x', 0, 'call', 1, 5);",
            )
            .unwrap();
            drop(conn);
            migrate(&path, false).unwrap();
            let store = Store::open(&path, Options::default()).unwrap();
            let long_after = Instant::from_ms(1_000);
            let marked = store.read_here(|db| call::list_free_form(db, long_after, 100)).unwrap();
            let expected = calls.iter().filter(|(_, is_typed)| *is_typed).map(|(params, _)| (*params).to_owned());
            assert_eq!(marked.into_iter().map(|(_, params)| params).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            let texts =
                |sql: &'static str| store.read_here(|db| db.list::<Option<String>>(sql, (), |row| row.get(0))).unwrap();
            let told: Vec<String> = texts("SELECT detail FROM alarm ORDER BY id").into_iter().flatten().collect();
            assert_eq!(told, alarms.map(|(.., kept)| kept));
            assert_eq!(
                texts("SELECT last_error FROM job WHERE kind IN ('mail.send', 'x') ORDER BY kind"),
                [None, Some("why".to_owned())]
            );
            // The release is long ago: its calls are forgotten, and the alarms about them.
            let forgotten = store.write_blocking(move |tx| call::delete_of_released(tx, long_after, 100)).unwrap();
            assert_eq!(forgotten, calls.len() + 3 + 1);
            assert_eq!(texts("SELECT subject FROM alarm").len(), 2);
        }
    }

    #[test]
    fn every_file_among_the_migrations_is_a_step_and_none_is_left_out() {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations");
        let mut files: Vec<String> = std::fs::read_dir(migrations)
            .map(|files| files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        files.sort();
        let steps = STEPS.iter().map(|step| step.name.to_owned());
        let expected: Vec<String> = std::iter::once("0001-first.sql".to_owned()).chain(steps).collect();
        assert_eq!(files, expected);
        for (step, to) in STEPS.iter().zip(2..) {
            assert_eq!(step.to, to);
            assert!(step.name.starts_with(&format!("{to:04}-")), "{}", step.name);
        }
        assert_eq!(STEPS.last().map_or(1, |step| step.to), VERSION);
    }

    #[test]
    fn the_comparison_sees_what_a_step_forgot() {
        assert_eq!(shape_of_schema(THIRD), shape_of_schema(&THIRD.replace("TABLE fruit (", "TABLE \"fruit\"(")));
        assert_ne!(shape_of_schema(THIRD), shape_of_schema(&THIRD.replace("colour TEXT NOT NULL", "colour TEXT")));
    }

    #[test]
    fn an_older_file_is_copied_and_brought_forward_with_its_rows() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, FIRST);
        connect(&path)
            .unwrap()
            .execute_batch("INSERT INTO fruit VALUES ('pear'); INSERT INTO crate_of_fruit VALUES (1, 'pear');")
            .unwrap();
        assert_eq!(status_for(&path, 3).unwrap(), Status::Older { from: 1, to: 3 });

        let report = migrate_with(&path, false, STEPS_TO_3, 3).unwrap();

        let copy = dir.path().join("market.db.v1");
        let steps = vec!["0002-colour.sql", "0003-no-fruit-without-colour.sql"];
        assert_eq!(report, Report { from: 1, to: 3, steps, copy: Some(copy.clone()) });
        let conn = connect(&path).unwrap();
        assert_eq!(shape(&conn), shape_of_schema(THIRD));
        let pear: String = conn
            .query_row("SELECT colour FROM fruit JOIN crate_of_fruit ON fruit = name", (), |row| row.get(0))
            .unwrap();
        assert_eq!(pear, "green");
        let copy = connect(&copy).unwrap();
        assert_eq!(shape(&copy), shape_of_schema(FIRST));
        assert_eq!(copy.query_row("SELECT count(*) FROM fruit", (), |row| row.get::<_, u32>(0)).unwrap(), 1);
        // A second time there is nothing to do, and nothing is copied.
        assert_eq!(
            migrate_with(&path, false, STEPS_TO_3, 3).unwrap(),
            Report { from: 3, to: 3, steps: vec![], copy: None }
        );
    }

    #[test]
    fn a_dry_run_tries_everything_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, FIRST);
        let report = migrate_with(&path, true, STEPS_TO_3, 3).unwrap();
        assert_eq!((report.steps.len(), report.copy), (2, None));
        assert_eq!(status_for(&path, 3).unwrap(), Status::Older { from: 1, to: 3 });
        let left = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        assert_eq!(left.filter(|name| name.contains(".v1")).count(), 0);

        let broken = &[Step { to: 2, name: "0002-broken.sql", sql: "ALTER TABLE nothing ADD COLUMN x;" }];
        assert!(cause(migrate_with(&path, true, broken, 2)).contains("nothing"));
        assert!(!dir.path().join("market.db.v1").exists());
    }

    #[test]
    fn a_copy_never_overwrites_an_earlier_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, FIRST);
        std::fs::write(dir.path().join("market.db.v1"), "precious").unwrap();
        let report = migrate_with(&path, false, STEPS_TO_3, 3).unwrap();
        assert_eq!(report.copy, Some(dir.path().join("market.db.v1-2")));
        assert_eq!(std::fs::read(dir.path().join("market.db.v1")).unwrap(), b"precious");
    }

    #[test]
    fn a_step_that_leaves_dangling_references_is_rolled_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, FIRST);
        connect(&path)
            .unwrap()
            .execute_batch("INSERT INTO fruit VALUES ('pear'); INSERT INTO crate_of_fruit VALUES (1, 'pear');")
            .unwrap();
        let careless = &[Step { to: 2, name: "0002-careless.sql", sql: "DELETE FROM fruit;" }];
        let said = cause(migrate_with(&path, false, careless, 2));
        assert!(said.contains("0002-careless.sql") && said.contains("crate_of_fruit"), "{said}");
        let conn = connect(&path).unwrap();
        assert_eq!(conn.query_row("SELECT count(*) FROM fruit", (), |row| row.get::<_, u32>(0)).unwrap(), 1);
        assert_eq!(status_for(&path, 2).unwrap(), Status::Older { from: 1, to: 2 });
    }

    #[test]
    fn a_newer_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, SCHEMA);
        connect(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
        let before = std::fs::read(&path).unwrap();
        let said = cause(Store::open(&path, Options::default()));
        assert!(said.contains("newer program"), "{said}");
        assert!(cause(migrate(&path, false)).contains("newer program"));
        assert_eq!(status(&path).unwrap(), Status::Newer { found: VERSION + 1, known: VERSION });
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn an_older_file_is_not_opened_until_it_was_migrated() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, FIRST);
        let said = cause(prepare_with(&path, THIRD, 3));
        assert!(
            said.contains("version 1") && said.contains("needs 3") && said.contains("marketgate migrate"),
            "{said}"
        );
        assert_eq!(status_for(&path, 3).unwrap(), Status::Older { from: 1, to: 3 });
        migrate_with(&path, false, STEPS_TO_3, 3).unwrap();
        prepare_with(&path, THIRD, 3).unwrap();
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, "CREATE TABLE notes (text TEXT);");
        assert_eq!(status(&path).unwrap(), Status::Foreign);
        assert!(cause(Store::open(&path, Options::default())).contains("another program"));
        assert!(cause(migrate(&path, false)).contains("another program"));
        // Not even a database.
        std::fs::write(&path, "dear diary, ".repeat(100)).unwrap();
        assert!(Store::open(&path, Options::default()).is_err());
    }

    #[test]
    fn a_new_file_is_private_and_an_empty_one_is_filled() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new.db");
        assert_eq!(status(&path).unwrap(), Status::Missing);
        assert!(cause(migrate(&path, false)).contains("no database"));
        Store::open(&path, Options::default()).unwrap().close();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(status(&path).unwrap(), Status::Current);

        let path = dir.path().join("empty.db");
        std::fs::write(&path, "").unwrap();
        Store::open(&path, Options::default()).unwrap().close();
        assert_eq!(status(&path).unwrap(), Status::Current);
    }

    #[test]
    fn a_replicators_own_tables_are_tolerated() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, "CREATE TABLE _litestream_lock (id INTEGER);");
        assert_eq!(status(&path).unwrap(), Status::Missing);
        Store::open(&path, Options::default()).unwrap().close();
        assert_eq!(status(&path).unwrap(), Status::Current);
        assert_eq!(shape(&connect(&path).unwrap()), shape_of_schema(SCHEMA));
    }

    #[test]
    fn the_version_is_the_schemas_last_line() {
        assert_eq!(version_of("CREATE TABLE x (y);\nPRAGMA user_version = 120;\n"), 120);
        assert!(std::panic::catch_unwind(|| version_of("PRAGMA user_version = 1; SELECT 1;")).is_err());
        assert!(std::panic::catch_unwind(|| version_of("")).is_err());
    }
}
