"""Members as a desired state: events, rows and evidence into the rules of one group. Pure.

event ─▶ what happened ─┐
Describe calls ─────────┴▶ own row ─▶ all rows ─▶ wanted rules of a group ─▶ missing, extra ─▶ answers
"""
