"""Evidence: acts as they are written down, the chain over the audit log, its verification and erasure."""
