"""The portal's shell: pages for customers and resellers."""
