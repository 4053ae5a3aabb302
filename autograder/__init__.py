"""Builds hand-outs, grades classes, reports."""

import sys

# jsonschema, which nbformat imports, builds a grammar of internationalised addresses from it: 0.6 s at the start of
# every process, for a kind of check that no notebook asks for. It does without where it cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
