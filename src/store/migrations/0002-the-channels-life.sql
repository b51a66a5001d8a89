-- The payment channel's life: webhooks, healing, usage and its pushes. Tables whose CHECKs or columns changed are
-- rebuilt with their rows.

CREATE TABLE subscription_new (
  id            INTEGER PRIMARY KEY,
  seller_id     TEXT NOT NULL,
  instance_id   TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state = 'opening' OR state = 'active' OR state = 'expired' OR state = 'released'),
  product_code  TEXT NOT NULL,
  plan_code     TEXT NOT NULL,
  buyer_account TEXT NOT NULL,
  order_id      TEXT NOT NULL,
  is_trial      INTEGER NOT NULL CHECK (is_trial IN (0, 1)),
  purchase_mark TEXT NOT NULL DEFAULT '',
  items         TEXT NOT NULL DEFAULT '{}',
  expires_at    INTEGER,
  source        TEXT NOT NULL CHECK (source = 'call' OR source = 'healed' OR source = 'tombstone'),
  is_disputed   INTEGER NOT NULL DEFAULT 0 CHECK (is_disputed IN (0, 1)),
  quarantined_at INTEGER,
  overdue_at    INTEGER,
  asked_at      INTEGER NOT NULL DEFAULT 0,
  is_confirmed  INTEGER NOT NULL DEFAULT 0 CHECK (is_confirmed IN (0, 1)),
  version       INTEGER NOT NULL DEFAULT 1,
  created_at    INTEGER NOT NULL,
  activated_at  INTEGER,
  expired_at    INTEGER,
  released_at   INTEGER,
  UNIQUE (seller_id, instance_id)
) STRICT;
INSERT INTO subscription_new (id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id,
    is_trial, purchase_mark, items, expires_at, source, is_disputed, quarantined_at, version, created_at,
    activated_at, expired_at, released_at)
  SELECT id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial,
    purchase_mark, items, expires_at, source, is_disputed, quarantined_at, version, created_at, activated_at,
    expired_at, released_at FROM subscription;
DROP TABLE subscription;
ALTER TABLE subscription_new RENAME TO subscription;

CREATE TABLE call_new (
  id          INTEGER PRIMARY KEY,
  seller_id   TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  action      TEXT NOT NULL,
  order_key   TEXT,
  params      TEXT NOT NULL,
  verdict     TEXT NOT NULL CHECK (verdict = 'applied' OR verdict = 'repeated' OR verdict = 'conflict' OR verdict = 'refused'),
  code        TEXT,
  status      INTEGER NOT NULL,
  reply       TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  took_us     INTEGER NOT NULL,
  request_id  TEXT NOT NULL
) STRICT;
INSERT INTO call_new (id, seller_id, instance_id, action, order_key, params, verdict, code, status, reply,
    received_at, took_us, request_id)
  SELECT id, seller_id, instance_id, action, order_key, params, verdict, code, status, reply, received_at, took_us,
    request_id FROM call;
DROP TABLE call;
ALTER TABLE call_new RENAME TO call;

CREATE TABLE binding_new (
  id              TEXT PRIMARY KEY,
  subscription_id INTEGER NOT NULL REFERENCES subscription (id),
  organization_id TEXT NOT NULL REFERENCES organization (id),
  state           TEXT NOT NULL CHECK (state IN ('requested', 'live', 'ended', 'refused', 'timed_out', 'cancelled')),
  replaces        TEXT REFERENCES binding (id),
  requested_by    TEXT NOT NULL REFERENCES user (id),
  entry_user_id   TEXT NOT NULL REFERENCES user (id),
  entry_role      TEXT NOT NULL CHECK (entry_role IN ('owner', 'billing', 'member')),
  allows_entry    INTEGER NOT NULL CHECK (allows_entry IN (0, 1)),
  requested_at    INTEGER NOT NULL,
  deadline_at     INTEGER,
  live_at         INTEGER,
  ended_at        INTEGER,
  reason          TEXT,
  ended_by        TEXT REFERENCES user (id),
  note            TEXT,
  undone_at       INTEGER,
  CHECK ((state IN ('live')) <= (live_at IS NOT NULL))
) STRICT;
INSERT INTO binding_new (id, subscription_id, organization_id, state, replaces, requested_by, entry_user_id,
    entry_role, allows_entry, requested_at, deadline_at, live_at, ended_at, reason, ended_by, note)
  SELECT id, subscription_id, organization_id, state, replaces, requested_by, entry_user_id, entry_role,
    allows_entry, requested_at, deadline_at, live_at, ended_at, reason, ended_by, note FROM binding;
DROP TABLE binding;
ALTER TABLE binding_new RENAME TO binding;

CREATE INDEX subscription_by_expiry ON subscription (expires_at) WHERE state = 'active' AND expires_at IS NOT NULL;
CREATE INDEX subscription_not_overdue ON subscription (expires_at)
  WHERE state = 'active' AND expires_at IS NOT NULL AND overdue_at IS NULL;
CREATE INDEX subscription_by_check ON subscription (seller_id, asked_at) WHERE state <> 'released';
CREATE INDEX subscription_in_question ON subscription (seller_id, asked_at)
  WHERE state <> 'released' AND (is_disputed = 1 OR quarantined_at IS NOT NULL OR overdue_at IS NOT NULL);
CREATE INDEX call_by_instance ON call (seller_id, instance_id, id);
CREATE UNIQUE INDEX call_applied_once ON call (seller_id, instance_id, action, order_key)
  WHERE verdict = 'applied' AND order_key IS NOT NULL;
CREATE UNIQUE INDEX binding_of_subscription ON binding (subscription_id) WHERE state IN ('requested', 'live');
CREATE UNIQUE INDEX binding_of_organization ON binding (organization_id, (state = 'requested' AND replaces IS NOT
    NULL))
  WHERE state IN ('requested', 'live');
CREATE INDEX binding_history_of_organization ON binding (organization_id, requested_at);
CREATE INDEX binding_history_of_subscription ON binding (subscription_id, requested_at);
CREATE TABLE webhook (
  id              TEXT PRIMARY KEY,
  url             TEXT NOT NULL,
  types           TEXT NOT NULL DEFAULT '',
  secret          TEXT NOT NULL,
  previous_secret TEXT,
  previous_until  INTEGER,
  cursor          INTEGER NOT NULL,
  failing_since   INTEGER,
  disabled_at     INTEGER,
  disabled_reason TEXT CHECK (disabled_reason IN ('requested', 'gone', 'failing')),
  created_at      INTEGER NOT NULL,
  deleted_at      INTEGER,
  CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
) STRICT;

CREATE TABLE delivery (
  id           INTEGER PRIMARY KEY,
  webhook_id   TEXT NOT NULL REFERENCES webhook (id),
  event_id     INTEGER REFERENCES event (id),
  lane         TEXT,
  binding_id   TEXT REFERENCES binding (id),
  state        TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
  attempts     INTEGER NOT NULL DEFAULT 0,
  due_at       INTEGER,
  leased_until INTEGER,
  status       INTEGER,
  error        TEXT,
  created_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  CHECK ((state = 'waiting') = (ended_at IS NULL))
) STRICT;

CREATE UNIQUE INDEX delivery_once ON delivery (webhook_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX delivery_due ON delivery (webhook_id, (binding_id IS NOT NULL), due_at) WHERE state = 'waiting' AND
    due_at IS NOT NULL;
CREATE INDEX delivery_lane ON delivery (webhook_id, lane, event_id) WHERE state = 'waiting' AND lane IS NOT NULL;
CREATE INDEX delivery_open ON delivery (state, webhook_id, id) WHERE state <> 'delivered';
CREATE INDEX delivery_ended ON delivery (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE idempotency (
  api_key_id   TEXT NOT NULL REFERENCES api_key (id),
  key          TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  answer       TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (api_key_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE TABLE usage_event (
  id              INTEGER PRIMARY KEY,
  digest          BLOB NOT NULL UNIQUE,
  source          TEXT NOT NULL,
  event_id        TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  item            TEXT NOT NULL,
  quantity        INTEGER NOT NULL CHECK (quantity >= 0),
  at              INTEGER NOT NULL,
  secs            INTEGER,
  received_at     INTEGER NOT NULL,
  record_id       INTEGER NOT NULL
) STRICT;

CREATE TABLE record (
  id              INTEGER PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  binding_id      TEXT REFERENCES binding (id),
  subscription_id INTEGER REFERENCES subscription (id),
  seller_id       TEXT,
  product_code    TEXT,
  instance_id     TEXT,
  plan_code       TEXT,
  item            TEXT NOT NULL,
  aggregate       TEXT NOT NULL CHECK (aggregate = 'sum' OR aggregate = 'max' OR aggregate = 'last' OR aggregate = 'time_average'),
  cycle           TEXT NOT NULL CHECK (cycle = 'hour' OR cycle = 'day'),
  hour_at         INTEGER NOT NULL,
  until_at        INTEGER NOT NULL,
  part            TEXT NOT NULL CHECK (part = 'regular' OR part = 'late'),
  quantity        INTEGER NOT NULL CHECK (quantity >= 0),
  carried_in      INTEGER NOT NULL DEFAULT 0,
  events          INTEGER NOT NULL,
  deciding_at     INTEGER,
  weight          INTEGER NOT NULL DEFAULT 0,
  weighted        INTEGER NOT NULL DEFAULT 0,
  state           TEXT NOT NULL CHECK (
                    state = 'open' OR state = 'sealed' OR state = 'sending' OR state = 'accepted' OR state = 'rejected'
                    OR state = 'unknown' OR state = 'missed' OR state = 'carried' OR state = 'waived' OR state =
    'unbillable'),
  code            TEXT,
  seals_at        INTEGER NOT NULL,
  due_by          INTEGER NOT NULL,
  sealed_at       INTEGER,
  settled_at      INTEGER,
  push_id         INTEGER REFERENCES push (id),
  attempts        INTEGER NOT NULL DEFAULT 0,
  not_before      INTEGER,
  most            INTEGER,
  told_at         INTEGER,
  carried_into    INTEGER REFERENCES record (id),
  waived_by       TEXT REFERENCES user (id),
  note            TEXT,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  CHECK ((binding_id IS NULL) = (subscription_id IS NULL)),
  CHECK (binding_id IS NOT NULL OR state = 'unbillable'),
  CHECK ((carried_into IS NULL) = (state <> 'carried')),
  CHECK (part = 'late' OR state <> 'carried'),
  CHECK (state <> 'waived' OR waived_by IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX record_of_binding ON record (binding_id, item, hour_at, part, coalesce(carried_into, 0))
  WHERE binding_id IS NOT NULL AND aggregate = 'sum';
CREATE UNIQUE INDEX record_of_gauge ON record (organization_id, item, hour_at, part)
  WHERE binding_id IS NOT NULL AND aggregate <> 'sum';
CREATE UNIQUE INDEX record_outside ON record (organization_id, item, hour_at, code) WHERE binding_id IS NULL;
CREATE INDEX record_open ON record (seals_at) WHERE state = 'open';
CREATE INDEX record_sealed ON record (due_by, seller_id, product_code, instance_id) WHERE state = 'sealed';
CREATE INDEX record_open_of_subscription ON record (subscription_id) WHERE state = 'open';
CREATE INDEX record_sending ON record (push_id) WHERE state = 'sending';
CREATE INDEX record_held ON record (state, updated_at) WHERE state = 'unknown' OR state = 'rejected' OR state =
    'missed';
CREATE INDEX record_by_window ON record (hour_at, id);
CREATE INDEX record_of_organization ON record (organization_id, hour_at);
CREATE INDEX record_of_subscription ON record (subscription_id, hour_at) WHERE subscription_id IS NOT NULL;
CREATE TABLE push (
  id           INTEGER PRIMARY KEY,
  seller_id    TEXT NOT NULL,
  product_code TEXT NOT NULL,
  nonce        TEXT NOT NULL UNIQUE,
  body_digest  BLOB NOT NULL,
  records      INTEGER NOT NULL,
  entities     INTEGER NOT NULL,
  state        TEXT NOT NULL CHECK (
                 state = 'sending' OR state = 'accepted' OR state = 'rejected' OR state = 'unknown' OR state = 'not_sent'
                 OR state = 'throttled' OR state = 'halved' OR state = 'stopped'),
  status       INTEGER,
  code         TEXT,
  request_ref  TEXT,
  sent_at      INTEGER NOT NULL,
  answered_at  INTEGER
) STRICT;

CREATE INDEX push_sending ON push (id) WHERE state = 'sending';
CREATE TABLE push_pace (
  seller_id   TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  named_at    INTEGER NOT NULL,
  PRIMARY KEY (seller_id, instance_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE push_stop (
  seller_id     TEXT PRIMARY KEY,
  access_key_id TEXT NOT NULL,
  code          TEXT NOT NULL,
  stopped_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;


CREATE INDEX job_done ON job (done_at) WHERE done_at IS NOT NULL;

-- Graces that are counting down end by a job from now on.
INSERT INTO job (kind, key, due_at)
  SELECT 'organization.end_grace', id || ' ' || grace_until, grace_until FROM organization
  WHERE freeze_reason = 'payment' AND grace_until IS NOT NULL;
