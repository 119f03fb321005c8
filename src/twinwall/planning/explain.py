"""Would this packet pass, and which rule decides? The verdict, the whole way, and what would let it pass.

    ways of an answer            all ends are meant    one end is meant, nobody knows which
    ---------------------------  --------------------  ------------------------------------
    all pass                     passes                passes
    all are refused              refused               refused
    some pass, some are refused  partly                unknown
    else                         unknown               unknown

Routes, gateways, load balancers and hosts' own firewalls are not looked at.
"""

from collections.abc import Iterable, Iterator

from twinwall.errors import ConfigError
from twinwall.model.net import ICMP, ICMPV6, Family
from twinwall.planning.answer import Answer
from twinwall.planning.asking import Ask
from twinwall.planning.ends import End, Party
from twinwall.planning.inspected import Firewall
from twinwall.planning.parties import party
from twinwall.planning.passage import UNFILTERED
from twinwall.planning.remedies import remedies
from twinwall.planning.steps import Verdict
from twinwall.planning.ways import Way, make_way

NOT_LOOKED_AT = "Routes, gateways, load balancers and the hosts' own firewalls are not looked at."


def explain(firewall: Firewall, ask: Ask, from_: str, to: str) -> Answer:
    """Raises ``ConfigError`` for what is not there, and for a family that one side does not have."""
    peer, target = party(firewall, "--from", from_, target=False), party(firewall, "--to", to, target=True)
    if peer.outside and target.outside:
        raise ConfigError(
            f"--from {from_} --to {to}: neither lies in {firewall.vpc_id} of {firewall.label}; name one that does"
        )
    ways = tuple(_ways(firewall, ask, peer, target, _families(ask, peer, target)))
    if not ways:
        raise ConfigError(f"--from {from_} --to {to}: both mean one and the same interface; name two")
    verdict = _verdict(peer, target, ways)
    return Answer(
        ask,
        peer,
        target,
        verdict,
        ways,
        remedies=remedies(ask, peer, target, ways) if verdict in ("refused", "partly") else (),
        unknown=_reasons(ways, verdict),
        notes=tuple(dict.fromkeys((*peer.notes, *target.notes, *_general_notes(ways)))),
    )


def _families(ask: Ask, peer: Party, target: Party) -> list[Family]:
    found = [one for one in ask.families if one in peer.families & target.families]
    if found:
        return found
    if len(ask.families) == 2:
        raise ConfigError(
            f"--from {peer.asked} has {_has(peer)}, and --to {target.asked} has {_has(target)}; "
            "a packet has one IP version: name addresses of one"
        )
    (family,) = ask.families
    option, lacking = ("--to", target) if family in peer.families else ("--from", peer)
    why = {ICMP: "icmp goes over IPv4", ICMPV6: "icmpv6 goes over IPv6"}.get(
        ask.request.protocol, f"--ip-version {family} was asked"
    )
    raise ConfigError(
        f"{option} {lacking.asked} has {_has(lacking)}, and {why}; name addresses of that version"
    )


def _has(side: Party) -> str:
    return (
        " and ".join(f"IPv{family}" for family in sorted(side.families)) + " only"
        if side.families
        else "no address"
    )


def _ways(
    firewall: Firewall, ask: Ask, peer: Party, target: Party, families: Iterable[Family]
) -> Iterator[Way]:
    for family in families:
        for start in peer.ends:
            for end in target.ends:
                if start.of_family(family) and end.of_family(family) and not _same(start, end):
                    yield make_way(firewall, ask, start, end, family)


def _same(peer: End, target: End) -> bool:
    """One interface on both sides sends nothing through the network."""
    return peer.single and target.single and peer.label == target.label


# --- the verdict


def _verdict(peer: Party, target: Party, ways: tuple[Way, ...]) -> Verdict:
    by_target: dict[int, list[Way]] = {}
    for way in ways:
        by_target.setdefault(id(way.target), []).append(way)
    each = [_joined([way.verdict for way in own], every=peer.every) for own in by_target.values()]
    return _joined(each, every=target.every)


def _joined(verdicts: list[Verdict], *, every: bool) -> Verdict:
    """The table at the head."""
    if len(set(verdicts)) == 1:
        return verdicts[0]
    passing = any(verdict in ("passes", "partly") for verdict in verdicts)
    failing = any(verdict in ("refused", "partly") for verdict in verdicts)
    return "partly" if every and passing and failing else "unknown"


def _reasons(ways: tuple[Way, ...], verdict: Verdict) -> tuple[str, ...]:
    if verdict != "unknown":
        return ()
    found: dict[str, None] = {}
    for way in ways:
        for step in way.steps:
            if step.verdict == "unknown" and step.why:
                found[step.why] = None
            found |= dict.fromkeys(part.rule for part in step.parts if part.admitted is None)
    if found:
        return tuple(found)
    return ("it hangs on which of the places or addresses is meant: see the ways",)


def _general_notes(ways: tuple[Way, ...]) -> Iterator[str]:
    if any(step.at == "acl" and step.asked for way in ways for step in way.steps):
        yield f"Network ACLs do not filter: {'; '.join(UNFILTERED)}."
    yield NOT_LOOKED_AT
