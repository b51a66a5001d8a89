-- People, their rights, and what operators do: tables and columns of their own.

-- What people, operators and keys did, and what changed bindings and freezes (rules D6). Ids only: values that tell of a
-- person are sealed with that person's key. Append-only and gapless; each row's `mac` covers it and the one before.
CREATE TABLE audit (
  id              INTEGER PRIMARY KEY,
  at              INTEGER NOT NULL,
  actor_kind      TEXT NOT NULL CHECK (actor_kind IN ('user', 'operator', 'api_key', 'webhook', 'marketplace', 'command_line', 'job')),
  actor_id        TEXT NOT NULL,                       -- empty for the command line
  action          TEXT NOT NULL,                       -- `binding.unbound`
  subject_kind    TEXT NOT NULL,
  subject_id      TEXT NOT NULL,
  organization_id TEXT,
  subscription_id INTEGER,
  user_id         TEXT,                                -- whom it is about
  reason          TEXT,                                -- what the actor wrote about it
  before          TEXT,                                -- values, sealed if `is_personal`
  after           TEXT,
  is_personal     INTEGER NOT NULL DEFAULT 0 CHECK (is_personal IN (0, 1)),
  request_id      TEXT NOT NULL DEFAULT '',
  mac             BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_actor ON audit (actor_id, id);
CREATE INDEX audit_by_organization ON audit (organization_id, id) WHERE organization_id IS NOT NULL;
CREATE INDEX audit_by_subscription ON audit (subscription_id, id) WHERE subscription_id IS NOT NULL;
CREATE INDEX audit_by_user ON audit (user_id, id) WHERE user_id IS NOT NULL;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit WHEN OLD.id > (SELECT base_id FROM audit_head)
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- Where the log begins and ends, so that a row missing at an end is found, too.
CREATE TABLE audit_head (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  chain    TEXT NOT NULL,                              -- the chain's key, sealed with the master key
  base_id  INTEGER NOT NULL,                           -- the last row that retention took
  base_mac BLOB NOT NULL,
  last_id  INTEGER NOT NULL,
  last_mac BLOB NOT NULL,
  mac      BLOB NOT NULL                               -- over the four above
) STRICT;

-- A person's key for values in the log, sealed with the master key. Without it those values are gone (rules D6).
CREATE TABLE audit_key (
  user_id TEXT PRIMARY KEY,
  key     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Second factors: a secret that an authenticator app and we share.
CREATE TABLE totp (
  user_id    TEXT PRIMARY KEY REFERENCES user (id) ON DELETE CASCADE,
  secret     TEXT NOT NULL,                            -- sealed
  last_step  INTEGER NOT NULL,                         -- of the last code that was taken: none works twice
  enabled_at INTEGER NOT NULL
) STRICT;

-- Codes that stand in for the app, each once. 80 bits each, so a plain digest keeps them.
CREATE TABLE recovery_code (
  code_hash BLOB PRIMARY KEY,
  user_id   TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  used_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_code_by_user ON recovery_code (user_id);

-- Half signed in: the password was right, the code is missing. Grants nothing.
CREATE TABLE half_session (
  secret_hash BLOB PRIMARY KEY,                        -- SHA-256 of the cookie's value
  user_id     TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  binding_id  TEXT REFERENCES binding (id),            -- came by a login-free entry instead of a password
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX half_session_by_user ON half_session (user_id);
CREATE INDEX half_session_by_expiry ON half_session (expires_at);

-- Wrong codes in a row, by the door at which they were tried.
CREATE TABLE second_factor_guess (
  user_id      TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  door         TEXT NOT NULL CHECK (door IN ('password', 'entry')),
  failures     INTEGER NOT NULL,
  paused_until INTEGER,
  PRIMARY KEY (user_id, door)
) STRICT, WITHOUT ROWID;

-- Addresses that wait for the code that was mailed to them (rules A7): who registers, and who confirms or changes theirs.
CREATE TABLE email_check (
  id            TEXT PRIMARY KEY,
  browser_hash  BLOB NOT NULL,                         -- where the code may be typed
  email         TEXT NOT NULL,
  user_id       TEXT REFERENCES user (id) ON DELETE CASCADE, -- whose it becomes; NULL: somebody registers
  name          TEXT NOT NULL,
  password_hash TEXT NOT NULL,                         -- of who registers
  is_taken      INTEGER NOT NULL CHECK (is_taken IN (0, 1)), -- no code is right, and its owner is told
  code_mac      BLOB NOT NULL,                         -- under the master key: six digits need more than a digest
  tries         INTEGER NOT NULL,                      -- wrong ones
  codes         INTEGER NOT NULL,                      -- that were mailed
  sent_at       INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  done_at       INTEGER
) STRICT;
CREATE INDEX email_check_by_email ON email_check (email, created_at);
CREATE INDEX email_check_by_age ON email_check (created_at);
CREATE INDEX email_check_by_user ON email_check (user_id) WHERE user_id IS NOT NULL;

ALTER TABLE user ADD COLUMN deleted_at INTEGER;

-- How the secret of a key begins, to find its row; and the key that it took the place of.
ALTER TABLE api_key ADD COLUMN hint TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN replaces TEXT REFERENCES api_key (id);
CREATE UNIQUE INDEX api_key_replaced_once ON api_key (replaces) WHERE replaces IS NOT NULL;

-- When the keys of sellers' calls verified one. The keys are files (rules D5): a mark tells them apart.
CREATE TABLE isv_key_use (
  seller_id TEXT NOT NULL,
  mark      TEXT NOT NULL,
  first_at  INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,                          -- coarse: no write per call
  PRIMARY KEY (seller_id, mark)
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_by_recipient ON mail (recipient);
CREATE INDEX binding_by_requester ON binding (requested_by, requested_at);

-- Somebody was asked to join an organization. What the mailed link carries is never kept.
CREATE TABLE invitation (
  id              TEXT PRIMARY KEY,                    -- names it in lists; grants nothing
  token_hash      BLOB NOT NULL UNIQUE,                -- of the newest link: another one ends it
  organization_id TEXT NOT NULL REFERENCES organization (id),
  email           TEXT NOT NULL,                       -- whom it is for, lower-case
  role            TEXT NOT NULL CHECK (role IN ('owner', 'billing', 'member')),
  invited_by      TEXT NOT NULL REFERENCES user (id),
  is_shown        INTEGER NOT NULL CHECK (is_shown IN (0, 1)), -- the link was shown instead of mailed: it proves no address
  sent_at         INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  accepted_at     INTEGER,
  accepted_by     TEXT REFERENCES user (id),
  revoked_at      INTEGER,
  CHECK ((accepted_at IS NULL) = (accepted_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX invitation_open ON invitation (organization_id, email)
  WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE INDEX invitation_by_email ON invitation (email);
CREATE INDEX invitation_by_expiry ON invitation (expires_at);

-- Which master key the secrets of this file are sealed with; the key itself is never here.
CREATE TABLE master_key (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  mark BLOB NOT NULL
) STRICT;

CREATE INDEX session_by_expiry ON session (expires_at);
CREATE INDEX password_reset_by_expiry ON password_reset (expires_at);
ALTER TABLE password_reset ADD COLUMN is_mailed INTEGER NOT NULL DEFAULT 0 CHECK (is_mailed IN (0, 1)); -- to the address, which its use proves

-- Operators are few among many.
CREATE INDEX user_operator ON user (id) WHERE is_operator = 1;

-- What was given up is counted for the operator's monitoring.
CREATE INDEX job_dead ON job (kind) WHERE dead_at IS NOT NULL;

-- When the last round was, and subscriptions as operators look for them.
ALTER TABLE job ADD COLUMN ran_at INTEGER;
CREATE INDEX subscription_by_state ON subscription (state);
CREATE INDEX subscription_by_order ON subscription (order_id);
CREATE INDEX subscription_by_buyer ON subscription (buyer_account);

-- Which one of its copies a file is (rules D2).
ALTER TABLE meta ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
ALTER TABLE meta ADD COLUMN home TEXT;
ALTER TABLE meta ADD COLUMN last_commit_at INTEGER;
ALTER TABLE meta ADD COLUMN restored_since INTEGER;
ALTER TABLE meta ADD COLUMN restored_at INTEGER;
ALTER TABLE meta ADD COLUMN is_fenced INTEGER NOT NULL DEFAULT 0;

-- What is held back until `marketgate resume`: pushes, webhooks and mails of a copy; by a clock that moved by itself, the
-- closing and pushing of usage (rules D2, D3).
CREATE TABLE hold (
  reason  TEXT PRIMARY KEY CHECK (reason IN ('restored', 'clock')),
  detail  TEXT NOT NULL,
  held_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys are never rows (rules D5): a mark tells which one was refused. Those that were are tried once more.
DELETE FROM push_stop;
ALTER TABLE push_stop RENAME COLUMN access_key_id TO key_mark;

-- No question was ever answered by it: those about expiries leave out what is overdue.
DROP INDEX subscription_by_expiry;

-- How long calls, and what somebody typed in them, are kept (rules D6). The names are the protocol's own.
ALTER TABLE subscription ADD COLUMN has_calls INTEGER NOT NULL DEFAULT 1 CHECK (has_calls IN (0, 1));
CREATE INDEX subscription_to_forget ON subscription (released_at) WHERE released_at IS NOT NULL AND has_calls = 1;
ALTER TABLE call ADD COLUMN is_free_form INTEGER NOT NULL DEFAULT 0 CHECK (is_free_form IN (0, 1));
UPDATE call SET is_free_form = 1 WHERE json_valid(params) AND EXISTS (
  SELECT 1 FROM json_each(call.params) WHERE key NOT IN ('action', 'aliUid', 'orderBizId', 'orderId', 'productCode', 'skuId', 'trial',
    'expiredOn', 'template', 'token', 'instanceId', 'isRefund', 'ecsInstanceId', 'package_version', 'requestId', 'timeStamp'));
CREATE INDEX call_free_form ON call (received_at) WHERE is_free_form = 1;

-- Alarms are kept as they were raised: the parameters of a call with what was typed in them, and the answers of mail servers with the
-- address that they refuse.
UPDATE alarm SET detail = (
  SELECT json_group_object(key, value) FROM json_each(alarm.detail) WHERE key IN ('action', 'aliUid', 'orderBizId', 'orderId',
    'productCode', 'skuId', 'trial', 'expiredOn', 'template', 'token', 'instanceId', 'isRefund', 'ecsInstanceId', 'package_version',
    'requestId', 'timeStamp'))
  WHERE CASE WHEN json_valid(detail) THEN json_type(detail, '$.action') END IS NOT NULL;
UPDATE alarm SET detail = '' WHERE kind = 'dead_job' AND subject GLOB 'mail.send *';
UPDATE job SET last_error = NULL WHERE kind = 'mail.send';
CREATE INDEX alarm_by_subject ON alarm (subject);
CREATE INDEX alarm_cleared ON alarm (cleared_at) WHERE cleared_at IS NOT NULL;
