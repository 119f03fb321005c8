"""What a run knows of the target: what it has made of it, what it read of it last, and where somebody else is at work.

    existing ─ our calls ─▶ replay       what should stand there now
    one paged read ───────▶ Reading      what does; everything that we added is in it, else it is read again
    replay ≠ reading ─────▶ findings     somebody else's: left alone and told

What a removal takes away is held against the last reading (promise: before removing); one older than 30 s is made
anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from twinwall.engine.readback import EntryKey, Reading, Rules, Wanted
from twinwall.engine.settling import entry_at
from twinwall.errors import Interfered
from twinwall.model.firewall import NetworkAcl, PrefixList, Resource
from twinwall.model.net import Cidr
from twinwall.model.rules import NetworkAclEntry, SecurityGroupRule
from twinwall.planning import changes as c
from twinwall.planning.findings import Finding
from twinwall.planning.history import rules_by
from twinwall.planning.replay import Replay

FRESH_SECONDS = 30.0


@dataclass(frozen=True)
class Skipped:
    """Not sent, and why."""

    why: str


@dataclass(frozen=True)
class Arrived:
    """Not sent again: nobody answered it, and the reading shows what it was to make."""


@dataclass
class Ground:
    """Used by one thread. ``acls``: as read last, at ``acls_at``. ``added``, ``gone``, ``entries``, ``acl_of``,
    ``lists``: what this run has made, as ``Wanted`` has it. ``coming``, ``going``, ``leaving``, ``tried``: rules by
    group, groups and lists, and entries by ACL and number of calls that were sent, and perhaps carried out.
    ``met_at``: since when things are known that an earlier run made."""

    replay: Replay
    existing_acls: frozenset[str]
    reading: Reading | None = None
    acls: Mapping[str, NetworkAcl] | None = None
    acls_at: float = 0.0
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    added: dict[str, set[SecurityGroupRule]] = field(default_factory=dict)
    gone: dict[str, set[SecurityGroupRule]] = field(default_factory=dict)
    entries: dict[str, dict[EntryKey, NetworkAclEntry | None]] = field(default_factory=dict)
    acl_of: dict[str, str] = field(default_factory=dict)
    lists: dict[str, dict[Cidr, bool]] = field(default_factory=dict)
    coming: dict[str, set[SecurityGroupRule]] = field(default_factory=dict)
    going: dict[str, set[SecurityGroupRule]] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    tried: dict[tuple[str, EntryKey], set[NetworkAclEntry | None]] = field(default_factory=dict)
    met_at: dict[str, float] = field(default_factory=dict)

    def sent(self, change: c.Change) -> None:
        """``change`` with real ids is on its way."""
        come, go = rules_by(change)
        self.coming.setdefault(change.resource.id, set()).update(come)
        self.going.setdefault(change.resource.id, set()).update(go)
        match change:
            case c.DeleteSecurityGroup() | c.DeleteManagedPrefixList():
                self.leaving.add(change.resource.id)
            case c.DeleteNetworkAclEntry(entry=entry):
                self.tried.setdefault((change.resource.id, entry.key), set()).add(None)
            case c.ReplaceNetworkAclEntry(entry=entry):
                self.tried.setdefault((change.resource.id, entry.key), set()).add(entry)
            case _:
                pass

    def done(self, change: c.Change) -> None:
        """``change`` with real ids was carried out."""
        self.replay.step(change)
        id_ = change.resource.id
        match change:
            case c.AuthorizeRules(rules=rules):
                self.added.setdefault(id_, set()).update(rules)
                self.gone.get(id_, set()).difference_update(rules)
            case c.RevokeRules(rules=rules):
                self.gone.setdefault(id_, set()).update(rules)
                self.added.get(id_, set()).difference_update(rules)
            case c.ModifySecurityGroupRules(rule=rule, into=into):
                self.gone.setdefault(id_, set()).add(rule)
                self.added.setdefault(id_, set()).add(into)
                self.added[id_].discard(rule)
                self.gone[id_].discard(into)
            case c.CreateNetworkAclEntry(entry=entry) | c.ReplaceNetworkAclEntry(entry=entry):
                self.entries.setdefault(id_, {})[entry.key] = entry
            case c.DeleteNetworkAclEntry(entry=entry):
                self.entries.setdefault(id_, {})[entry.key] = None
            case c.ReplaceNetworkAclAssociation(network_acl_id=acl_id):
                self.acl_of[id_] = acl_id
            case c.ModifyManagedPrefixList(add=add, remove=remove):
                held = self.lists.setdefault(id_, {})
                held |= {e.cidr: True for e in add} | {e.cidr: False for e in remove}
            case c.DeleteSecurityGroup() | c.DeleteNetworkAcl() | c.DeleteManagedPrefixList():
                self.added.pop(id_, None)
                self.entries.pop(id_, None)
                self.lists.pop(id_, None)
                self.met_at.pop(id_, None)
            case _:
                pass

    def met(self, id_: str, now: float) -> None:
        """What an earlier run made, perhaps: somebody may have been there since."""
        self.met_at[id_] = now
        self.existing_acls |= {id_}

    # --- reading

    def relies(self, change: c.Change) -> bool:
        """On a reading, before it may be sent."""
        match change:
            case c.RevokeRules(missing_ok=missing_ok):
                return not missing_ok
            case c.DeleteNetworkAclEntry() | c.ReplaceNetworkAclEntry() | c.DeleteNetworkAcl():
                return change.resource.id in self.existing_acls
            case c.DeleteSecurityGroup() | c.ModifySecurityGroupRules() | c.DeleteManagedPrefixList():
                return True
            case _:
                return False

    def is_fresh(self, change: c.Change, now: float) -> bool:
        """Is what this change takes away known as of the last 30 s?"""
        if _is_of_acl(change):
            since = max(now - FRESH_SECONDS, self.met_at.get(change.resource.id, 0.0))
            return self.acls is not None and self.acls_at >= since
        reading = self.reading
        if reading is None or now - reading.at > FRESH_SECONDS:
            return False
        if change.resource.type == "prefix-list":
            return change.resource.id in reading.lists
        there = reading.rules.get(change.resource.id)
        return there is not None and not any(
            rule in self.added.get(change.resource.id, ()) and rule not in there for rule in _takes(change)
        )

    def wanted(self, coming: Iterable[c.Change], now: float, *, acls_too: bool) -> Wanted:
        """What is to be read now. ``coming``: changes with real ids that rely on a reading. ``acls_too``: whether or
        not they were read of late."""
        relying = [change for change in coming if self.relies(change)]
        groups = {change.resource.id for change in relying if change.resource.type == "security-group"}
        doomed = [change.resource.id for change in relying if change.resource.type == "prefix-list"]
        rules = {id_: frozenset(self.added.get(id_, ())) for id_ in groups | self.added.keys()}
        return Wanted(
            rules,
            {id_: dict(entries) for id_, entries in self.entries.items()},
            dict(self.acl_of),
            {id_: {} for id_ in doomed} | {id_: dict(entries) for id_, entries in self.lists.items()},
            acls_too or any(_is_of_acl(change) and not self.is_fresh(change, now) for change in relying),
            frozenset(self.met_at),
        )

    def take(self, reading: Reading) -> None:
        """Holds it against what should be there; what is otherwise is somebody else's."""
        self.reading = reading
        if reading.acls is not None:
            self.acls, self.acls_at = reading.acls, reading.at
        for id_, there in reading.rules.items():
            group = self.replay.groups.get(id_)
            if group is None or (id_ in self.leaving and not there):
                continue
            ours = set(group.rules) | self.gone.get(id_, set()) | self.coming.get(id_, set())
            for rule in sorted(there.keys() - ours):
                self.note(group.resource, str(rule), "somebody else added it meanwhile; it was left alone")
            taken = self.added.get(id_, set()) | self.going.get(id_, set())
            for rule in sorted(set(group.rules) - there.keys() - taken):
                self.note(group.resource, str(rule), "somebody else took it away meanwhile")

    def checked(self, change: c.Change) -> c.Change | Skipped | Arrived:
        """What may be sent of a change that relies on a reading: rules by their ids, without those that are not as
        the plan saw them. Others go as they are."""
        if not self.relies(change):
            return change
        match change:
            case c.DeleteNetworkAclEntry() | c.ReplaceNetworkAclEntry():
                return self._entry(change, self.acls or {})
            case c.DeleteNetworkAcl():
                return self._deletable_acl(change, self.acls or {})
            case _:
                return self._checked(change, self.reading) if self.reading else change

    def _checked(self, change: c.Change, reading: Reading) -> c.Change | Skipped | Arrived:
        """Of groups and lists."""
        match change:
            case c.RevokeRules():
                return self._revocable(change, reading.rules[change.resource.id])
            case c.ModifySecurityGroupRules():
                return self._modifiable(change, reading.rules[change.resource.id])
            case c.DeleteSecurityGroup():
                return self._deletable(change, reading.rules[change.resource.id])
            case c.DeleteManagedPrefixList():
                return self._deletable_list(change, reading.lists[change.resource.id])
            case _:
                return change

    def _revocable(self, change: c.RevokeRules, there: Rules) -> c.Change | Skipped | Arrived:
        id_ = change.resource.id
        own, going = self.added.get(id_, set()), self.going.get(id_, set())
        if not there.keys() & set(change.rules) and going.issuperset(change.rules):
            return Arrived()
        kept = []
        for rule in change.rules:
            found = there.get(rule)
            if found is not None and (rule in own or found.description == self._described(change, rule)):
                kept.append(replace(rule, rule_id=found.rule_id))
            elif found is None and rule in self.gone.get(id_, set()) | going:
                continue
            else:
                why = "is described otherwise by now" if found else "is not there any more"
                self.note(change.resource, str(rule), f"it was to be revoked, but {why}: left alone")
        if not kept:
            return Skipped("none of the rules is as the plan saw it")
        return replace(change, rules=tuple(kept), by_id=True)

    def _described(self, change: c.Change, rule: SecurityGroupRule) -> str:
        """As the plan saw it: a revoke's request, in a plan's file, does not say."""
        group = self.replay.groups.get(change.resource.id)
        held = group.rules if group else ()
        return next((one.description for one in held if one == rule), rule.description)

    def _modifiable(self, change: c.ModifySecurityGroupRules, there: Rules) -> c.Change | Arrived:
        """What stands behind it relies on it, so that nothing is skipped here."""
        found = there.get(change.rule)
        own = change.rule in self.added.get(change.resource.id, ())
        if found is None and change.into in there and change.into in self.coming.get(change.resource.id, ()):
            return Arrived()
        if found is None or not (own or found.description == self._described(change, change.rule)):
            why = "is described otherwise by now" if found else "is not there any more"
            self.note(change.resource, str(change.rule), f"it was to be modified, but {why}: left alone")
            raise Interfered(
                f"{change.action} for {change.resource}: {change.rule} {why}; somebody else is at work there"
            )
        return replace(change, rule=replace(change.rule, rule_id=found.rule_id))

    def _entry(
        self, change: c.DeleteNetworkAclEntry | c.ReplaceNetworkAclEntry, acls: Mapping[str, NetworkAcl]
    ) -> c.Change | Skipped | Arrived:
        id_, key = change.resource.id, change.entry.key
        own = self.entries.get(id_, {})
        acl = acls.get(id_)
        found = own[key] if key in own else (entry_at(acl, change.entry) if acl else None)
        expected = entry_at(self.replay.acls[id_], change.entry)
        if found == expected:
            return change
        if found in self.tried.get((id_, key), ()):
            return Arrived()
        why = f"{found or 'nothing'} stands there by now, not {expected}: left alone"
        self.note(change.resource, str(change.entry), why)
        return Skipped(why)

    def _deletable(self, change: c.DeleteSecurityGroup, there: Rules) -> c.Change | Skipped:
        group = self.replay.groups.get(change.resource.id)
        known = set(group.rules if group else ()) | self.gone.get(change.resource.id, set())
        if foreign := sorted(there.keys() - known):
            why = f"it was to be deleted, but somebody else added {foreign[0]}: left alone"
            self.note(change.resource, "", why)
            return Skipped(why)
        return change

    def _deletable_acl(
        self, change: c.DeleteNetworkAcl, acls: Mapping[str, NetworkAcl]
    ) -> c.Change | Skipped:
        id_ = change.resource.id
        own = self.entries.get(id_, {})
        known = (
            {entry.key: entry for entry in self.replay.acls[id_].entries} if id_ in self.replay.acls else {}
        )
        for entry in acls[id_].entries if id_ in acls else ():
            if entry.key not in own and known.get(entry.key) != entry:
                why = f"it was to be deleted, but somebody else wrote {entry}: left alone"
                self.note(change.resource, "", why)
                return Skipped(why)
        return change

    def _deletable_list(
        self, change: c.DeleteManagedPrefixList, there: PrefixList | None
    ) -> c.Change | Skipped | Arrived:
        if there is None and change.resource.id in self.leaving:
            return Arrived()
        if there is None and change.resource.id in self.met_at:
            return change
        if there is None:
            why = "somebody else took it away meanwhile"
            self.note(change.resource, "", why)
            return Skipped(why)
        known = {entry.cidr for entry in self.replay.lists[change.resource.id].entries or ()}
        held = {entry.cidr for entry in there.entries or ()}
        if foreign := sorted(held - known):
            why = f"it was to be deleted, but somebody else added {foreign[0]}: left alone"
            self.note(change.resource, "", why)
            return Skipped(why)
        return change

    def note(self, resource: Resource, rule: str, message: str) -> None:
        self.tell(Finding("changed-meanwhile", "warning", resource, message, rule=rule))

    def tell(self, finding: Finding) -> None:
        self.findings.setdefault((finding.resource.id, finding.rule), finding)


def _is_of_acl(change: c.Change) -> bool:
    return change.resource.type == "network-acl"


def _takes(change: c.Change) -> tuple[SecurityGroupRule, ...]:
    """The rules that it takes away."""
    match change:
        case c.RevokeRules(rules=rules):
            return rules
        case c.ModifySecurityGroupRules(rule=rule):
            return (rule,)
        case _:
            return ()
