"""The oracle: the programme's rules a second time, slow and obvious, written from the rule book alone.

Nothing here imports the product: `test_the_oracle_is_independent` holds that.
"""
