"""EventBridge that delivers: buses, rules, targets, schedules; on the server's clock.

Rules, buses, archives and schedules are kept by moto; what moto gets wrong or leaves out is done here: the match
of patterns, the shape of what is sent, delivery with retries and dead-letter queues, other accounts' and Regions'
buses, schedules that fire. Sources: aws-facts.md 6.1 and the EventBridge and Scheduler user guides.
"""
