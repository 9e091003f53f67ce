"""The ledger: enqueue, runner, relay, leases, schedules."""
