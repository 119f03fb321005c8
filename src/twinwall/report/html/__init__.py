"""Results as one HTML file that stands by itself: no request leaves it, and everything in it that came from AWS is
text.

    a result ─ of_plan, of_verify, … ─▶ Page (values, already in words) ─ render ─▶ HTML

``scene`` holds the firewall before and after; ``groups``, ``acls``, ``graph``, ``matrix`` and ``timeline`` say it in
blocks; the templates only lay out. Without scripts all of it can be read, and printed.
"""
