"""The processes, wired from the layers below."""
