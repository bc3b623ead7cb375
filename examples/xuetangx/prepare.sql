-- An enrolment is an account: 30 days of one person in one course. A day with activity is one event, with how often each
-- kind of thing was done on it; the official label, and the last active day, are left out: they tell the future.
COPY (SELECT enrollment_id::VARCHAR AS account, course, start AS started_at
      FROM read_parquet('{data}/enrollments.parquet') ORDER BY enrollment_id)
TO '{scratch}/data/accounts.csv' (HEADER);
COPY (SELECT enrollment_id::VARCHAR AS account, date + INTERVAL 12 HOUR AS at, 'active day' AS event,
             access + discussion + navigate + page_close + problem + video + wiki AS actions,
             problem, video, discussion
      FROM read_parquet('{data}/daily.parquet') ORDER BY date, enrollment_id)
TO '{scratch}/data/events.parquet' (FORMAT parquet);
