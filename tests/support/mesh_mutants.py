"""The mesh with one thing wrong: a text in one file, and what stands there instead. Each is run as a program of its
own, on a copy of the package, by the simulator: an invariant has to notice."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import twinwall

PACKAGE = Path(twinwall.__file__).parent


@dataclass(frozen=True)
class Mutant:
    """``seed``: one that catches it; ``invariant``: by which."""

    name: str
    file: str
    old: str
    new: str
    seed: int
    invariant: str


MUTANTS = (
    Mutant(
        "unknown as empty",
        "mesh/rows.py",
        'suspended |= mesh.policy == "keep" or now - first < mesh.expiry',
        "suspended |= False",
        7,
        "Availability",
    ),
    Mutant(
        "delta instead of recomputation",
        "mesh/members.py",
        "    for id_ in {*seen.states, *seen.named}:",
        "    for id_ in seen.named:",
        3,
        "Quiet",
    ),
    Mutant(
        "a site revokes in another's group",
        "engine/mesh/chains.py",
        "        added = filling.add(missing, authorize)\n",
        "        added = filling.add(missing, authorize)\n"
        "        old = [r.rule_id for r in groups[site.group_id] if dict(r.tags).get('twinwall:site') == str(row.key)\n"
        "               and getattr(r.peer, 'cidr', None) not in row.listed]\n"
        "        if old:\n"
        "            ec2.revoke(site.group_id, old, run.within_remote())\n",
        0,
        "Rights",
    ),
    Mutant(
        "revoke by mark",
        "engine/mesh/passing.py",
        "        extra = {s: d.extra for s, d in self._differences(groups, roster).items() if d.extra}\n",
        "        extra = {}\n"
        "        for site in self.run.around.sites:\n"
        "            for rule in picture.groups[site.group_id]:\n"
        "                for st in roster.standings:\n"
        "                    if dict(rule.tags).get('twinwall:site') == str(st.site.key):\n"
        "                        if getattr(rule.peer, 'cidr', None) not in st.claims:\n"
        "                            extra.setdefault(site, []).append(rule)\n",
        0,
        "Availability",
    ),
    Mutant(
        "group written before the push",
        "engine/mesh/chains.py",
        "    accepted = [row for row, other in zip(rows, found, strict=True) if _is_taken(run, node, row, other)]\n",
        "    accepted = rows\n",
        43,
        "Rights",
    ),
    Mutant(
        "unconditioned push",
        "emulator/mesh/table.py",
        "        if is_newer and not is_removed:",
        "        if is_newer or not is_removed:",
        1,
        "Monotony",
    ),
    Mutant(
        "rows read before groups",
        "engine/mesh/passing.py",
        "        groups = picture.groups\n",
        "        groups = groups_of(self.run)\n",
        10,
        "Availability",
    ),
    Mutant(
        "terminate decided by the event in hand",
        "mesh/members.py",
        "    found = {release.instance: release for release in old if now - release.at < KEPT_FOR}\n",
        "    found: dict[str, Release] = {}\n",
        28,
        "Answers",
    ),
    Mutant(
        "a thread left running",
        "engine/mesh/chains.py",
        "            ended = self.crew.next()\n            assert ended is not None\n            node",
        "            ended = self.crew.next(0.1)\n"
        "            if ended is None:\n                break\n            node",
        0,
        "Threads",
    ),
    Mutant(
        "an answer before the proof",
        "engine/mesh/passing.py",
        "            proof = groups_of(self.run)\n"
        "            if self._is_right(proof, roster):\n"
        "                return proof\n",
        "            nothing = {site.group_id: () for site in self.run.around.sites}\n"
        "            found = self._differences(nothing, roster)\n"
        "            return {site.group_id: found[site].missing for site in found}\n",
        0,
        "Answers",
    ),
    Mutant(
        "a leaver re-admitted",
        "mesh/members.py",
        "        if id_ in let_go or not _admitted(id_, site, seen):",
        "        if (id_ in let_go and id_ not in seen.named) or not _admitted(id_, site, seen):",
        139,
        "Answers",
    ),
)


UNSEEN = (
    Mutant(
        "missing re-read",
        "engine/mesh/passing.py",
        "        self.table = run.around.table.read(run.within())\n        again = self._judge(self.table)\n",
        "        again = self._judge(self.table)\n",
        0,
        "",
    ),
    Mutant(
        "generation read after the describe",
        "engine/mesh/passing.py",
        "        before = self._judge(self.table)\n",
        "        self.table = run.around.table.read(run.within())\n        before = self._judge(self.table)\n",
        0,
        "",
    ),
)
"""Not noticed in 1,000 seeds:

missing re-read: a claim pushed between the reading and a revoke or the proof wakes the owner, who puts it right; the
protocol's Availability allows just that. What is left is a row that comes and goes while one slow pass runs:
its wake-ups find nothing to do, and the pass then adds what nobody claims any more. No seed so far has met that moment.

generation read after the describe: nobody can overwrite a newer row by it, for the same write asks for the lease's
token. Who was overtaken has lost the lease before, and his older picture is refused all the same."""


def made(mutant: Mutant, folder: Path) -> Path:
    """A folder to import ``twinwall`` from, with the mutant in it."""
    root = folder / mutant.name.replace(" ", "-").replace("'", "")
    shutil.copytree(PACKAGE, root / "twinwall", ignore=shutil.ignore_patterns("__pycache__"))
    file = root / "twinwall" / mutant.file
    text = file.read_text("utf-8")
    assert text.count(mutant.old) == 1, f"{mutant.name}: {mutant.file} does not hold the text once"
    file.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    return root


def simulated(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twinwall", "mesh", "simulate", "--output", "json", *arguments]
    return subprocess.run(
        command, cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )
