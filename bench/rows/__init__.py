"""The rows of the budget table, one file each: `measure(run)` returns a Row."""
