"""Lambda: functions that run, as processes of this machine, under AWS's own runtime client.

`service` takes the requests, `settings` reads them into the nouns of `function`; `fleet` lends out a `sandbox`,
one process behind one `runtime_api`; `invoking` runs an invocation in it and writes its log; `line` holds the
events that wait for their function; `policy` says who may invoke.
"""
