-- name: deadlines
-- Clocks that count, as known in the end, by rule, programme, outcome and the quarter in which they began: how many, and
-- of how many cases. Spoken by DuckDB over the Parquet files of a release.
SELECT d.rule AS subject, s.programme,
    CASE WHEN d.minutes_late > 0 THEN 'late' WHEN d.satisfied_at IS NOT NULL THEN 'on_time'
        WHEN d.due < $day THEN 'overdue' ELSE 'open' END AS outcome,
    year(d.started) || '-Q' || quarter(d.started) AS quarter, count(*) AS counted, count(DISTINCT d.case_id) AS cases
FROM read_parquet($deadlines) d JOIN read_parquet($case_state) s ON s.case_id = d.case_id AND s.known_to IS NULL
WHERE d.known_to IS NULL AND d.applicable AND d.superseded_by IS NULL
GROUP BY ALL ORDER BY ALL

-- name: findings
-- Findings as known in the end, by code, programme, state and the quarter in which they arose.
SELECT f.code AS subject, s.programme, f.state AS outcome,
    year(f.since) || '-Q' || quarter(f.since) AS quarter, count(*) AS counted, count(DISTINCT f.case_id) AS cases
FROM read_parquet($findings) f JOIN read_parquet($case_state) s ON s.case_id = f.case_id AND s.known_to IS NULL
WHERE f.known_to IS NULL
GROUP BY ALL ORDER BY ALL

-- name: cases
-- Cases by programme, state of the last enrolment and the quarter in which they were opened.
SELECT 'cases' AS subject, s.programme, coalesce(s.enrolment_status, 'none') AS outcome,
    year(min_at) || '-Q' || quarter(min_at) AS quarter, count(*) AS counted, count(DISTINCT s.case_id) AS cases
FROM read_parquet($case_state) s JOIN (
    SELECT case_id, timezone('Europe/Copenhagen', min(known_from_at)) AS min_at FROM read_parquet($case_state)
    GROUP BY case_id
) b ON b.case_id = s.case_id
WHERE s.known_to IS NULL
GROUP BY ALL ORDER BY ALL

-- name: recording
-- Entries of cases by type, unit of whoever recorded them, how many days after they were known there they were recorded,
-- and the quarter in which they were. Types whose own day leaves as a month are not among them.
SELECT topic AS subject, unit,
    CASE WHEN days < 1 THEN 'same_day' WHEN days <= 7 THEN 'within_7_days' WHEN days <= 30 THEN 'within_30_days'
        ELSE 'later' END AS outcome,
    year(recorded) || '-Q' || quarter(recorded) AS quarter, count(*) AS counted, count(DISTINCT case_id) AS cases
FROM (
    SELECT parse_filename(filename, true) AS topic, case_id, coalesce(actor_unit, 'none') AS unit,
        CAST(timezone('Europe/Copenhagen', recorded_at) AS DATE) AS recorded,
        CAST(timezone('Europe/Copenhagen', recorded_at) AS DATE) - coalesce(reached_at, occurred_at) AS days
    FROM read_parquet($events, union_by_name = true, filename = true)
)
WHERE NOT list_contains($coarse, topic) AND case_id IN (SELECT case_id FROM read_parquet($case_state))
GROUP BY ALL ORDER BY ALL

-- name: compliance
-- Clocks that count, as known in the end, by rule with the version they run under, by rule book with its version and the
-- holiday table in force when the entry that started them was recorded, by outcome and the quarter in which they began.
SELECT rule || ' v' || rule_version AS subject, book || ' ' || book_version || ', ' || coalesce(table_version, 'none') AS rules,
    CASE WHEN minutes_late > 0 THEN 'late' WHEN satisfied_at IS NOT NULL THEN 'on_time'
        WHEN coalesce(extended_to, due) < $day THEN 'overdue' ELSE 'open' END
        || CASE WHEN extended_to IS NULL THEN '' ELSE '_extended' END AS outcome,
    year(started) || '-Q' || quarter(started) AS quarter, count(*) AS counted, count(DISTINCT case_id) AS cases
FROM (
    SELECT d.*, h.version AS table_version,
        row_number() OVER (
            PARTITION BY d.case_id, d.part
            ORDER BY h.position <= e.position DESC, CASE WHEN h.position <= e.position THEN -h.position ELSE h.position END
        ) AS choice
    FROM read_parquet($deadlines) d
        JOIN read_parquet($events, union_by_name = true) e ON e.case_id = d.case_id AND e.entry_version = d.trigger
        LEFT JOIN read_parquet($adopted) h ON h.rule_book = 'holidays'
    WHERE d.known_to IS NULL AND d.applicable AND d.superseded_by IS NULL
)
WHERE choice = 1
GROUP BY ALL ORDER BY ALL
