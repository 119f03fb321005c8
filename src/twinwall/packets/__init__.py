"""The algebra of packets: sets of them, and one ordinary packet out of a set. Imports nothing of ours.

A packet is a *place* (an IPv4 or IPv6 address, or a symbol whose members nobody knows here) and a point of
the *traffic line* (``traffic``). Rules are ``boxes``. ``sweep`` turns them into profiles along an address
axis, ``profiles`` combines those, ``packetset`` puts families and symbols together, ``witness`` picks.
``comparison`` answers the one question that is asked most, do two rule sets admit the same, without making
either set: it walks both in ``lockstep``.
"""
