"""Synthetic head CTs and simulated bleeds, for demonstrations and tests; never a patient."""
