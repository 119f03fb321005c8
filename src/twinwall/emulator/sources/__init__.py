"""Event source mappings: queues and table streams that call their function, batch by batch.

`mapping` is what the API holds, `settings` what it takes; `queues` and `streams` each poll one source on a thread of
its own, and ask the source through the endpoint, in the name of the function's role; `service` starts and ends them.
"""
