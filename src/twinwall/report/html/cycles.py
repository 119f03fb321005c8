"""Which groups name each other in a circle: the strongly connected parts of the reference graph (Tarjan, 1972)."""

from collections.abc import Iterator, Mapping, Sequence


def cycles(edges: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each circle's members, in the order of the nodes. A node that only names itself is none."""
    order = {node: place for place, node in enumerate(edges)}
    found = (sorted(part, key=order.__getitem__) for part in _parts(edges) if len(part) > 1)
    return sorted(found, key=lambda part: order[part[0]])


def _parts(edges: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    held: set[str] = set()
    for root in edges:
        if root in index:
            continue
        path: list[tuple[str, Iterator[str]]] = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        held.add(root)
        while path:
            node, targets = path[-1]
            target = next((one for one in targets if one in edges), None)
            if target is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    yield _popped(stack, held, node)
            elif target not in index:
                index[target] = low[target] = len(index)
                stack.append(target)
                held.add(target)
                path.append((target, iter(edges[target])))
            elif target in held:
                low[node] = min(low[node], index[target])


def _popped(stack: list[str], held: set[str], node: str) -> list[str]:
    part: list[str] = []
    while not part or part[-1] != node:
        part.append(stack.pop())
        held.discard(part[-1])
    return part
