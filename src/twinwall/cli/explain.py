"""``twinwall explain``: would this packet pass, and which rule decides?"""

from functools import partial
from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output, reporting
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import configuration_of, world_of
from twinwall.cli.sides import open_sides, wanted
from twinwall.engine import inspecting
from twinwall.planning.answer import explain_document
from twinwall.planning.asking import parse_ask
from twinwall.report.explain import explain_text


@o.command("explain")
@o.required_at
@o.endpoint_url
@o.packet(
    "--from",
    "from_",
    metavar="PEER",
    required=True,
    help="Where it comes from: an address, a CIDR block, or as --to.",
)
@o.packet(
    "--to",
    metavar="TARGET",
    required=True,
    help="Where it goes: interface, instance, subnet, group, or an address.",
)
@o.packet("--protocol", metavar="NAME|NUMBER", required=True, help="tcp, udp, icmp, icmpv6, or a number.")
@o.packet("--port", metavar="PORT", help="The server's port, for tcp and udp.")
@o.packet("--icmp-type", metavar="TYPE", help="Type of the ICMP message; else a ping.")
@o.packet("--icmp-code", metavar="CODE", help="Code of the ICMP message (default 0).")
@o.packet("--client-ports", metavar="FIRST-LAST", help=o.CLIENT_PORTS)
@o.packet("--ip-version", metavar="4|6", help="Only this version, where both sides have both.")
@o.side_options("at")
@o.report
@o.general
@click.pass_obj
def explain(invocation: Invocation, /, at: str, from_: str, to: str, **options: Any) -> int:
    """Would this packet pass, and which rule decides?

    Follows a connection from PEER to TARGET through groups and ACLs of both, and its replies back. Says which
    rule decides at each, or what the smallest change is that would let it pass. Reads only; --at may be a
    snapshot.
    """
    names = ("protocol", "port", "icmp_type", "icmp_code", "client_ports")
    ask = parse_ask(family=options["ip_version"], **{name: options[name] for name in names})
    place = wanted(at, "at", options, configuration_of(invocation))
    (side,) = open_sides([place], world_of(invocation))
    answer, firewall = inspecting.explain(side, ask, from_, to)
    if invocation.json:
        output.document(explain_document(answer))
    else:
        output.result(explain_text(answer))
    reporting.write([partial(reporting.of_explanation, answer, firewall)], invocation)
    return 0 if answer.passes else 2
