-- What is not the business of one table: the identity of the store, its keys, and
-- the sequence of the changes to tokens and switches.
CREATE TABLE scim_state (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);

-- The processes that have this store open, so that the open intents of one that has
-- ended can be told from those of one that works. process is as store.describe has
-- it, or empty.
CREATE TABLE scim_instances (
	id      TEXT NOT NULL PRIMARY KEY,
	host    TEXT NOT NULL,
	pid     BIGINT NOT NULL,
	process TEXT NOT NULL,
	serves  BIGINT NOT NULL,
	version TEXT NOT NULL,
	started BIGINT NOT NULL,
	seen    BIGINT NOT NULL
);

-- Issued tokens. A revoked one stays, so that it can be told from one that never was.
CREATE TABLE scim_tokens (
	id          TEXT NOT NULL PRIMARY KEY,
	gateway     TEXT NOT NULL,
	name        TEXT NOT NULL,
	description TEXT NOT NULL,
	hash        TEXT NOT NULL UNIQUE,
	scopes      TEXT NOT NULL,
	allow       TEXT NOT NULL,
	created     BIGINT NOT NULL,
	created_by  TEXT NOT NULL,
	created_why TEXT NOT NULL,
	expires     BIGINT NOT NULL,
	replaces    TEXT NOT NULL,
	revoked     BIGINT NOT NULL,
	revoked_by  TEXT NOT NULL,
	revoked_why TEXT NOT NULL
);

-- How credentials are used: issued tokens by their id, those of the Caddyfile by
-- their name.
CREATE TABLE scim_usage (
	gateway    TEXT NOT NULL,
	credential TEXT NOT NULL,
	uses       BIGINT NOT NULL,
	first_used BIGINT NOT NULL,
	last_used  BIGINT NOT NULL,
	last_from  TEXT NOT NULL,
	usual_gap  BIGINT NOT NULL,
	PRIMARY KEY (gateway, credential)
);

-- Gateways that are disabled or frozen.
CREATE TABLE scim_switches (
	gateway TEXT NOT NULL,
	kind    TEXT NOT NULL,
	since   BIGINT NOT NULL,
	who     TEXT NOT NULL,
	why     TEXT NOT NULL,
	PRIMARY KEY (gateway, kind)
);

-- Warnings of an expiry, over each way, so that each is given once by all gateways:
-- sent, or free to be sent from due on.
CREATE TABLE scim_warnings (
	gateway    TEXT NOT NULL,
	credential TEXT NOT NULL,
	expires    BIGINT NOT NULL,
	threshold  BIGINT NOT NULL,
	way        TEXT NOT NULL,
	claimed    BIGINT NOT NULL,
	claimed_by TEXT NOT NULL,
	attempts   BIGINT NOT NULL,
	due        BIGINT NOT NULL,
	sent       BIGINT NOT NULL,
	PRIMARY KEY (gateway, credential, expires, threshold, way)
);

-- Attributes that a backend has no place for. folded is value as it is compared, or
-- a digest of that where it is long; missing is since when the backend has no
-- resource of that id.
CREATE TABLE scim_remembered (
	gateway   TEXT NOT NULL,
	type      TEXT NOT NULL,
	id        TEXT NOT NULL,
	attribute TEXT NOT NULL,
	value     TEXT NOT NULL,
	folded    TEXT NOT NULL,
	missing   BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (gateway, type, id, attribute)
);
CREATE INDEX scim_remembered_value ON scim_remembered (gateway, type, attribute, folded);

-- The journal: an intent, and its outcome once result is not NULL. folded is name as
-- journal.Fold has it. changes, members and calls are JSON. duration is nanoseconds.
CREATE TABLE scim_journal (
	seq       {{identity}},
	id        TEXT NOT NULL UNIQUE,
	instance  TEXT NOT NULL,
	time      BIGINT NOT NULL,
	gateway   TEXT NOT NULL,
	caller    TEXT NOT NULL,
	token     TEXT NOT NULL,
	address   TEXT NOT NULL,
	request   TEXT NOT NULL,
	operation TEXT NOT NULL,
	type      TEXT NOT NULL,
	resource  TEXT NOT NULL,
	name      TEXT NOT NULL,
	folded    TEXT NOT NULL,
	why       TEXT NOT NULL DEFAULT '',
	changes   TEXT NOT NULL,
	members   TEXT NOT NULL,
	calls     TEXT NOT NULL,
	result    TEXT,
	proof     TEXT NOT NULL DEFAULT '',
	error     TEXT NOT NULL DEFAULT '',
	note      TEXT NOT NULL DEFAULT '',
	ended     BIGINT NOT NULL DEFAULT 0,
	duration  BIGINT NOT NULL DEFAULT 0
);
-- A question about the journal is answered in the order of time: what a gateway did
-- while the store was away is imported later, under a higher sequence.
CREATE INDEX scim_journal_open ON scim_journal (time, seq) WHERE result IS NULL;
CREATE INDEX scim_journal_failed ON scim_journal (time, seq) WHERE result <> 'applied';
CREATE INDEX scim_journal_time ON scim_journal (time, seq);
CREATE INDEX scim_journal_resource ON scim_journal (resource, time, seq);
CREATE INDEX scim_journal_name ON scim_journal (folded, time, seq);
CREATE INDEX scim_journal_request ON scim_journal (request);

-- Whom an entry is about besides its resource: members added and removed. time is
-- that of the entry.
CREATE TABLE scim_journal_subjects (
	resource TEXT NOT NULL,
	time     BIGINT NOT NULL,
	seq      BIGINT NOT NULL REFERENCES scim_journal (seq) ON DELETE CASCADE,
	PRIMARY KEY (resource, time, seq)
);
CREATE INDEX scim_journal_subjects_seq ON scim_journal_subjects (seq);
