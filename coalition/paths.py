"""Where the files that are not code lie: beside the package in a checkout, inside it once installed."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE / "_data" if (_PACKAGE / "_data").is_dir() else _PACKAGE.parent

TEMPLATES = _ROOT / "templates"
MIGRATIONS = _ROOT / "migrations"
STATIC = _PACKAGE / "static"
TRANSLATIONS = _PACKAGE / "translations"
