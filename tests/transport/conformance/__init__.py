"""What every transport owes its client, tried on each of them in each colour.

`answers` says what the node is to do, `scripted` (a socket) and `inprocess` (an ASGI app, a
handler) do it, `rig` opens a channel of either colour behind one sync face, `adapters` lists who is
tried. A gap that an adapter declares in its `capabilities` leaves the cases on it out of the
parameter list.
"""
