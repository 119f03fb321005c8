"""The workflows. They sequence doors and pure functions, and decide nothing of their own."""
