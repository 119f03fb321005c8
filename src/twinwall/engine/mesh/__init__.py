"""The mesh at work: one handler, from an event to its answers. It knows the doors of ``boundary`` only.

handler ─▶ lease ─▶ pass: look ─▶ own rows ─▶ adds here ∥ chains elsewhere ─▶ rows again ─▶ revokes ─▶ proof ─▶ answers
                          ▲                                                      │ changed
                          └──────────────────────────────────────────────────────┘
"""
