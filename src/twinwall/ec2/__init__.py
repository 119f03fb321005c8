"""EC2 as we call it: the reader and the writer of ``boundary`` on whatever carries a request to EC2 and back.

Real AWS (``aws``) and the one in memory (``emulator.memory``) carry the same requests, so that a simulation runs
the very code that a user runs. Nothing of botocore is known here.
"""
