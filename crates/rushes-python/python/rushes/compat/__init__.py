"""The interfaces of older programs, on what Rushes has: each a module to be imported instead."""
