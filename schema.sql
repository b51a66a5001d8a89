-- The wanted end state of a Marketgate database, and what a new one is made from.
-- Moments are INTEGER milliseconds since the Unix epoch (`_at`, `_until`); booleans are 0 or 1; ids of
-- our own are TypeIDs (`org_…`); what a stranger must not learn from a copy is stored hashed or sealed.
-- Tables that each marketplace call writes to spell their CHECKs with OR: SQLite builds a table in memory for each IN
-- of three or more, at each statement.
-- Change it together with a step in src/store/migrations/ and the number on the last line.

---------------------------------------------------------------- the file itself

CREATE TABLE meta (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  created_at     INTEGER NOT NULL,
  epoch          INTEGER NOT NULL DEFAULT 1,           -- raised by restore and promote: of all copies the greatest writes (rules D2)
  home           TEXT,                                 -- which file on which machine this is; any other is a copy
  last_commit_at INTEGER,                              -- not long before the last change
  restored_since INTEGER,                              -- a copy: its original may have sent things since then,
  restored_at    INTEGER,                              -- and until then, when the copy was started
  is_fenced      INTEGER NOT NULL DEFAULT 0            -- it stood in a fence: one that is empty is another, or not mounted
) STRICT;

-- What is held back until `marketgate resume`: pushes, webhooks and mails of a copy; by a clock that moved by itself, the
-- closing and pushing of usage (rules D2, D3).
CREATE TABLE hold (
  reason  TEXT PRIMARY KEY CHECK (reason IN ('restored', 'clock')),
  detail  TEXT NOT NULL,
  held_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which master key the secrets of this file are sealed with; the key itself is never here.
CREATE TABLE master_key (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  mark BLOB NOT NULL
) STRICT;

---------------------------------------------------------------- people

CREATE TABLE user (
  id                  TEXT PRIMARY KEY,
  email               TEXT NOT NULL UNIQUE,            -- lower-case, see domain::value::Email
  name                TEXT NOT NULL,
  password_hash       TEXT NOT NULL,                   -- PHC string, Argon2id
  lang                TEXT NOT NULL DEFAULT 'zh-CN',
  is_operator         INTEGER NOT NULL DEFAULT 0 CHECK (is_operator IN (0, 1)),
  email_verified_at   INTEGER,
  password_changed_at INTEGER NOT NULL,
  created_at          INTEGER NOT NULL,
  disabled_at         INTEGER,
  deleted_at          INTEGER                          -- erased by the person: a row without a name
) STRICT;

-- Operators are few among many.
CREATE INDEX user_operator ON user (id) WHERE is_operator = 1;

CREATE TABLE session (
  id              TEXT PRIMARY KEY,                    -- names it in lists; grants nothing
  secret_hash     BLOB NOT NULL UNIQUE,                -- SHA-256 of the cookie's value
  user_id         TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  kind            TEXT NOT NULL CHECK (kind IN ('full', 'marketplace')),
  binding_id      TEXT REFERENCES binding (id),        -- marketplace: the binding it entered by
  role            TEXT CHECK (role IN ('owner', 'billing', 'member')), -- marketplace: the role held then
  created_at      INTEGER NOT NULL,
  seen_at         INTEGER NOT NULL,                    -- written at most once a minute
  expires_at      INTEGER NOT NULL,                    -- absolute limit
  stepped_up_until INTEGER,                            -- the password was typed again (rules A1)
  ended_at        INTEGER,
  user_agent      TEXT NOT NULL DEFAULT '',
  address         TEXT NOT NULL DEFAULT '',
  CHECK ((kind = 'marketplace') = (binding_id IS NOT NULL))
) STRICT;
CREATE INDEX session_by_user ON session (user_id, ended_at);
CREATE INDEX session_by_expiry ON session (expires_at);
CREATE INDEX session_by_binding ON session (binding_id) WHERE binding_id IS NOT NULL;

-- Browsers from which a user was seen; the first entry from another one is mailed (rules A1).
CREATE TABLE known_browser (
  user_id      TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  browser_hash BLOB NOT NULL,
  first_seen_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, browser_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE password_reset (
  token_hash BLOB PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER,
  is_mailed  INTEGER NOT NULL DEFAULT 0 CHECK (is_mailed IN (0, 1)) -- to the address, which its use proves
) STRICT, WITHOUT ROWID;
CREATE INDEX password_reset_by_user ON password_reset (user_id);
CREATE INDEX password_reset_by_expiry ON password_reset (expires_at);

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

-- Wrong codes in a row, by the door at which they were tried.
CREATE TABLE second_factor_guess (
  user_id      TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  door         TEXT NOT NULL CHECK (door IN ('password', 'entry')),
  failures     INTEGER NOT NULL,
  paused_until INTEGER,
  PRIMARY KEY (user_id, door)
) STRICT, WITHOUT ROWID;

---------------------------------------------------------------- organizations

CREATE TABLE organization (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  time_zone     TEXT NOT NULL DEFAULT 'Asia/Shanghai',
  freeze_reason TEXT CHECK (freeze_reason IN ('payment', 'operator')),
  frozen_at     INTEGER,
  grace_until   INTEGER,                               -- payment freezes: end of the 15 days
  version       INTEGER NOT NULL DEFAULT 1,            -- counts changes; forms are sealed to it (rules A3)
  created_at    INTEGER NOT NULL,
  deleted_at    INTEGER,
  CHECK ((freeze_reason IS NULL) = (frozen_at IS NULL))
) STRICT;

CREATE TABLE member (
  organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
  user_id         TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  role            TEXT NOT NULL CHECK (role IN ('owner', 'billing', 'member')),
  joined_at       INTEGER NOT NULL,
  PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_by_user ON member (user_id);

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

---------------------------------------------------------------- subscriptions

-- One purchase at the marketplace. Its name there is (seller_id, instance_id).
CREATE TABLE subscription (
  id            INTEGER PRIMARY KEY,
  seller_id     TEXT NOT NULL,
  instance_id   TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state = 'opening' OR state = 'active' OR state = 'expired' OR state = 'released'),
  product_code  TEXT NOT NULL,
  plan_code     TEXT NOT NULL,
  buyer_account TEXT NOT NULL,                         -- UID, masked everywhere but for operators (rules D6)
  order_id      TEXT NOT NULL,                         -- of the purchase
  is_trial      INTEGER NOT NULL CHECK (is_trial IN (0, 1)),
  purchase_mark TEXT NOT NULL DEFAULT '',              -- what the first createInstance said (rules B1)
  items         TEXT NOT NULL DEFAULT '{}',            -- JSON: billing items and unknown parameters, name to text
  expires_at    INTEGER,                               -- only ever what the marketplace said; NULL: no term
  source        TEXT NOT NULL CHECK (source = 'call' OR source = 'healed' OR source = 'tombstone'),
  is_disputed   INTEGER NOT NULL DEFAULT 0 CHECK (is_disputed IN (0, 1)), -- expired long before its date (rules B2)
  quarantined_at INTEGER,                              -- the marketplace does not know it (rules D5)
  overdue_at    INTEGER,                               -- noticed: no call came for an hour after the expiry (rules B2)
  asked_at      INTEGER NOT NULL DEFAULT 0,            -- the marketplace's OpenAPI last told us of it; 0: never
  is_confirmed  INTEGER NOT NULL DEFAULT 0 CHECK (is_confirmed IN (0, 1)), -- it has said at least once that it knows it
  version       INTEGER NOT NULL DEFAULT 1,            -- counts changes; forms are sealed to it (rules A3)
  created_at    INTEGER NOT NULL,
  activated_at  INTEGER,
  expired_at    INTEGER,
  released_at   INTEGER,
  has_calls     INTEGER NOT NULL DEFAULT 1 CHECK (has_calls IN (0, 1)), -- 0: its calls are forgotten, long after its release
  UNIQUE (seller_id, instance_id)
) STRICT;
CREATE INDEX subscription_not_overdue ON subscription (expires_at)
  WHERE state = 'active' AND expires_at IS NOT NULL AND overdue_at IS NULL;
-- Whose turn it is to be checked, and what is asked about first.
CREATE INDEX subscription_by_check ON subscription (seller_id, asked_at) WHERE state <> 'released';
CREATE INDEX subscription_in_question ON subscription (seller_id, asked_at)
  WHERE state <> 'released' AND (is_disputed = 1 OR quarantined_at IS NOT NULL OR overdue_at IS NOT NULL);

-- Whose calls are to be forgotten (rules D6).
CREATE INDEX subscription_to_forget ON subscription (released_at) WHERE released_at IS NOT NULL AND has_calls = 1;

-- What operators look for.
CREATE INDEX subscription_by_state ON subscription (state);
CREATE INDEX subscription_by_order ON subscription (order_id);
CREATE INDEX subscription_by_buyer ON subscription (buyer_account);

-- Every SPI call whose token was right, with what we answered. The token itself is never kept.
CREATE TABLE call (
  id          INTEGER PRIMARY KEY,
  seller_id   TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  action      TEXT NOT NULL,
  order_key   TEXT,                                    -- what makes it the same call again (rules B1); NULL: none
  params      TEXT NOT NULL,                           -- JSON as received, token hidden; null: erased (rules D6)
  verdict     TEXT NOT NULL CHECK (verdict = 'applied' OR verdict = 'repeated' OR verdict = 'conflict' OR verdict = 'refused'),
  code        TEXT,                                    -- why refused or conflicting
  status      INTEGER NOT NULL,
  reply       TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  took_us     INTEGER NOT NULL,
  request_id  TEXT NOT NULL,
  is_free_form INTEGER NOT NULL DEFAULT 0 CHECK (is_free_form IN (0, 1)) -- params may hold what somebody typed, to be erased
) STRICT;
CREATE INDEX call_by_instance ON call (seller_id, instance_id, id);
-- Most calls have nothing to erase, and cost this nothing.
CREATE INDEX call_free_form ON call (received_at) WHERE is_free_form = 1;
-- An applied order never applies again.
CREATE UNIQUE INDEX call_applied_once ON call (seller_id, instance_id, action, order_key)
  WHERE verdict = 'applied' AND order_key IS NOT NULL;

-- A sample of the calls that were turned away at the door: at most 10,000 rows, 2 KiB each (rules B4).
CREATE TABLE refused_call (
  id          INTEGER PRIMARY KEY,
  seller_id   TEXT NOT NULL,
  code        TEXT NOT NULL,
  params      TEXT NOT NULL,
  address     TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  request_id  TEXT NOT NULL
) STRICT;

-- What needs an operator's eye. One open row per kind and subject.
CREATE TABLE alarm (
  id         INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL,
  subject    TEXT NOT NULL,
  detail     TEXT NOT NULL DEFAULT '',
  times      INTEGER NOT NULL DEFAULT 1,
  raised_at  INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  cleared_at INTEGER
) STRICT;
CREATE UNIQUE INDEX alarm_open ON alarm (kind, subject) WHERE cleared_at IS NULL;
CREATE INDEX alarm_by_subject ON alarm (subject);
CREATE INDEX alarm_cleared ON alarm (cleared_at) WHERE cleared_at IS NOT NULL;

---------------------------------------------------------------- landing and claims

-- Login-free tokens whose POST has happened (rules A2). Kept for twice the window.
CREATE TABLE spent_token (
  token_hash    BLOB PRIMARY KEY,
  pre_hash      BLOB NOT NULL,                         -- the first browser's pre-ticket cookie
  claim_id      TEXT NOT NULL REFERENCES claim (id),
  spent_at      INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_token_by_expiry ON spent_token (expires_at);

-- A person on the way from a login-free link to a binding (rules A3).
CREATE TABLE claim (
  id           TEXT PRIMARY KEY,
  seller_id    TEXT NOT NULL,
  instance_id  TEXT NOT NULL,                          -- the subscription may not be known yet
  browser_hash BLOB NOT NULL,                          -- the creating browser
  user_id      TEXT REFERENCES user (id) ON DELETE CASCADE, -- set once
  created_at   INTEGER NOT NULL,
  step_at      INTEGER NOT NULL,                       -- last step; it ends 24 h later, 7 days after creation at most
  binding_id   TEXT REFERENCES binding (id),           -- the request this claim made last
  closed_at    INTEGER
) STRICT;
CREATE INDEX claim_by_browser ON claim (browser_hash) WHERE closed_at IS NULL;
CREATE INDEX claim_by_user ON claim (user_id) WHERE closed_at IS NULL AND user_id IS NOT NULL;
CREATE INDEX claim_by_instance ON claim (seller_id, instance_id) WHERE closed_at IS NULL;

-- An organization pays through a subscription (rules A4).
CREATE TABLE binding (
  id              TEXT PRIMARY KEY,
  subscription_id INTEGER NOT NULL REFERENCES subscription (id),
  organization_id TEXT NOT NULL REFERENCES organization (id),
  state           TEXT NOT NULL CHECK (state IN ('requested', 'live', 'ended', 'refused', 'timed_out', 'cancelled')),
  replaces        TEXT REFERENCES binding (id),        -- a switch: the binding it takes the place of
  requested_by    TEXT NOT NULL REFERENCES user (id),
  entry_user_id   TEXT NOT NULL REFERENCES user (id),  -- whom a later login-free entry signs in (rules A1)
  entry_role      TEXT NOT NULL CHECK (entry_role IN ('owner', 'billing', 'member')),
  allows_entry    INTEGER NOT NULL CHECK (allows_entry IN (0, 1)),
  requested_at    INTEGER NOT NULL,
  deadline_at     INTEGER,                             -- of the vendor's confirmation
  live_at         INTEGER,
  ended_at        INTEGER,
  reason          TEXT,                                -- why refused, cancelled or ended
  ended_by        TEXT REFERENCES user (id),           -- the person who unbound or switched it
  note            TEXT,                                -- what that person wrote about it
  undone_at       INTEGER,                             -- confirmed too late: binding.ended told the vendor to undo
  CHECK ((state IN ('live')) <= (live_at IS NOT NULL))
) STRICT;
-- At most one live or requested binding per subscription.
CREATE UNIQUE INDEX binding_of_subscription ON binding (subscription_id) WHERE state IN ('requested', 'live');
-- The same per organization; only a switch may be requested beside the binding that it replaces.
CREATE UNIQUE INDEX binding_of_organization ON binding (organization_id, (state = 'requested' AND replaces IS NOT NULL))
  WHERE state IN ('requested', 'live');
CREATE INDEX binding_by_requester ON binding (requested_by, requested_at);
CREATE INDEX binding_history_of_organization ON binding (organization_id, requested_at);
CREATE INDEX binding_history_of_subscription ON binding (subscription_id, requested_at);

-- 「请求管理员绑定」: a mailed link with which an owner completes the purchase (72 h, once).
CREATE TABLE approval (
  token_hash      BLOB PRIMARY KEY,
  claim_id        TEXT NOT NULL REFERENCES claim (id),
  organization_id TEXT NOT NULL REFERENCES organization (id),
  requester_id    TEXT NOT NULL REFERENCES user (id),
  created_at      INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  used_at         INTEGER,
  used_by         TEXT REFERENCES user (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX approval_by_claim ON approval (claim_id, organization_id);

---------------------------------------------------------------- the vendor's product

-- One-time codes of 「进入产品」: 60 s, once.
CREATE TABLE entry_code (
  code_hash       BLOB PRIMARY KEY,
  session_id      TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  created_at      INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  used_at         INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_code_by_expiry ON entry_code (expires_at);

CREATE TABLE api_key (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  secret_hash  BLOB NOT NULL UNIQUE,
  scopes       TEXT NOT NULL,                          -- space-separated
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  revoked_at   INTEGER,
  last_used_at INTEGER,                                -- coarse: no write per call
  hint         TEXT NOT NULL DEFAULT '',               -- how the secret begins, to find its row
  replaces     TEXT REFERENCES api_key (id)            -- a rotation: the key that goes on for a while beside it
) STRICT;
CREATE UNIQUE INDEX api_key_replaced_once ON api_key (replaces) WHERE replaces IS NOT NULL;

-- When the keys of sellers' calls verified one. The keys are files (rules D5): a mark tells them apart.
CREATE TABLE isv_key_use (
  seller_id TEXT NOT NULL,
  mark      TEXT NOT NULL,
  first_at  INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,                          -- coarse: no write per call
  PRIMARY KEY (seller_id, mark)
) STRICT, WITHOUT ROWID;

-- The feed: what happened, in the order in which it became true. Webhooks carry the same bodies.
CREATE TABLE event (
  id              INTEGER PRIMARY KEY,                 -- the feed's cursor
  type            TEXT NOT NULL,
  subscription_id INTEGER REFERENCES subscription (id),
  sequence        INTEGER,                             -- per subscription, gapless
  subject         TEXT NOT NULL,
  data            TEXT NOT NULL,                       -- JSON
  occurred_at     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_of_subscription ON event (subscription_id, sequence) WHERE subscription_id IS NOT NULL;

-- Where the vendor's product hears of events, by the Standard Webhooks specification.
CREATE TABLE webhook (
  id              TEXT PRIMARY KEY,
  url             TEXT NOT NULL,
  types           TEXT NOT NULL DEFAULT '',            -- space-separated filters such as `binding.*`; none: everything
  secret          TEXT NOT NULL,                       -- sealed
  previous_secret TEXT,                                -- sealed; signs as well while a rotation overlaps
  previous_until  INTEGER,
  cursor          INTEGER NOT NULL,                    -- the last event that was considered for it
  failing_since   INTEGER,                             -- no delivery has succeeded since
  disabled_at     INTEGER,
  disabled_reason TEXT CHECK (disabled_reason IN ('requested', 'gone', 'failing')),
  created_at      INTEGER NOT NULL,
  deleted_at      INTEGER,
  CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
) STRICT;

-- One event on its way to one webhook.
CREATE TABLE delivery (
  id           INTEGER PRIMARY KEY,
  webhook_id   TEXT NOT NULL REFERENCES webhook (id),
  event_id     INTEGER REFERENCES event (id),          -- NULL: a ping
  lane         TEXT,                                   -- those of one lane go out one after the other
  binding_id   TEXT REFERENCES binding (id),           -- asks the vendor to confirm this binding (rules A4)
  state        TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
  attempts     INTEGER NOT NULL DEFAULT 0,
  due_at       INTEGER,                                -- NULL while an earlier one of its lane is waiting
  leased_until INTEGER,                                -- on the real clock
  status       INTEGER,                                -- of the last answer
  error        TEXT,                                   -- why the last attempt failed
  created_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  CHECK ((state = 'waiting') = (ended_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX delivery_once ON delivery (webhook_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX delivery_due ON delivery (webhook_id, (binding_id IS NOT NULL), due_at) WHERE state = 'waiting' AND due_at IS NOT NULL;
CREATE INDEX delivery_lane ON delivery (webhook_id, lane, event_id) WHERE state = 'waiting' AND lane IS NOT NULL;
CREATE INDEX delivery_open ON delivery (state, webhook_id, id) WHERE state <> 'delivered';
CREATE INDEX delivery_ended ON delivery (ended_at) WHERE ended_at IS NOT NULL;

-- Answers to POSTs with an Idempotency-Key, so that the same call again gets the same answer.
CREATE TABLE idempotency (
  api_key_id   TEXT NOT NULL REFERENCES api_key (id),
  key          TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  answer       TEXT NOT NULL,                          -- sealed: it may show a secret
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (api_key_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

---------------------------------------------------------------- usage

-- Each event of usage that was taken, for 40 days: older ones are refused, so that it counts once for ever (rules C2).
-- Ids follow arrival. The digest keeps the one index that is written at random small.
CREATE TABLE usage_event (
  id              INTEGER PRIMARY KEY,
  digest          BLOB NOT NULL UNIQUE,                -- 16 bytes of SHA-256 over source and event_id
  source          TEXT NOT NULL,
  event_id        TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  item            TEXT NOT NULL,
  quantity        INTEGER NOT NULL CHECK (quantity >= 0),
  at              INTEGER NOT NULL,
  secs            INTEGER,                             -- how long it lasted, if it said
  received_at     INTEGER NOT NULL,
  record_id       INTEGER NOT NULL                     -- the record that counts it
) STRICT;

-- The ledger: what was used of an item in a clock hour or day of China, and what became of it (rules C1, C3, C4).
-- Every unit of usage is in exactly one record: a carried one is counted in its target's `carried_in`, too.
CREATE TABLE record (
  id              INTEGER PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  binding_id      TEXT REFERENCES binding (id),        -- NULL: outside any
  subscription_id INTEGER REFERENCES subscription (id),
  seller_id       TEXT,                                -- the subscription's, so that a push needs no join
  product_code    TEXT,
  instance_id     TEXT,
  plan_code       TEXT,
  item            TEXT NOT NULL,
  aggregate       TEXT NOT NULL CHECK (aggregate = 'sum' OR aggregate = 'max' OR aggregate = 'last' OR aggregate = 'time_average'),
  cycle           TEXT NOT NULL CHECK (cycle = 'hour' OR cycle = 'day'),
  hour_at         INTEGER NOT NULL,                    -- start of the clock hour or day
  until_at        INTEGER NOT NULL,                    -- end of the window as it is pushed, [hour_at, until_at)
  part            TEXT NOT NULL CHECK (part = 'regular' OR part = 'late'),
  quantity        INTEGER NOT NULL CHECK (quantity >= 0), -- in the unit that is pushed, `carried_in` included
  carried_in      INTEGER NOT NULL DEFAULT 0,          -- of it from late usage of earlier windows
  events          INTEGER NOT NULL,                    -- of its own window
  deciding_at     INTEGER,                             -- gauges: when the sample was that decides
  weight          INTEGER NOT NULL DEFAULT 0,          -- time averages: seconds, and quantity times seconds
  weighted        INTEGER NOT NULL DEFAULT 0,
  state           TEXT NOT NULL CHECK (
                    state = 'open' OR state = 'sealed' OR state = 'sending' OR state = 'accepted' OR state = 'rejected'
                    OR state = 'unknown' OR state = 'missed' OR state = 'carried' OR state = 'waived' OR state = 'unbillable'),
  code            TEXT,                                -- why rejected, unknown, missed or unbillable
  seals_at        INTEGER NOT NULL,                    -- open until then
  due_by          INTEGER NOT NULL,                    -- must be accepted before
  sealed_at       INTEGER,
  settled_at      INTEGER,                             -- when its final state was reached
  push_id         INTEGER REFERENCES push (id),        -- the request that carried it last
  attempts        INTEGER NOT NULL DEFAULT 0,
  not_before      INTEGER,                             -- a resend waits until then
  most            INTEGER,                             -- most items of a request that carries it; halved to find what spoils one
  told_at         INTEGER,                             -- metering.at_risk was told
  carried_into    INTEGER REFERENCES record (id),
  waived_by       TEXT REFERENCES user (id),
  note            TEXT,                                -- what the operator wrote
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  CHECK ((binding_id IS NULL) = (subscription_id IS NULL)),
  CHECK (binding_id IS NOT NULL OR state = 'unbillable'),
  CHECK ((carried_into IS NULL) = (state <> 'carried')),
  CHECK (part = 'late' OR state <> 'carried'),
  CHECK (state <> 'waived' OR waived_by IS NOT NULL)
) STRICT;
-- What would bill twice cannot be written.
CREATE UNIQUE INDEX record_of_binding ON record (binding_id, item, hour_at, part, coalesce(carried_into, 0))
  WHERE binding_id IS NOT NULL AND aggregate = 'sum';
CREATE UNIQUE INDEX record_of_gauge ON record (organization_id, item, hour_at, part)
  WHERE binding_id IS NOT NULL AND aggregate <> 'sum';
CREATE UNIQUE INDEX record_outside ON record (organization_id, item, hour_at, code) WHERE binding_id IS NULL;
-- What is due.
CREATE INDEX record_open ON record (seals_at) WHERE state = 'open';
CREATE INDEX record_sealed ON record (due_by, seller_id, product_code, instance_id) WHERE state = 'sealed';
CREATE INDEX record_open_of_subscription ON record (subscription_id) WHERE state = 'open';
CREATE INDEX record_sending ON record (push_id) WHERE state = 'sending';
-- What people look at.
CREATE INDEX record_held ON record (state, updated_at) WHERE state = 'unknown' OR state = 'rejected' OR state = 'missed';
CREATE INDEX record_by_window ON record (hour_at, id);
CREATE INDEX record_of_organization ON record (organization_id, hour_at);
CREATE INDEX record_of_subscription ON record (subscription_id, hour_at) WHERE subscription_id IS NOT NULL;

-- One request to the marketplace that carries records.
CREATE TABLE push (
  id           INTEGER PRIMARY KEY,
  seller_id    TEXT NOT NULL,
  product_code TEXT NOT NULL,
  nonce        TEXT NOT NULL UNIQUE,                   -- the signature's
  body_digest  BLOB NOT NULL,                          -- SHA-256 of the text with the records
  records      INTEGER NOT NULL,
  entities     INTEGER NOT NULL,                       -- instances' items, over all records
  state        TEXT NOT NULL CHECK (
                 state = 'sending' OR state = 'accepted' OR state = 'rejected' OR state = 'unknown' OR state = 'not_sent'
                 OR state = 'throttled' OR state = 'halved' OR state = 'stopped'),
  status       INTEGER,                                -- of the answer
  code         TEXT,
  request_ref  TEXT,                                   -- the marketplace's request id, for its support
  sent_at      INTEGER NOT NULL,
  answered_at  INTEGER
) STRICT;
CREATE INDEX push_sending ON push (id) WHERE state = 'sending';

-- When an instance was last named in a request: the next one waits a minute (rules C5).
CREATE TABLE push_pace (
  seller_id   TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  named_at    INTEGER NOT NULL,
  PRIMARY KEY (seller_id, instance_id)
) STRICT, WITHOUT ROWID;

-- Sellers whose key the marketplace refuses: nothing is pushed for them until the key is another, or an operator says so.
CREATE TABLE push_stop (
  seller_id  TEXT PRIMARY KEY,
  key_mark   TEXT NOT NULL,                            -- tells the key from others, and says nothing else of it
  code       TEXT NOT NULL,
  stopped_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

---------------------------------------------------------------- audit

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

---------------------------------------------------------------- work and mail

-- Work to do, written in the transaction of its cause. At least once.
CREATE TABLE job (
  id           INTEGER PRIMARY KEY,
  kind         TEXT NOT NULL,
  key          TEXT NOT NULL,                          -- what it is about
  due_at       INTEGER NOT NULL,
  attempts     INTEGER NOT NULL DEFAULT 0,
  leased_until INTEGER,
  done_at      INTEGER,
  dead_at      INTEGER,                                -- given up; an operator may retry
  last_error   TEXT,
  ran_at       INTEGER                                 -- of work that never ends: its last run
) STRICT;
CREATE UNIQUE INDEX job_open ON job (kind, key) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX job_due ON job (kind, due_at) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX job_done ON job (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX job_dead ON job (kind) WHERE dead_at IS NOT NULL;

CREATE TABLE mail (
  id         INTEGER PRIMARY KEY,
  recipient  TEXT NOT NULL,
  lang       TEXT NOT NULL,
  kind       TEXT NOT NULL,
  about      TEXT,                                     -- the binding or organization that it tells of
  subject    TEXT NOT NULL,
  body       TEXT NOT NULL,                            -- sealed: it may carry a link that grants something
  created_at INTEGER NOT NULL,
  sent_at    INTEGER                                   -- taken by the mail server
) STRICT;
CREATE INDEX mail_by_recipient ON mail (recipient);
CREATE INDEX mail_about ON mail (about, kind) WHERE about IS NOT NULL;

PRAGMA user_version = 3;
