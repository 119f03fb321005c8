"""Rules that cannot do what their author meant, and rules that do what nobody should mean.

``catalog`` names the checks, a module for each noun makes the findings, ``run`` puts them together.
"""

from twinwall.planning.lint.catalog import CATALOG, Check
from twinwall.planning.lint.run import LintReport, NotChecked, lint, lint_document, reaches

__all__ = ["CATALOG", "Check", "LintReport", "NotChecked", "lint", "lint_document", "reaches"]
