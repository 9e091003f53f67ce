"""The job queue: ledger, enqueue, runners, relay, leases, lanes, schedules."""
