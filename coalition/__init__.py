"""Coalition: a self-hosted mailing list for a community of thousands."""

__version__ = "0.1.0"
