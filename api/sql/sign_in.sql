-- name: open_session
-- A person is signed in, for at most so long.
INSERT INTO sign_in.session (key, staff, roles, organisation, expires_at)
VALUES (%(key)s, %(staff)s, %(roles)s, %(organisation)s, clock_timestamp() + %(absolute)s)
ON CONFLICT DO NOTHING RETURNING key

-- name: use_session
-- Who is signed in under a key; notes the use, but at most once a minute, so that most pages write nothing.
WITH used AS (
    UPDATE sign_in.session SET last_used_at = clock_timestamp()
    WHERE key = %(key)s AND expires_at > clock_timestamp() AND last_used_at > clock_timestamp() - %(idle)s
        AND last_used_at < clock_timestamp() - interval '1 minute'
)
SELECT staff, roles, organisation, purpose FROM sign_in.session
WHERE key = %(key)s AND expires_at > clock_timestamp() AND last_used_at > clock_timestamp() - %(idle)s

-- name: choose_purpose
-- What a person looks at cases for, until they say otherwise.
UPDATE sign_in.session SET purpose = %(purpose)s WHERE key = %(key)s RETURNING key

-- name: close_session
-- A person signs out.
DELETE FROM sign_in.session WHERE key = %(key)s RETURNING key

-- name: remove_expired
-- Nobody can use these any more.
DELETE FROM sign_in.session
WHERE expires_at <= clock_timestamp() OR last_used_at <= clock_timestamp() - %(idle)s RETURNING key
