"""Bad days: connections that are cut, slowed down, spoken to in garbage, on real sockets, for every transport.

* ``calls``: the canonical calls, each with the answer of a node that tells the truth.
* ``table``: what each cut must lead to, derived from the retry rules and a transport's capabilities, and nothing else.
* ``node``: a node that cuts an exchange after exactly so many bytes (on ``tests.transport.raw_server``).
* ``proxy``: a TCP proxy with weather: latency, slices, stalls, cuts; TLS passes through it as it is.
* ``certificates``: authorities, and servers whose TLS is wrong in one way each.
* ``callers``: any transport in either colour, behind one sync face.

To rerun all of it for another transport, add that to ``tests/transport/conformance/adapters.py``: every case here takes
its transports from that list. To cut a stream at every byte, put ``Proxy(port_of_the_node)`` before it, point the
client at ``proxy.port``, and for each ``k`` call ``proxy.forecast(Weather(down=Way(cut=k, how="fin")), CLEAR)``: the
first connection from then on ends after ``k`` bytes towards the client, the later ones (the reconnect) are left alone;
``proxy.carried`` says what passed. ``ScriptedNode.play`` does the same without a second node, for one exchange.
"""
