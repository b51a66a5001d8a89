#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::crypto::Notary;
use crate::store::{Options, Synchronous};

const NOW: Instant = Instant::from_ms(1_795_330_800_000);

struct World {
    store: Store,
    place: tempfile::TempDir,
}

fn options(master: u8) -> Options {
    let notary = Notary::new(Arc::new(Keys::new([master; 32])));
    Options { synchronous: Synchronous::Normal, readers: 1, notary: Some(Arc::new(notary)), ..Options::default() }
}

impl World {
    fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(&place.path().join("gate.db"), options(7)).unwrap();
        Self { store, place }
    }

    /// So many acts, every third of which tells of a person.
    fn with(rows: i64) -> Self {
        let world = Self::start();
        world.add(rows, NOW);
        world
    }

    fn add(&self, rows: i64, at: Instant) {
        self.store
            .write_blocking(move |tx| {
                (0..rows).try_for_each(|row| {
                    let (user, text) = (format!("usr_{}", row % 4), format!("value {row}"));
                    let entry = Entry {
                        action: "user.renamed",
                        subject: ("user", &user),
                        user_id: Some(&user),
                        reason: (row % 2 == 0).then_some("because"),
                        before: (row % 5 != 0).then_some("before"),
                        after: Some(&text),
                        is_personal: row % 3 == 0,
                        ..Entry::default()
                    };
                    note(tx, &By::operator("usr_op").in_request("req_1"), &entry, at.plus_ms(row))
                })
            })
            .unwrap();
    }

    /// As somebody who has the file and no key.
    fn tamper(&self, sql: &str) {
        let conn = rusqlite::Connection::open(self.store.path()).unwrap();
        let free = "PRAGMA foreign_keys = OFF; DROP TRIGGER IF EXISTS audit_is_never_changed; DROP TRIGGER IF EXISTS audit_is_never_shortened;";
        conn.execute_batch(&format!("{free}{sql}")).unwrap();
    }

    fn report(&self) -> Report {
        verify(&self.store).unwrap()
    }

    fn fault(&self) -> Option<Fault> {
        self.report().fault
    }

    fn text(&self, sql: &'static str) -> String {
        self.store.read_blocking(move |db| db.value(sql, ())).unwrap()
    }
}

#[test]
fn what_was_noted_is_chained_without_a_gap() {
    let world = World::start();
    assert_eq!(world.report(), Report { rows: 0, last: None, fault: None });
    world.add(10, NOW);
    // A job that fails leaves no gap.
    let failed = world.store.write_blocking(|tx| {
        note(tx, &By::command_line(), &Entry { action: "a.b", subject: ("a", "1"), ..Entry::default() }, NOW)?;
        Err::<(), _>(Error::Conflict("no"))
    });
    assert!(failed.is_err());
    world.add(2_500, NOW);
    let report = world.report();
    assert_eq!((report.rows, report.fault), (2_510, None), "more than is read at once");
    assert_eq!(report.last.unwrap().0, 2_510);
}

#[test]
fn nothing_in_the_log_can_be_changed_or_taken_by_a_statement_of_ours() {
    let world = World::with(3);
    for sql in ["UPDATE audit SET reason = 'x' WHERE id = 2", "DELETE FROM audit WHERE id = 3"] {
        let said = world.store.write_blocking(move |tx| tx.execute(sql, ())).unwrap_err();
        assert!(matches!(&said, Error::Internal(cause) if cause.to_string().contains("append-only")), "{said:?}");
    }
    assert_eq!(world.fault(), None);
}

#[test]
fn personal_values_can_be_read_until_the_person_is_forgotten_and_the_chain_still_holds() {
    let world = World::with(4);
    let stored = world.text("SELECT after FROM audit WHERE id = 4");
    assert!(!stored.contains("value"), "sealed: {stored}");
    let shown = |world: &World| {
        world
            .store
            .read_blocking(|db| list(db, &Filter::default(), i64::MAX, 10))
            .unwrap()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    };
    let before = shown(&world);
    assert_eq!(before[3].after, Said::Text("value 3".into()));
    assert_eq!((&before[0].before, &before[0].after), (&Said::Nothing, &Said::Text("value 0".into())));
    world.store.write_blocking(|tx| forget_user(tx, "usr_3")).unwrap();
    let after = shown(&world);
    assert_eq!((&after[3].before, &after[3].after), (&Said::Erased, &Said::Erased));
    assert_eq!(after[0], before[0], "another person's stay");
    assert_eq!(after[1], before[1]);
    assert_eq!(world.fault(), None);
    // Whoever comes back under the same id has another key.
    world.add(4, NOW);
    assert_eq!(shown(&world)[3].after, Said::Erased);
    assert_eq!(shown(&world)[7].after, Said::Text("value 3".into()));
    assert_eq!(world.fault(), None);
}

#[test]
fn retention_takes_the_oldest_and_the_rest_still_holds() {
    let world = World::with(5);
    world.add(3, NOW.plus_ms(KEEP_MS));
    let late = NOW.plus_ms(KEEP_MS + 1_000);
    let forget = |rows| world.store.write_blocking(move |tx| forget_old(tx, late, rows)).unwrap();
    assert_eq!((forget(2), world.fault()), (2, None));
    assert_eq!((forget(10), world.fault()), (3, None));
    assert_eq!((forget(10), world.fault()), (0, None), "what is younger stays");
    assert_eq!(world.report().rows, 3);
    world.add(1, late);
    assert_eq!((world.report().rows, world.fault()), (4, None));
    world.tamper("DELETE FROM audit WHERE id = 6");
    assert_eq!(world.fault(), Some(Fault::Missing(6)));
}

#[test]
fn another_master_key_opens_nothing_unless_the_log_was_sealed_for_it() {
    let world = World::with(3);
    let next = |world: &World| {
        world.store.close();
        Store::open(world.store.path(), options(8)).unwrap()
    };
    world.store.write_blocking(|tx| reseal(tx, &Keys::new([8; 32]))).unwrap();
    let store = next(&world);
    assert_eq!(verify(&store).unwrap().fault, None);
    let rows = store.read_blocking(|db| list(db, &Filter::default(), i64::MAX, 10)).unwrap();
    assert_eq!(rows[2].after, Said::Text("value 0".into()));

    let other = World::with(3);
    let store = next(&other);
    assert_eq!(verify(&store).unwrap().fault, Some(Fault::OtherKey));
    let refused = store.write_blocking(|tx| note(tx, &By::command_line(), &Entry::default(), NOW));
    assert!(refused.is_err());
    drop(other.place);
}

#[test]
fn what_is_cut_off_at_an_end_is_found() {
    for (sql, fault) in [
        ("DELETE FROM audit WHERE id = 5", Fault::Missing(5)),
        ("DELETE FROM audit WHERE id = 1", Fault::Missing(1)),
        ("DELETE FROM audit", Fault::Missing(1)),
        ("DELETE FROM audit_head", Fault::Head),
        (
            "DELETE FROM audit WHERE id = 5; UPDATE audit_head SET last_id = 4, last_mac = (SELECT mac FROM audit WHERE id = 4)",
            Fault::Head,
        ),
        ("DELETE FROM audit WHERE id = 1; UPDATE audit_head SET base_id = 1", Fault::Head),
        (
            "INSERT INTO audit SELECT 6, at, actor_kind, actor_id, action, subject_kind, subject_id, organization_id, subscription_id, user_id, reason, before, after, is_personal, request_id, mac FROM audit WHERE id = 5",
            Fault::Surplus(6),
        ),
        ("UPDATE audit SET id = -1 WHERE id = 5", Fault::Surplus(-1)),
    ] {
        let world = World::with(5);
        world.tamper(sql);
        assert_eq!(world.fault(), Some(fault), "{sql}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_change_of_any_row_is_found(rows in 2_i64..30, at in 0_i64..30, other in 0_i64..30, what in 0_usize..18) {
        let (at, other) = (at % rows + 1, other % rows + 1);
        let world = World::with(rows);
        let columns = [
            "at = at + 1", "actor_kind = 'job'", "actor_id = actor_id || 'x'", "action = 'a.b'", "subject_kind = 'x'", "subject_id = ''",
            "organization_id = ''", "subscription_id = 7", "user_id = NULL", "reason = coalesce(reason, '') || 'x'", "before = coalesce(before, '') || '='",
            "after = NULL", "is_personal = 1 - is_personal", "request_id = ''", "mac = zeroblob(32)", "mac = x''",
        ];
        // Two rows in each other's place, and one that is gone.
        let swap = format!("UPDATE audit SET id = 1000 WHERE id = {at}; UPDATE audit SET id = {at} WHERE id = {other}; UPDATE audit SET id = {other} WHERE id = 1000");
        let sql = match columns.get(what) {
            Some(column) => format!("UPDATE audit SET {column} WHERE id = {at}"),
            None if what == 16 => format!("DELETE FROM audit WHERE id = {at}"),
            None => swap,
        };
        world.tamper(&sql);
        let is_same = what == 17 && at == other;
        prop_assert_eq!(world.fault().is_none(), is_same, "{}", sql);
    }
}
