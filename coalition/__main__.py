"""`python -m coalition` and the `coalition` command."""

from coalition.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
