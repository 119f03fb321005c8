"""Are the replicas in step? As JUnit XML: a suite for each replica, a case for each of its targets.

A difference is a failure; what could not be compared is an error.
"""

import re
from collections.abc import Sequence
from typing import Any

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from twinwall.report.blocks import plain
from twinwall.report.drift import Drift
from twinwall.report.verify import verify_text


def drift_junit(drifts: Sequence[Drift]) -> str:
    document: Any = JUnitXml("twinwall drift")  # its methods have no types
    for name in dict.fromkeys(one.replica for one in drifts):
        suite = TestSuite(_xml(name))
        for one in drifts:
            if one.replica == name:
                suite.add_testcase(_case(one))
        document.add_testsuite(suite)
    document.update_statistics()
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document.tostring().decode("utf-8")}\n'


def _case(one: Drift) -> TestCase:
    case = TestCase(_xml(one.target), _xml(f"{one.replica}.{one.source}"), round(one.seconds, 3))
    if one.report is None:
        case.result = [Error(_xml(one.error), one.state)]
    elif one.exit_code:
        failure = Failure(_xml(one.words), one.state)
        failure.text = _xml(plain(verify_text(one.report)))
        case.result = [failure]
    elif one.report.not_compared:
        case.system_out = _xml(plain(verify_text(one.report)))
    return case


def _xml(text: str) -> str:
    """XML 1.0 has no way to say other characters (its production Char)."""
    return _UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", text)


_UNSAYABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
