"""The peers' programs. They run in a virtual environment of their own (bench/requirements.lock)."""
