-- The simulator's own small file: Alibaba's side of the world. Instants are milliseconds since the Unix epoch.

-- Clock offset and the like, by name.
CREATE TABLE fact (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE instance (
  id TEXT PRIMARY KEY,              -- orderBizId
  account TEXT NOT NULL,            -- key of the buyer account
  product TEXT NOT NULL,
  plan TEXT NOT NULL,               -- sku
  items TEXT NOT NULL,              -- JSON: [[key, value], ...] of extra billing items
  is_trial INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('opening', 'opened', 'failed', 'expired', 'closed')),
  attempts INTEGER NOT NULL DEFAULT 0,  -- createInstance calls so far
  created_at INTEGER NOT NULL,
  opened_at INTEGER,
  expires_at INTEGER,
  expired_at INTEGER,               -- when it lapsed; NULL again after a renewal
  closed_at INTEGER,
  seller_id TEXT,                   -- what createInstance returned as instanceId
  reply TEXT                        -- the answer that opened it, as received
) STRICT;
CREATE INDEX instance_by_account ON instance (account, created_at);

CREATE TABLE purchase (
  id TEXT PRIMARY KEY,              -- orderId
  instance_id TEXT NOT NULL REFERENCES instance (id),
  kind TEXT NOT NULL CHECK (kind IN ('new', 'trial', 'renew', 'upgrade')),
  plan TEXT NOT NULL,
  price_fen INTEGER NOT NULL,
  expires_at INTEGER,               -- the expiry that this order brought
  previous_expires_at INTEGER,      -- renewals: the expiry before
  is_refunded INTEGER NOT NULL DEFAULT 0,
  form_id TEXT UNIQUE,              -- of the form that was submitted: sent twice, bought once
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX purchase_by_instance ON purchase (instance_id, created_at);

-- Calls that the marketplace owes the seller.
CREATE TABLE work (
  id INTEGER PRIMARY KEY,
  instance_id TEXT NOT NULL REFERENCES instance (id),
  action TEXT NOT NULL,
  params TEXT NOT NULL,             -- JSON: [[name, value], ...] beside action, instance and token
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  misses INTEGER NOT NULL DEFAULT 0,    -- attempts in a row without any answer
  is_held INTEGER NOT NULL DEFAULT 0,   -- reorder: waits for the instance's next call
  is_extra INTEGER NOT NULL DEFAULT 0,  -- replay: its outcome changes nothing
  is_automatic INTEGER NOT NULL DEFAULT 0, -- the expiry of the term; moves with it
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'given_up'))
) STRICT;
CREATE INDEX work_due ON work (due_at) WHERE state = 'open';

-- Every raw call in either direction, tokens and signatures hidden.
CREATE TABLE call (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('out', 'in')),
  action TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  method TEXT NOT NULL,
  request TEXT NOT NULL,
  fault TEXT,
  status INTEGER,                   -- NULL: no answer
  reply TEXT NOT NULL,              -- or why there is none
  took_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE fault (
  id INTEGER PRIMARY KEY,
  action TEXT NOT NULL,
  kind TEXT NOT NULL,
  remaining INTEGER NOT NULL,
  delay_ms INTEGER
) STRICT;

-- orderPay messages whose retries are used up, for DescribeFailedNotifications.
CREATE TABLE notification (
  request_id TEXT PRIMARY KEY,
  action TEXT NOT NULL,
  message TEXT NOT NULL,            -- JSON
  created_at INTEGER NOT NULL,
  confirmed_at INTEGER
) STRICT;

-- Nonces of signed OpenAPI requests, so that none is accepted twice.
CREATE TABLE nonce (
  nonce TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 2;
