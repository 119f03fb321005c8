"""CloudFormation: templates carried out through the endpoint's own API.

So its rulebook, throttle and accounts hold, which moto's CloudFormation goes past.

`template` reads and checks a template, `parameters` its parameters, `sam` expands it; `resolver` evaluates its
functions. `kinds` holds, for each resource type, what it takes, what a change of it means and the calls that make it;
a type or a property that is not there fails the stack. `changes` compares a stack with a template, `engine` carries
the difference out and takes it back when something fails. `service` answers the API.
"""
