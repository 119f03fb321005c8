"""Client tokens: the same request again gets the first answer (aws-facts 3.3)."""

from collections.abc import Callable

from twinwall.emulator.refusal import refuse
from twinwall.emulator.state import Answer, Call, Remember

MAX_TOKEN = 255


def once(call: Call, action: str, carry_out: Callable[[Call], Answer]) -> Answer:
    token = call.params.get("ClientToken")
    if not token:
        return carry_out(call)
    if len(token) > MAX_TOKEN:
        refuse("InvalidParameterValue", f"The client token is longer than {MAX_TOKEN} characters")
    asked = {key: value for key, value in call.params.items() if key != "ClientToken"}
    known = call.here.tokens.get((action, token))
    if known is None:
        answer = carry_out(call)
        return Answer(answer.output, (*answer.effects, Remember(action, token, asked, answer.output)))
    if known[0] != asked:
        refuse(
            "IdempotentParameterMismatch",
            "The request uses the same client token as a previous, but non-identical request.",
        )
    return Answer(known[1])
