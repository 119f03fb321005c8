"""A mesh brought into its accounts and taken out again: all sites in one run, and again where one was cut off.

inspect (reads only) ─▶ propose: a change set for each node ─▶ shown, confirmed ─▶ carry out, node after node ─▶ true-up
"""
