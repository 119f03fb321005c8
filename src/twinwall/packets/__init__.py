"""The algebra of packets: sets of them, and one ordinary packet out of a set. Imports nothing of ours.

A packet is a *place* (an IPv4 or IPv6 address, or a symbol whose members nobody knows here) and a point of
the *traffic line* (``traffic``). ``sweep`` turns rules into profiles along an address axis, ``profiles``
combines those, ``packetset`` puts families and symbols together, ``witness`` picks.
"""
