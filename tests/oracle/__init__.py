"""The oracle: a second, slow and obvious implementation of the rules, written from the specification alone.

Nothing here imports the product (`test_oracle_does_not_import_the_product`).
"""
