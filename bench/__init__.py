"""The benchmark suite: engine.md section 5, measured in interleaved rounds on one set of servers."""
