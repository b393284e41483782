"""What is said where a framework is missing."""

from __future__ import annotations

__all__ = ["missing"]


def missing(module: str, framework: str, requirement: str, error: ImportError) -> ImportError:
    """The error to raise for an import that failed."""
    return ImportError(
        f"ron.contrib.{module} needs {framework}: pip install '{requirement}' ({error})",
        name=error.name,
        path=error.path,
    )
