-- What is loaded: all changes but imported history, whose time to merge is impossible (below 0 or above 1000 days).
COPY (
    SELECT account, user_id, event, ts, committed_at, repo, bug_id, days_to_merge
    FROM read_parquet('{data}/events.parquet')
    WHERE days_to_merge IS NULL OR days_to_merge BETWEEN 0 AND 1000
    ORDER BY committed_at, ts, account, user_id, repo
) TO '{scratch}/data/events.parquet' (FORMAT parquet);
