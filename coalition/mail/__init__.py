"""Letters in, bytes out: composing, sending and reading what comes back. Knows no Flask."""
