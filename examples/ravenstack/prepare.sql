-- Feature use names a subscription; the account stands in the subscription. The churn flags of accounts and subscriptions
-- are left out: they tell the future.
COPY (SELECT account_id, account_name, signup_date, industry, country, plan_tier, seats, referral_source
      FROM read_csv('{data}/accounts.csv.gz') ORDER BY account_id)
TO '{scratch}/data/accounts.csv' (HEADER);
COPY (SELECT usage_id, account_id, feature_name, usage_date, usage_count, error_count
      FROM read_csv('{data}/feature_usage.csv.gz') JOIN read_csv('{data}/subscriptions.csv.gz') USING (subscription_id)
      QUALIFY row_number() OVER (PARTITION BY usage_id ORDER BY usage_date) = 1 ORDER BY usage_date, usage_id)
TO '{scratch}/data/events.csv' (HEADER);
COPY (SELECT ticket_id, account_id, submitted_at, priority, satisfaction_score, escalation_flag
      FROM read_csv('{data}/support_tickets.csv.gz') ORDER BY submitted_at, ticket_id)
TO '{scratch}/data/tickets.csv' (HEADER);
COPY (SELECT account_id, churn_date, reason_code FROM read_csv('{data}/churn_events.csv.gz') ORDER BY churn_date, account_id)
TO '{scratch}/data/outcomes.csv' (HEADER);
