"""Carried forward: an exercise's code, once its check has passed, serves in later units.

`gather` reads the code out of the running notebook, `shelf` keeps it as one readable file a unit, `bring` gives it to
later units, or the stand-in where the student's own is not complete yet.
"""

from .bring import Carried, carried
from .keep import keep, library

__all__ = ["Carried", "carried", "keep", "library"]
