"""``python -m ron``: the same as the command ``ron``."""

from __future__ import annotations

from ron.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
