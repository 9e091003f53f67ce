"""The programme's rules: pure functions over frozen values."""
