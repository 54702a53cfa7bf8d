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
