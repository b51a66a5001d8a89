-- What PushMeteringData accepted: one row per record and item.
CREATE TABLE metering (
  id INTEGER PRIMARY KEY,
  instance_id TEXT NOT NULL REFERENCES instance (id),
  item TEXT NOT NULL,
  quantity INTEGER NOT NULL,        -- in the unit in which it is pushed
  starts_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  unbilled TEXT CHECK (unbilled IN ('late', 'expired', 'closed', 'repeated'))  -- NULL: it is billed
) STRICT;
CREATE INDEX metering_by_instance ON metering (instance_id, starts_at);

-- When an instance was last named by a push: the next one has to wait.
CREATE TABLE pushed (
  instance_id TEXT PRIMARY KEY REFERENCES instance (id),
  at INTEGER NOT NULL
) STRICT;
