"""In which order new groups are made, so that the fewest references wait.

EC2 makes five groups a second once the bucket is empty, and adds rules to five a second besides. A group's rules
can be sent as soon as it and all the groups they name exist. So next is always what the group lacks that
lacks least: a cluster is finished before the next is begun.
"""

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush


def creation_order(names: Mapping[str, Iterable[str]]) -> list[str]:
    """New group → the new groups that its rules name. Returns all of them; ties go by the order given."""
    lacks = {id_: {id_, *named} & names.keys() for id_, named in names.items()}
    waiting: dict[str, list[str]] = {id_: [] for id_ in names}
    place = {id_: index for index, id_ in enumerate(names)}
    for id_, lacking in lacks.items():
        for one in lacking:
            waiting[one].append(id_)
    queue = [(len(lacking), place[id_], id_) for id_, lacking in lacks.items()]
    heapify(queue)
    order: list[str] = []
    while queue:
        count, _, id_ = heappop(queue)
        if count != len(lacks[id_]) or not count:
            continue
        for one in sorted(lacks[id_], key=lambda name: (name != id_, place[name])):
            order.append(one)
            for other in waiting[one]:
                lacks[other].discard(one)
                heappush(queue, (len(lacks[other]), place[other], other))
    return order
