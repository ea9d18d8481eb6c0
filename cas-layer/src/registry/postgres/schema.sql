-- The tables and the steps of a `PostgresRegistry`, version 1. To run it by hand, do so in one transaction
-- (`psql --single-transaction --file schema.sql`) as the owner of the schema. It leaves tables that are there as they are.
-- For another name of the schema, replace `cas_layer` everywhere.

CREATE SCHEMA IF NOT EXISTS cas_layer;

-- One row. Whoever ends something locks it until its transaction is over, so ends are numbered in the order in which
-- they become visible: whoever has read the end with one number has missed none with a lower one.
CREATE TABLE IF NOT EXISTS cas_layer.state (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    version integer NOT NULL,
    -- Another one where the tables were made anew.
    epoch text NOT NULL DEFAULT gen_random_uuid()::text,
    -- The server and its timeline, which is another one after a failover or a recovery to an earlier time.
    instance text NOT NULL DEFAULT '',
    -- The number of the last end.
    last_end bigint NOT NULL DEFAULT 0,
    -- The longest life of a session, in seconds.
    longest bigint NOT NULL DEFAULT 0,
    -- Until when sessions may be live that were opened before something was lost, in seconds since the epoch.
    recovering_until bigint NOT NULL DEFAULT 0
);

-- The numbers of sessions. It is kept a few seconds ahead of the clock, in microseconds.
CREATE SEQUENCE IF NOT EXISTS cas_layer.number AS bigint CACHE 1;

-- Tickets under validation. A server that crashed has forgotten them, and logouts that came for them: then such a
-- sign-in fails. So this is not worth a log.
CREATE UNLOGGED TABLE IF NOT EXISTS cas_layer.begun (
    id bytea PRIMARY KEY,
    callbacks integer NOT NULL,
    -- A logout came before the session was open.
    has_ended boolean NOT NULL,
    until timestamptz NOT NULL
);

-- Open sessions. `expires_at` is by the clock of the node that sealed the cookie, `forget_at` by the
-- database's or the node's clock, an hour after that; both in seconds since the epoch.
CREATE TABLE IF NOT EXISTS cas_layer.opened (
    id bytea PRIMARY KEY,
    expires_at bigint NOT NULL,
    forget_at bigint NOT NULL,
    family bytea
);
CREATE INDEX IF NOT EXISTS opened_forget_at ON cas_layer.opened (forget_at);

-- Ended sessions, families and accounts. An account has the number up to which its sessions have ended.
CREATE TABLE IF NOT EXISTS cas_layer.ended (
    id bytea PRIMARY KEY,
    seq bigint NOT NULL,
    expires_at bigint NOT NULL,
    forget_at bigint NOT NULL,
    number bigint
);
CREATE UNIQUE INDEX IF NOT EXISTS ended_seq ON cas_layer.ended (seq);
CREATE INDEX IF NOT EXISTS ended_forget_at ON cas_layer.ended (forget_at);

-- What is kept for open sessions, sealed. It goes with the session.
CREATE TABLE IF NOT EXISTS cas_layer.kept (
    id bytea NOT NULL REFERENCES cas_layer.opened ON DELETE CASCADE,
    item text NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (id, item)
);
-- Sealed bytes cannot be compressed.
ALTER TABLE cas_layer.kept ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Validations that ask for a proxy-granting ticket, and the pairs that have come for them. They last for seconds.
CREATE UNLOGGED TABLE IF NOT EXISTS cas_layer.expected (
    name bytea PRIMARY KEY,
    until timestamptz NOT NULL
);
CREATE UNLOGGED TABLE IF NOT EXISTS cas_layer.pairs (
    iou bytea PRIMARY KEY,
    sealed bytea NOT NULL,
    until timestamptz NOT NULL
);

CREATE OR REPLACE FUNCTION cas_layer.seconds_now() RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    SELECT floor(extract(epoch FROM clock_timestamp()))::bigint
$$;

CREATE OR REPLACE FUNCTION cas_layer.micros_now() RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;

-- Until when an entry is kept: for an hour beyond the session's expiry, by the later of the clocks of the node and the database.
CREATE OR REPLACE FUNCTION cas_layer.forgetting(expires bigint, seconds bigint) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    SELECT greatest(cas_layer.seconds_now() + seconds, expires) + 3600
$$;

-- Learns of a session that lasts for so many seconds. What was to last as long as the longest session does so still.
CREATE OR REPLACE FUNCTION cas_layer.lasts(seconds bigint) RETURNS void
LANGUAGE sql AS $$
    UPDATE cas_layer.state s SET
        longest = seconds,
        recovering_until = CASE WHEN s.recovering_until > cas_layer.seconds_now()
            THEN s.recovering_until + seconds - s.longest ELSE s.recovering_until END
    WHERE s.longest < seconds
$$;

-- What is answered is on the disk, whatever the settings of the role or the database say.
CREATE OR REPLACE FUNCTION cas_layer.make_durable() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END
$$;

-- What a node notes in the order of its calls: validations that begin (1) and are given up (2), and validations that expect a
-- proxy-granting ticket (3) and no longer do so (4). `millis` is for how long at most.
CREATE OR REPLACE FUNCTION cas_layer.note(kinds integer[], ids bytea[], millis bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = cas_layer, pg_temp SET lock_timeout = '800ms' AS $$
DECLARE
    clock timestamptz := clock_timestamp();
    this bytea;
    lasts interval;
BEGIN
    -- Of two validations that end at the same time, one has to see that none is left. Before any row is locked.
    IF 4 = ANY (kinds) THEN
        PERFORM pg_advisory_xact_lock(hashtext('cas_layer'), 1);
    END IF;
    FOR i IN 1 .. cardinality(kinds) LOOP
        this := ids[i];
        lasts := millis[i] * interval '1 millisecond';
        IF kinds[i] = 1 THEN
            INSERT INTO begun AS b VALUES (this, 1, false, clock + lasts)
            ON CONFLICT (id) DO UPDATE SET
                callbacks = CASE WHEN b.until > clock THEN b.callbacks + 1 ELSE 1 END,
                has_ended = b.has_ended AND b.until > clock,
                until = greatest(b.until, excluded.until);
        ELSIF kinds[i] = 2 THEN
            DELETE FROM begun b WHERE b.id = this AND b.callbacks <= 1 AND NOT b.has_ended;
            IF NOT FOUND THEN
                UPDATE begun b SET callbacks = b.callbacks - 1 WHERE b.id = this AND b.callbacks > 1;
            END IF;
        ELSIF kinds[i] = 3 THEN
            INSERT INTO expected VALUES (this, clock + lasts) ON CONFLICT (name) DO NOTHING;
        ELSE
            DELETE FROM expected e WHERE e.name = this;
            -- No validation is left that the pairs could belong to.
            DELETE FROM pairs WHERE NOT EXISTS (SELECT FROM expected e WHERE e.until > clock);
        END IF;
    END LOOP;
END
$$;

-- Opens a session that had begun or is open. Returns its number, 0 where it has ended, and nothing where it has not begun: a
-- logout may have been missed then. Its number is above the highest that the node knows: also above that of an end of all
-- sessions of its user of which the node could not tell yet.
--
-- Whoever opens a session holds its row in `begun` or `opened`, and so does whoever ends it: one of the two comes first.
CREATE OR REPLACE FUNCTION cas_layer.open(session bytea, expires bigint, seconds bigint, its_family bytea, highest bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = cas_layer, pg_temp SET lock_timeout = '800ms' AS $$
DECLARE
    beginning begun;
    has_begun boolean;
    is_open boolean;
    forget bigint := forgetting(expires, seconds);
    given bigint;
BEGIN
    PERFORM make_durable();
    -- Before any row of a session: everybody who locks both does so in this order.
    PERFORM lasts(seconds);
    IF highest > (SELECT n.last_value FROM number n) THEN
        -- One after another, so that nobody sets it back.
        PERFORM FROM state FOR UPDATE;
        IF highest > (SELECT n.last_value FROM number n) THEN
            PERFORM setval('number', highest);
        END IF;
    END IF;
    SELECT * INTO beginning FROM begun b WHERE b.id = session FOR UPDATE;
    has_begun := FOUND AND beginning.until > clock_timestamp();
    PERFORM FROM opened o WHERE o.id = session FOR UPDATE;
    is_open := FOUND;
    IF has_begun AND beginning.has_ended OR EXISTS (SELECT FROM ended e WHERE e.id = session) THEN
        RETURN 0;
    END IF;
    IF NOT has_begun AND NOT is_open THEN
        RETURN NULL;
    END IF;
    given := greatest(nextval('number'), micros_now());
    INSERT INTO opened AS o VALUES (session, expires, forget, its_family)
    ON CONFLICT (id) DO UPDATE SET
        expires_at = greatest(o.expires_at, excluded.expires_at),
        forget_at = greatest(o.forget_at, excluded.forget_at),
        family = coalesce(excluded.family, o.family);
    IF has_begun THEN
        DELETE FROM begun b WHERE b.id = session AND b.callbacks <= 1;
        UPDATE begun b SET callbacks = b.callbacks - 1 WHERE b.id = session;
    END IF;
    RETURN given;
END
$$;

-- Ends sessions and families, known or not (`ids`); those that were begun or opened (`names`); and accounts. `is_prompt` says
-- that all sessions opened so far are meant, and not only those up to the number that the node gave.
--
-- Returns for each name whether it has ended now (`session`), before it was open (`early`) or `before`, and nothing if it is
-- unknown; what else has ended: `family` and `account`; and the number of the `last` end.
CREATE OR REPLACE FUNCTION cas_layer.finish(
    ids bytea[], expires bigint[], seconds bigint[],
    names bytea[], clock_of_node bigint,
    accounts bytea[], numbers bigint[], account_expires bigint[], account_seconds bigint[], is_prompt boolean[]
) RETURNS TABLE (kind text, id bytea, expires_at bigint, number bigint)
LANGUAGE plpgsql SET search_path = cas_layer, pg_temp SET lock_timeout = '800ms' AS $$
#variable_conflict use_column
DECLARE
    old_last bigint;
    last bigint;
    longest_life bigint;
    this bytea;
    that opened;
    given bigint;
BEGIN
    PERFORM make_durable();
    SELECT s.last_end, s.longest INTO STRICT old_last, longest_life FROM state s FOR UPDATE;
    last := old_last;
    -- In one order, so that nobody waits for one who waits for them.
    PERFORM FROM begun b WHERE b.id = ANY (ids || names) ORDER BY b.id FOR UPDATE;
    PERFORM FROM opened o WHERE o.id = ANY (ids || names) ORDER BY o.id FOR UPDATE;

    -- Names first: who shows the cookie of one of them at the same time ends it too.
    FOREACH this IN ARRAY names LOOP
        id := this;
        number := NULL;
        SELECT e.expires_at INTO expires_at FROM ended e WHERE e.id = this;
        IF FOUND THEN
            kind := 'before';
            RETURN NEXT;
            CONTINUE;
        END IF;
        DELETE FROM opened o WHERE o.id = this RETURNING * INTO that;
        IF FOUND THEN
            -- The family first: nobody sees that one of its sessions has ended and another has not.
            IF that.family IS NOT NULL THEN
                -- It may have sessions that were opened later.
                last := last + 1;
                expires_at := clock_of_node + longest_life;
                INSERT INTO ended AS e (id, seq, expires_at, forget_at)
                VALUES (that.family, last, expires_at, forgetting(expires_at, longest_life))
                ON CONFLICT (id) DO UPDATE SET
                    seq = excluded.seq,
                    expires_at = greatest(e.expires_at, excluded.expires_at),
                    forget_at = greatest(e.forget_at, excluded.forget_at);
                kind := 'family';
                id := that.family;
                RETURN NEXT;
            END IF;
            last := last + 1;
            INSERT INTO ended (id, seq, expires_at, forget_at) VALUES (this, last, that.expires_at, that.forget_at);
            kind := 'session';
            id := this;
            expires_at := that.expires_at;
            RETURN NEXT;
            CONTINUE;
        END IF;
        UPDATE begun b SET has_ended = true WHERE b.id = this AND NOT b.has_ended AND b.until > clock_timestamp();
        IF FOUND THEN
            kind := 'early';
            expires_at := NULL;
            RETURN NEXT;
        END IF;
    END LOOP;

    -- What a node brings again is a minute later at most, as it counts in minutes.
    INSERT INTO ended AS e (id, seq, expires_at, forget_at)
    SELECT u.id, last + u.n, u.expires, forgetting(u.expires, u.seconds)
    FROM unnest(ids, expires, seconds) WITH ORDINALITY AS u (id, expires, seconds, n)
    ON CONFLICT (id) DO UPDATE SET
        seq = excluded.seq,
        expires_at = excluded.expires_at,
        forget_at = greatest(e.forget_at, excluded.forget_at)
    WHERE excluded.expires_at > e.expires_at + 60;
    IF FOUND THEN
        last := last + cardinality(ids);
    END IF;
    DELETE FROM opened o WHERE o.id = ANY (ids);

    FOR i IN 1 .. cardinality(accounts) LOOP
        given := numbers[i];
        IF is_prompt[i] THEN
            given := greatest(given, nextval('number'), micros_now());
        END IF;
        -- Sessions that are opened from now on are above it.
        IF given > (SELECT n.last_value FROM number n) THEN
            PERFORM setval('number', given);
        END IF;
        INSERT INTO ended AS e (id, seq, expires_at, forget_at, number)
        VALUES (accounts[i], last + 1, account_expires[i], forgetting(account_expires[i], account_seconds[i]), given)
        ON CONFLICT (id) DO UPDATE SET
            seq = excluded.seq,
            expires_at = greatest(e.expires_at, excluded.expires_at),
            forget_at = greatest(e.forget_at, excluded.forget_at),
            number = greatest(e.number, excluded.number)
        WHERE excluded.expires_at > e.expires_at + 60 OR excluded.number > e.number;
        IF FOUND THEN
            last := last + 1;
        END IF;
        kind := 'account';
        id := accounts[i];
        expires_at := account_expires[i];
        number := given;
        RETURN NEXT;
    END LOOP;

    IF last > old_last THEN
        UPDATE state s SET last_end = last;
        PERFORM pg_notify('cas_layer', '');
    END IF;
    kind := 'last';
    id := '';
    expires_at := NULL;
    number := last;
    RETURN NEXT;
END
$$;

-- Sessions whose cookies are seen after something was lost: they are open, unless they have ended. Returns those that have.
CREATE OR REPLACE FUNCTION cas_layer.reopen(ids bytea[], expires bigint[], seconds bigint[], families bytea[])
RETURNS TABLE (id bytea, expires_at bigint)
LANGUAGE plpgsql SET search_path = cas_layer, pg_temp SET lock_timeout = '800ms' AS $$
#variable_conflict use_column
BEGIN
    PERFORM make_durable();
    -- Nobody ends one of them meanwhile.
    PERFORM FROM state s FOR UPDATE;
    PERFORM lasts((SELECT max(u) FROM unnest(seconds) u));
    INSERT INTO opened (id, expires_at, forget_at, family)
    SELECT u.id, u.expires, forgetting(u.expires, u.seconds), u.family
    FROM unnest(ids, expires, seconds, families) AS u (id, expires, seconds, family)
    WHERE NOT EXISTS (SELECT FROM ended e WHERE e.id = u.id)
    ON CONFLICT (id) DO NOTHING;
    RETURN QUERY SELECT e.id, e.expires_at FROM ended e WHERE e.id = ANY (ids);
END
$$;

-- How things stand, for a node that has read the end of `seen` last. Keeps the numbers of sessions ahead of the clock, so that
-- a clock that is set back leaves them growing.
CREATE OR REPLACE FUNCTION cas_layer.look(
    seen bytea,
    OUT epoch text, OUT instance text, OUT last_end bigint, OUT micros bigint, OUT number bigint, OUT has_seen boolean,
    OUT recovering_until bigint, OUT log bigint, OUT longest bigint
)
LANGUAGE plpgsql SET search_path = cas_layer, pg_temp SET lock_timeout = '800ms' AS $$
#variable_conflict use_column
BEGIN
    -- Fails on a replica, which is no place for a registry.
    instance := (SELECT system_identifier FROM pg_control_system())
        || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8);
    log := pg_current_wal_flush_lsn() - '0/0'::pg_lsn;
    micros := micros_now();
    IF (SELECT last_value FROM number) < micros + 2000000 THEN
        PERFORM FROM state FOR UPDATE SKIP LOCKED;
        IF FOUND AND (SELECT last_value FROM number) < micros + 2000000 THEN
            PERFORM setval('number', micros + 5000000);
        END IF;
    END IF;
    SELECT s.epoch, s.last_end, s.longest, CASE WHEN s.recovering_until > micros / 1000000 THEN s.recovering_until ELSE 0 END
    INTO STRICT epoch, last_end, longest, recovering_until FROM state s;
    SELECT last_value INTO STRICT number FROM number;
    has_seen := EXISTS (SELECT FROM ended WHERE id = seen);
END
$$;

-- A node is new here, or has noticed that something was lost. Then numbers go on 10 minutes ahead of the clock, or above the
-- highest that the node knows: no session of before is above that. And nodes tell again of sessions whose cookies they see, until
-- those of before have expired.
CREATE OR REPLACE FUNCTION cas_layer.enter(current_instance text, life bigint, highest bigint, was_lost boolean) RETURNS void
LANGUAGE plpgsql SET search_path = cas_layer, pg_temp SET lock_timeout = '800ms' AS $$
DECLARE
    is_other boolean;
BEGIN
    PERFORM make_durable();
    SELECT s.instance <> current_instance INTO STRICT is_other FROM state s FOR UPDATE;
    PERFORM lasts(life);
    UPDATE state s SET instance = current_instance;
    IF is_other OR was_lost THEN
        -- Another time each time: by that, nodes see that there was another loss.
        UPDATE state s SET recovering_until = greatest(s.recovering_until + 1, seconds_now() + s.longest + 3600);
        PERFORM setval('number', greatest((SELECT n.last_value FROM number n), micros_now() + 600000000, highest));
    END IF;
END
$$;

-- Forgets a few of those that expired so long ago that no clock is in doubt. Returns how many there were.
CREATE OR REPLACE FUNCTION cas_layer.sweep(before bigint, few integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = cas_layer, pg_temp SET lock_timeout = '800ms' AS $$
DECLARE
    clock timestamptz := clock_timestamp();
    removed bigint;
    total bigint := 0;
BEGIN
    -- One node at a time.
    IF NOT pg_try_advisory_xact_lock(hashtext('cas_layer'), 2) THEN
        RETURN 0;
    END IF;
    DELETE FROM opened WHERE id IN (
        SELECT o.id FROM opened o WHERE o.forget_at < before ORDER BY o.forget_at LIMIT few FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS removed = ROW_COUNT;
    total := total + removed;
    DELETE FROM ended WHERE id IN (
        SELECT e.id FROM ended e WHERE e.forget_at < before ORDER BY e.forget_at LIMIT few FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS removed = ROW_COUNT;
    total := total + removed;
    DELETE FROM begun WHERE id IN (SELECT b.id FROM begun b WHERE b.until < clock LIMIT few FOR UPDATE SKIP LOCKED);
    DELETE FROM expected WHERE name IN (SELECT e.name FROM expected e WHERE e.until < clock LIMIT few FOR UPDATE SKIP LOCKED);
    DELETE FROM pairs WHERE iou IN (SELECT p.iou FROM pairs p WHERE p.until < clock LIMIT few FOR UPDATE SKIP LOCKED);
    RETURN total;
END
$$;

-- Keeps something for an open session. Returns whether it is open.
CREATE OR REPLACE FUNCTION cas_layer.keep(session bytea, clock_of_node bigint, what text, bytes bytea) RETURNS boolean
LANGUAGE plpgsql SET search_path = cas_layer, pg_temp SET lock_timeout = '800ms' AS $$
BEGIN
    PERFORM make_durable();
    -- Whoever ends it waits.
    PERFORM FROM opened o WHERE o.id = session AND o.expires_at > clock_of_node FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO kept VALUES (session, what, bytes) ON CONFLICT (id, item) DO UPDATE SET sealed = excluded.sealed;
    RETURN true;
END
$$;

-- A pair comes, from anybody. Only one that is kept leaves anything.
CREATE OR REPLACE FUNCTION cas_layer.deliver(name bytea, bytes bytea, room bigint) RETURNS text
LANGUAGE plpgsql SET search_path = cas_layer, pg_temp SET lock_timeout = '800ms' AS $$
DECLARE
    clock timestamptz := clock_timestamp();
    last timestamptz := (SELECT max(e.until) FROM expected e WHERE e.until > clock);
BEGIN
    IF last IS NULL THEN
        RETURN 'unexpected';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('cas_layer'), 1);
    -- Looked for again behind the lock: the last validation may have been taken back meanwhile, and with it all pairs.
    last := (SELECT max(e.until) FROM expected e WHERE e.until > clock);
    IF last IS NULL THEN
        RETURN 'unexpected';
    END IF;
    IF EXISTS (SELECT FROM pairs p WHERE p.iou = name AND p.until > clock) THEN
        RETURN 'twice';
    END IF;
    IF (SELECT count(*) FROM pairs) >= room THEN
        DELETE FROM pairs p WHERE p.until <= clock;
        IF (SELECT count(*) FROM pairs) >= room THEN
            RETURN 'full';
        END IF;
    END IF;
    INSERT INTO pairs VALUES (name, bytes, last)
    ON CONFLICT (iou) DO UPDATE SET sealed = excluded.sealed, until = excluded.until;
    RETURN 'kept';
END
$$;

INSERT INTO cas_layer.state (version) VALUES (1) ON CONFLICT (is_only) DO NOTHING;
