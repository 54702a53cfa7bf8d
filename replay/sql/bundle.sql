-- name: stamped_by
-- The largest size at or below one, not below another, whose checkpoint has a time stamp.
SELECT max(size) FROM proof.stamp WHERE size < %s AND size >= %s

-- name: stamped_after
-- The smallest size at or above one whose checkpoint has a time stamp.
SELECT min(size) FROM proof.stamp WHERE size >= %s
