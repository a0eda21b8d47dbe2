"""In what order: everything that can be known of a recipe before any money is spent."""

from __future__ import annotations

from lookalike.plan.compile import compile_plan
from lookalike.plan.forms import Plan
from lookalike.plan.model import TablePlan

__all__ = ["Plan", "TablePlan", "compile_plan"]
