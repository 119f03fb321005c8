"""A whole mesh in one process, on a clock of its own: every handler, every table, every Auto Scaling group, and the
weather between them. What the handlers do is an argument; what they may not do is watched at every call.

script ─▶ fleet (Auto Scaling, instances) ─▶ events ─▶ queue ─▶ handler ═▶ wire ═▶ tables, fleets, EC2's rulebook
                                                        ▲                   ║
                                                     streams ◀── tables     ╚══▶ watch: the invariants
"""
