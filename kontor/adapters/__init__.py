"""Adapters: everything outside the process, behind the ports of the kernel."""
