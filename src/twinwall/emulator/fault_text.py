"""A fault as it is written on the command line and over HTTP.

ACTION[@REGION][:N[+]]=WHAT        the Nth call of ACTION from now on (1 unless said), with + all after it too

CreateSecurityGroup=InternalError                   refused with this code
AuthorizeSecurityGroupIngress:5=503:InternalError   the same, with the HTTP status
CreateNetworkAclEntry:7=drop                        carried out, the answer is lost
CreateNetworkAclEntry:7=cut                         cut off before it is carried out
DeleteNetworkAclEntry=late:20                       no answer; carried out 20 s later
Describe*:1+=slow:2.5                               carried out, answered after 2.5 s
*@eu-west-1:1+=unreachable                          the Region does not answer
DeliverToSqs:3=twice:5                              EventBridge's third message to a queue comes twice
DeliverTo*:1+=lost                                  nothing that EventBridge sends arrives
"""

import re

from twinwall.emulator.faults import Fault, Kind
from twinwall.emulator.refusal import Refusal
from twinwall.errors import ConfigError

_FORM = re.compile(r"([A-Za-z*?]+)(?:@([a-z0-9-]+))?(?::([0-9]+)(\+?))?=(.+)", re.ASCII)
_CODE = re.compile(r"(?:([45][0-9]{2}):)?([A-Za-z][\w.]*)", re.ASCII)
_SECONDS = re.compile(r"(late|slow|twice):([0-9]+(?:\.[0-9]+)?)", re.ASCII)
_WORDS = {
    "drop": Kind.LOST,
    "cut": Kind.CUT,
    "unreachable": Kind.UNSENT,
    "twice": Kind.TWICE,
    "lost": Kind.NEVER,
}
_STATUS = {
    "RequestLimitExceeded": 503,
    "InternalError": 500,
    "Unavailable": 503,
    "UnauthorizedOperation": 403,
}


def parse_fault(text: str) -> Fault:
    """Raises ``ConfigError``."""
    form = _FORM.fullmatch(text.strip())
    if form is None or (form[3] is not None and int(form[3]) < 1):
        raise ConfigError(
            f"the fault {text!r} is not ACTION[@REGION][:N[+]]=WHAT, such as CreateNetworkAclEntry:7=drop"
        )
    kind, refusal, seconds = _what(text, form[5])
    if kind in (Kind.TWICE, Kind.NEVER) and not form[1].startswith("DeliverTo"):
        raise ConfigError(f"the fault {text!r}: only a delivery (DeliverTo…) can come twice or be lost")
    times = None if form[4] else 1
    return Fault(form[1], kind, refusal, times, int(form[3] or 1) - 1, None, form[2], seconds=seconds)


def _what(text: str, what: str) -> tuple[Kind, Refusal | None, float]:
    if what in _WORDS:
        return _WORDS[what], None, 0.0
    if timed := _SECONDS.fullmatch(what):
        return Kind(timed[1]), None, float(timed[2])
    code = _CODE.fullmatch(what)
    if code is None or code[2] in ("late", "slow", "twice"):
        raise ConfigError(
            f"the fault {text!r} ends in {what!r}; allowed are an error code, STATUS:CODE, drop, cut, "
            "unreachable, late:SECONDS, slow:SECONDS; of deliveries twice, twice:SECONDS, lost"
        )
    status = int(code[1] or _STATUS.get(code[2], 400))
    return Kind.REFUSED, Refusal(code[2], "as asked for", status), 0.0
